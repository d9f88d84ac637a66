/** Draws the lanes: only the rows in view, however many there are. */

import { Arrows, CHIP, GUTTER, LEFT, ROW } from "./arrows.js";
import { make } from "./dom.js";
import { SELF } from "./order.js";
import { briefOf } from "./values.js";

/** @typedef {import("./view.js").View} View */

const LANE_MIN = 156;
const LANE_MAX = 280;
const AROUND = 24;
const BESIDE = 3;
const PRINTED_MAX = 1500;
/** The width in pixels that a sheet has, A4 or Letter. */
const PAPER = 700;
const GUESTS = 6;
const SIGNS = new Map(Object.entries({
  timer: "◷",
  crash: "⚡",
  arrival: "⇣",
  "dead letter": "✕",
  failure: "✕",
}));

/** The lanes with their events, in an element that scrolls. */
export class Diagram {
  /**
   * @param {View} view
   * @param {HTMLElement} place
   * @param {string} nothing what it says when there are no events
   */
  constructor(view, place, nothing) {
    this.view = view;
    this.nothing = nothing;
    this.heads = make("div", { class: "heads" });
    this.gutter = make("div", { class: "gutter", "aria-hidden": "true" });
    this.arrows = new Arrows(view);
    this.events = make("div", {
      class: "events",
      id: "events",
      role: "listbox",
      tabindex: "0",
      "aria-label": "Events",
    });
    this.rows = make("div", { class: "rows" }, this.arrows.element, this.gutter, this.events);
    this.scroller = make("div", { class: "scroller" }, this.heads, this.rows);
    this.empty = make("p", { class: "empty", hidden: true });
    this.printed = make("p", { class: "printed", hidden: true });
    place.append(this.printed, this.scroller, this.empty);
    /** The rows and the lanes that are drawn: first and last of each. */
    this.drawn = { first: 0, last: -1, left: 0, right: -1 };
    /** @type {Map<number, HTMLElement>} */
    this.chips = new Map();
    /** @type {string[]} */
    this.colours = [];
    this.printing = false;
    /** What was in view before the page was printed, and how far it was scrolled. */
    this.seen = { first: 0, last: -1, x: 0, y: 0 };
    /** The row at the top of what is printed. */
    this.origin = 0;
    this.lane = LANE_MIN;
    /** @type {number[]} */
    this.places = [];
    let waiting = false;
    this.scroller.addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        this.scrolled();
      });
    });
    this.events.addEventListener("click", (happened) => {
      const chip = /** @type {Element} */ (happened.target).closest(".event");
      if (chip) view.select(Number(chip.id.slice(1)));
    });
    this.paper = matchMedia("print");
    new ResizeObserver(() => {
      // The style for print comes before the event that tells of it.
      if (this.paper.matches) this.printing = true;
      this.laidOut();
      if (view.selected >= 0 && !this.printing) this.reveal(view.selected);
    }).observe(place);
    this.paper.addEventListener("change", (now) => this.print(now.matches));
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(this.paper.matches));
  }

  /** @param {boolean} printing */
  print(printing) {
    if (printing === this.printing) return;
    const { x, y } = this.seen;
    this.printing = printing;
    this.laidOut();
    if (printing) return;
    this.scroller.scrollTo(x, y);
    this.render();
  }

  /** Draw everything again, after a change of what is shown. */
  laidOut() {
    const { view } = this;
    const { lanes, layout } = view;
    const guests = [...new Set(view.model.picture.lanes.map((lane) => lane.guest))];
    this.colours = view.model.picture.lanes.map((lane) => colour(guests, lane.guest));
    const room = (this.printing ? PAPER : this.scroller.clientWidth) - LEFT - 2;
    this.lane = Math.max(LANE_MIN, Math.min(LANE_MAX, Math.floor(room / Math.max(1, lanes.length))));
    this.places = view.model.picture.lanes.map(() => -1);
    lanes.forEach((lane, at) => {
      this.places[lane] = at;
    });
    this.empty.hidden = layout.rows > 0;
    this.empty.textContent = view.schedule.actor.length ? "No event passes the filters." : this.nothing;
    this.scroller.hidden = layout.rows === 0;
    const width = LEFT + this.lane * lanes.length;
    this.rows.style.width = `${width}px`;
    this.heads.style.width = `${width}px`;
    this.scroller.style.setProperty("zoom", this.printing ? String(Math.min(1, PAPER / width)) : "");
    this.drawHeads();
    this.render();
  }

  /** The heads of the lanes: the guests, and below them the actors. */
  drawHeads() {
    const { view } = this;
    const all = view.model.picture.lanes;
    const guests = [...new Set(all.map((lane) => lane.guest))];
    const made = [];
    this.heads.classList.toggle("single", guests.length === 1 && !guests[0]);
    let at = 0;
    while (at < view.lanes.length) {
      const { guest } = all[view.lanes[at]];
      let end = at;
      while (end < view.lanes.length && all[view.lanes[end]].guest === guest) end++;
      const group = make("div", { class: `guest ${this.colours[view.lanes[at]]}` }, make("span", {}, guest || "\u00a0"));
      group.style.left = `${LEFT + at * this.lane}px`;
      group.style.width = `${(end - at) * this.lane}px`;
      made.push(group);
      for (; at < end; at++) {
        const { path } = all[view.lanes[at]];
        const parts = (guest ? path.slice(guest.length + 1) : path).split("/");
        const name = parts.pop() ?? "";
        const head = make("div", { class: `lane ${this.colours[view.lanes[at]]}`, title: path }, make("small", {}, parts.join("/")), make("span", {}, name));
        head.style.left = `${LEFT + at * this.lane}px`;
        head.style.width = `${this.lane}px`;
        made.push(head);
      }
    }
    this.heads.replaceChildren(make("div", { class: "corner" }, view.causal ? "rank" : "number"), ...made);
  }

  /** Draw more if what is drawn does not reach around what is in view. */
  scrolled() {
    if (this.printing || this.paper.matches) return;
    const { rows } = this.view.layout;
    const seen = this.inView();
    const { drawn } = this;
    const isEnough =
      (seen.first - AROUND / 3 >= drawn.first || drawn.first === 0) &&
      (seen.last + AROUND / 3 <= drawn.last || drawn.last >= rows - 1) &&
      seen.left >= drawn.left &&
      seen.right <= drawn.right;
    this.see();
    if (!isEnough) this.extend();
  }

  /** The rows and the lanes in view: first and last of each. */
  inView() {
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.scroller;
    const first = Math.floor(scrollTop / ROW);
    const left = Math.floor((scrollLeft - LEFT + GUTTER) / this.lane);
    return {
      first,
      last: Math.min(this.view.layout.rows - 1, first + Math.ceil(clientHeight / ROW)),
      left: Math.max(0, left),
      right: Math.min(this.view.lanes.length - 1, left + Math.ceil(clientWidth / this.lane)),
    };
  }

  /** Remember what is in view. */
  see() {
    const { first, last } = this.inView();
    this.seen = { first, last, x: this.scroller.scrollLeft, y: this.scroller.scrollTop };
  }

  /** Draw everything in view again. */
  render() {
    if (!this.printing) this.see();
    const { first, last } = this.extent();
    this.origin = first;
    this.rows.style.height = `${(last - first + 2) * ROW}px`;
    this.writePrinted();
    this.chips.clear();
    this.events.replaceChildren();
    this.extend();
  }

  /** Whether there are too many rows to print them all. */
  get isCut() {
    return this.printing && this.view.layout.rows > PRINTED_MAX;
  }

  /** The first and the last row that there is room for: all, or those to print. */
  extent() {
    return this.isCut ? this.seen : { first: 0, last: this.view.layout.rows - 1 };
  }

  /** Say which rows are printed, unless all are. */
  writePrinted() {
    this.printed.hidden = !this.isCut;
    const [first, last, rows, most] = [this.seen.first + 1, this.seen.last + 1, this.view.layout.rows, PRINTED_MAX].map((one) => one.toLocaleString("en"));
    this.printed.textContent = `Rows ${first} to ${last} of ${rows}. Filter to at most ${most} rows to print all.`;
  }

  /** The rows and the lanes to draw: those in view and around it, or those to print. */
  toDraw() {
    const { layout, lanes } = this.view;
    if (this.printing) return { ...this.extent(), left: 0, right: lanes.length - 1 };
    const { first, last, left, right } = this.inView();
    return {
      first: Math.max(0, first - AROUND),
      last: Math.min(layout.rows - 1, last + AROUND),
      left: Math.max(0, left - BESIDE),
      right: Math.min(lanes.length - 1, right + BESIDE),
    };
  }

  /** Draw what is in view and around it, and keep what is drawn already. */
  extend() {
    const { layout, schedule } = this.view;
    this.drawn = this.toDraw();
    const { first, last, left, right } = this.drawn;
    const there = new Set();
    const fresh = document.createDocumentFragment();
    for (let at = layout.starts[first] ?? 0; at < (layout.starts[last + 1] ?? 0); at++) {
      const event = layout.events[at];
      const place = this.places[schedule.actor[event]];
      if (place < left || place > right) continue;
      there.add(event);
      if (this.chips.has(event)) continue;
      const chip = this.chip(event, layout.row[event]);
      chip.setAttribute("aria-posinset", String(at + 1));
      chip.setAttribute("aria-setsize", String(layout.events.length));
      this.chips.set(event, chip);
      fresh.append(chip);
    }
    for (const [event, chip] of this.chips) {
      if (there.has(event)) continue;
      chip.remove();
      this.chips.delete(event);
    }
    this.events.append(fresh);
    const labels = [];
    for (let row = first; row <= last; row++) labels.push(this.label(row));
    this.gutter.replaceChildren(...labels);
    this.arrows.draw(this.lane, this.places, this.drawn, this.origin);
    this.markSelected();
  }

  /** @param {number} row */
  label(row) {
    const { view } = this;
    const event = view.layout.events[view.layout.starts[row]];
    const { time, number } = view.schedule;
    const text = view.causal ? String(view.layout.rank[event] + 1) : `#${number[event]}`;
    const made = make("div", { class: "label" }, text);
    if (time && !view.causal) made.title = `${(time[event] / 1e6).toFixed(6)} s`;
    made.style.top = `${(row - this.origin) * ROW}px`;
    return made;
  }

  /**
   * @param {number} event
   * @param {number} row
   */
  chip(event, row) {
    const { view } = this;
    const { model, schedule, cone } = view;
    const kind = model.text(schedule.kind[event]);
    const type = model.text(schedule.type[event]);
    const brief = briefOf(model, model.value(schedule.body[event]));
    const classes = ["event", this.colours[schedule.actor[event]], kind.replace(" ", "-")];
    if (view.matching?.[event]) classes.push("match");
    if (schedule.race?.includes(event)) classes.push("race");
    if (cone && view.withCone) {
      classes.push(["unrelated", "past", "future", "self"][cone[event]]);
    }
    const sign = SIGNS.get(kind);
    const made = make(
      "div",
      {
        class: classes.join(" "),
        id: `e${event}`,
        role: "option",
        "aria-selected": event === view.selected ? "true" : "false",
        "aria-label": describeEvent(view, event),
        title: `${type}${brief ? ` (${brief})` : ""}`,
      },
      sign ? make("span", { class: "sign" }, sign) : null,
      make("b", {}, type || kind),
      brief ? make("span", { class: "brief" }, brief) : null,
    );
    made.style.left = `${LEFT + this.places[schedule.actor[event]] * this.lane + 6}px`;
    made.style.width = `${this.lane - 12}px`;
    made.style.top = `${(row - this.origin) * ROW + (ROW - CHIP) / 2}px`;
    return made;
  }

  /** Mark the selected event, and what is in its past and in its future. */
  markSelected() {
    const { view } = this;
    const chip = view.selected >= 0 && document.getElementById(`e${view.selected}`);
    if (chip) this.events.setAttribute("aria-activedescendant", chip.id);
    else this.events.removeAttribute("aria-activedescendant");
  }

  /**
   * Scroll an event into view.
   * @param {number} event
   */
  reveal(event) {
    const row = this.view.layout.row[event];
    if (row < 0) return;
    const { scroller } = this;
    const y = row * ROW;
    const head = this.heads.offsetHeight;
    const room = scroller.clientHeight - head - ROW;
    if (y < scroller.scrollTop + ROW || y > scroller.scrollTop + room - ROW) {
      scroller.scrollTop = Math.max(0, y - room / 2);
    }
    const x = this.places[this.view.schedule.actor[event]] * this.lane;
    const across = scroller.clientWidth - LEFT - this.lane;
    if (x < scroller.scrollLeft || x > scroller.scrollLeft + across) {
      scroller.scrollLeft = Math.max(0, x - across / 2);
    }
  }
}

/**
 * @param {string[]} guests
 * @param {string} guest
 */
function colour(guests, guest) {
  return guest ? `guest-${guests.indexOf(guest) % GUESTS}` : "guest-none";
}

/**
 * An event in a sentence, for those who do not see the lanes.
 * @param {View} view
 * @param {number} event
 */
export function describeEvent(view, event) {
  const { model, schedule, cone, layout } = view;
  const kind = model.text(schedule.kind[event]);
  const type = model.text(schedule.type[event]);
  const from = kind === "message" ? `, from ${model.lane(schedule.sender[event])}` : `, ${kind}`;
  const place = cone && cone[event] !== SELF ? [", concurrent", ", in the past", ", in the future"][cone[event]] : "";
  const race = schedule.race?.includes(event) ? ", one of the race" : "";
  return `${schedule.number[event]}: ${model.lane(schedule.actor[event])}, ${type}${from}, row ${layout.row[event] + 1}${place}${race}`;
}
