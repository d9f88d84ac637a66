/** Draws the lines between events: causes, the race, the point of no return. */

import { draw } from "./dom.js";
import { FUTURE, PAST, SELF } from "./order.js";

/**
 * @typedef {import("./view.js").View} View
 * @typedef {{first: number, last: number, left: number, right: number}} Drawn
 */

/** The height of a row and of an event, and where the labels end and the lanes begin. */
export const ROW = 30;
export const CHIP = 24;
export const GUTTER = 76;
export const LEFT = GUTTER + 26;
const LONG = 70;

/** The lines behind the events, in an element of SVG. */
export class Arrows {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    this.element = draw("svg", { class: "arrows", "aria-hidden": "true" });
    this.lane = 0;
    /** @type {number[]} */
    this.places = [];
  }

  /**
   * The middle of a lane, and of a row.
   * @param {number} event
   * @returns {[number, number]}
   */
  middle(event) {
    const lane = this.places[this.view.schedule.actor[event]];
    return [LEFT + (lane + 0.5) * this.lane, (this.view.layout.row[event] + 0.5) * ROW];
  }

  /**
   * Draw the lines that cross the drawn rows and lanes.
   * @param {number} lane the width of a lane
   * @param {number[]} places the place of each lane, -1 for a hidden one
   * @param {Drawn} drawn
   * @param {number} origin the row at the top
   */
  draw(lane, places, drawn, origin) {
    this.lane = lane;
    this.places = places;
    const { view, element } = this;
    const { layout, schedule, cone } = view;
    const { first, last, left, right } = drawn;
    const [x, top] = [left * this.lane, first * ROW];
    const width = LEFT + (right - left + 1) * this.lane;
    const height = (last - first + 2) * ROW;
    element.setAttribute("viewBox", `${x} ${top} ${width} ${height}`);
    element.style.left = `${x}px`;
    element.style.top = `${top - origin * ROW}px`;
    element.style.width = `${width}px`;
    element.style.height = `${height}px`;
    /** @type {Record<string, string[]>} */
    const lines = { plain: [], hidden: [], past: [], future: [], long: [] };
    /** @type {Record<string, string[]>} */
    const points = { plain: [], past: [], future: [] };
    const lifelines = [];
    for (let at = left; at <= right; at++) lifelines.push(`M${LEFT + (at + 0.5) * this.lane} ${top}v${height}`);
    const until = Math.min(layout.rows - 1, last + LONG);
    for (let at = layout.starts[first] ?? 0; at < (layout.starts[until + 1] ?? 0); at++) {
      const event = layout.events[at];
      const cause = layout.causes[event];
      if (cause < 0 || layout.row[cause] > last) continue;
      const [from, to] = [this.places[schedule.actor[cause]], this.places[schedule.actor[event]]];
      if (Math.max(from, to) < left || Math.min(from, to) > right) continue;
      const between = layout.row[event] - layout.row[cause];
      const mine = event === view.selected || cause === view.selected;
      if (between > LONG && !mine) {
        if (layout.row[event] <= last) lines.long.push(this.stub(event));
        continue;
      }
      let kind = "plain";
      if (cone && view.withCone) {
        if (cone[cause] === PAST && (cone[event] === PAST || cone[event] === SELF)) kind = "past";
        else if (cone[event] === FUTURE && cone[cause] >= FUTURE) kind = "future";
      }
      const [line, point] = this.arrow(cause, event);
      const direct = cause === schedule.cause[event];
      lines[kind === "plain" && !direct ? "hidden" : kind].push(line);
      points[kind].push(point);
    }
    const made = [draw("path", { class: "lifelines", d: lifelines.join("") })];
    for (const [kind, some] of Object.entries(lines)) {
      if (some.length) made.push(draw("path", { class: `line ${kind}`, d: some.join("") }));
    }
    for (const [kind, some] of Object.entries(points)) {
      if (some.length) made.push(draw("path", { class: `point ${kind}`, d: some.join("") }));
    }
    made.push(...this.raceArc(), ...this.cut());
    element.replaceChildren(...made);
  }

  /**
   * The line from a cause to its effect, and the point of the arrow.
   * @param {number} cause
   * @param {number} event
   * @returns {[string, string]}
   */
  arrow(cause, event) {
    const [fromX, fromY] = this.middle(cause);
    const [toX, toY] = this.middle(event);
    const half = this.lane / 2 - 6;
    if (fromX === toX) {
      const x = fromX + half;
      const bend = Math.min(14, 4 + (toY - fromY) / 12);
      return [
        `M${x} ${fromY + 5}c${bend} 4 ${bend} ${toY - fromY - 14} 2 ${toY - fromY - 10}`,
        triangle(x, toY - 4, -1),
      ];
    }
    const side = fromX < toX ? -1 : 1;
    const endX = toX + side * half;
    const startY = fromY + CHIP / 2;
    return [
      `M${fromX} ${startY}C${fromX} ${(startY + toY) / 2} ${endX + side * 30} ${toY} ${endX + side * 5} ${toY}`,
      triangle(endX, toY, side),
    ];
  }

  /** @param {number} event */
  stub(event) {
    const [x, y] = this.middle(event);
    const at = x - this.lane / 2 + 6;
    return `M${at} ${y - 7}l-4 -4m4 4v-4m0 4h-4`;
  }

  /** The arc between the two events of the race. */
  raceArc() {
    const { view } = this;
    const { race } = view.schedule;
    if (!race || race.some((event) => view.layout.row[event] < 0)) return [];
    const [[x, y], [toX, toY]] = race.map((event) => this.middle(event));
    const half = this.lane / 2 - 6;
    const bend = 22;
    const line = `M${x - half} ${y}C${x - half - bend} ${y} ${toX - half - bend} ${toY} ${toX - half} ${toY}`;
    return [
      draw("path", { class: "line race", d: line }),
      draw("path", { class: "point race", d: triangle(x - half, y, -1) + triangle(toX - half, toY, -1) }),
    ];
  }

  /** The point of no return: a cut through all lanes, after the last event before it. */
  cut() {
    const { view } = this;
    const { layout, schedule } = view;
    const { noReturn } = schedule;
    if (!noReturn) return [];
    const target = layout.row[noReturn - 1] + 1;
    if (target <= 0) return [];
    const above = view.lanes.map(() => 0);
    const below = view.lanes.map(() => layout.rows);
    for (let i = 0; i < schedule.actor.length; i++) {
      if (layout.row[i] < 0) continue;
      const at = this.places[schedule.actor[i]];
      if (i < noReturn) above[at] = Math.max(above[at], layout.row[i] + 1);
      else below[at] = Math.min(below[at], layout.row[i]);
    }
    const path = [`M${GUTTER} ${Math.min(below[0], Math.max(above[0], target)) * ROW}`];
    view.lanes.forEach((_, at) => {
      const y = Math.min(below[at], Math.max(above[at], target)) * ROW;
      path.push(`V${y}H${LEFT + (at + 1) * this.lane}`);
    });
    return [draw("path", { class: "line cut", d: path.join("") })];
  }
}

/**
 * The point of an arrow that comes from the left (-1) or the right (1).
 * @param {number} x
 * @param {number} y
 * @param {number} side
 */
function triangle(x, y, side) {
  return `M${x} ${y}l${side * 7} -3.5v7z`;
}
