/** The page: its parts, the buttons, and the keys. */

import { ROW } from "./arrows.js";
import { codePath } from "./code.js";
import { details } from "./details.js";
import { Diagram, describeEvent } from "./diagram.js";
import { byId, make, visible } from "./dom.js";
import { fillFilters } from "./filters.js";
import { effectsOf } from "./order.js";
import { View } from "./view.js";

/** @typedef {import("./data.js").Model} Model */

/** @type {[string, string][]} */
const KEYS = [
  ["↑ ↓", "previous, next event"],
  ["Shift ↑ ↓", "previous, next event of the same actor"],
  ["← →", "its cause, its first effect"],
  ["Home End", "first, last event"],
  ["Page ↑ ↓", "a page up, down"],
  ["/", "search"],
  ["n N", "next, previous match"],
  ["f", "filters"],
  ["c", "causal order, or as scheduled"],
  ["h", "past and future of the selected event"],
  ["r", "the race, then its other event"],
  ["o", "the other order"],
  ["p", "the point of no return"],
  ["Esc", "leave the search, or select nothing"],
];
const TYPING = 150;

/** The parts of the page, and what connects them. */
export class Page {
  /**
   * @param {Model} model
   * @param {[string, string][]} [keys] more keys, and what they do
   * @param {string} [nothing] what it says when there are no events
   */
  constructor(model, keys = [], nothing = "There are no events.") {
    this.keys = [...keys, ...KEYS];
    this.model = model;
    this.view = new View(model);
    this.diagram = new Diagram(this.view, byId("diagram"), nothing);
    this.filters = byId("filters");
    /** The schedule that the filters are for. */
    this.filtered = this.view.schedule;
    this.search = /** @type {HTMLInputElement} */ (byId("search"));
    this.tab = "event";
    this.writeHead();
    this.makeTabs();
    this.connect();
    this.view.listen((what) => this.refresh(what));
    this.view.changed();
    const { race, noReturn } = this.view.schedule;
    const first = race ? race[1] : noReturn ? noReturn - 1 : -1;
    if (first >= 0) this.go(first);
  }

  /**
   * Show another picture, with the same filters, and select an event of it.
   * @param {Model} model
   * @param {number} selected
   */
  show(model, selected) {
    this.model = model;
    this.view.show(model, selected);
    this.writeHead();
  }

  writeHead() {
    const { picture } = this.model;
    const verdict = byId("verdict");
    verdict.hidden = !picture.verdict;
    verdict.textContent = visible(picture.verdict);
    verdict.className = `verdict ${picture.tone}`;
    byId("summary").textContent = visible(picture.summary);
    const { schedules } = picture;
    byId("to-race").hidden = !schedules.some((one) => one.race);
    byId("to-no-return").hidden = !schedules[0].noReturn;
    byId("other-order").hidden = schedules.length < 2;
    byId("order").hidden = !this.view.hasCauses;
    byId("cone").hidden = !this.view.hasCauses;
  }

  makeTabs() {
    const names = [["event", "Event"]];
    if (this.view.schedule.code) names.push(["code", "Code"]);
    names.push(["about", "About"]);
    const panel = make("div", { class: "panel", id: "panel", role: "tabpanel", tabindex: "0" });
    const tabs = names.map(([name, text]) =>
      make("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel", onclick: () => this.showTab(name) }, text),
    );
    const list = make("div", { class: "tabs", role: "tablist", "aria-label": "Details" }, tabs);
    list.addEventListener("keydown", (pressed) => {
      const step = pressed.key === "ArrowRight" ? 1 : pressed.key === "ArrowLeft" ? -1 : 0;
      if (!step) return;
      pressed.stopPropagation();
      const at = (names.findIndex(([name]) => name === this.tab) + step + names.length) % names.length;
      this.showTab(names[at][0]);
      tabs[at].focus();
    });
    byId("side").replaceChildren(list, panel);
    this.panel = panel;
    this.tabs = tabs;
  }

  /** @param {string} name */
  showTab(name) {
    this.tab = name;
    document.body.classList.toggle("reading-code", name === "code");
    this.writeSide();
  }

  writeSide() {
    for (const tab of this.tabs ?? []) {
      const on = tab.id === `tab-${this.tab}`;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    }
    this.panel?.setAttribute("aria-labelledby", `tab-${this.tab}`);
    const parts = this.tab === "event" ? details(this.view) : this.tab === "code" ? codePath(this.view) : this.about();
    this.panel?.replaceChildren(...parts);
    this.panel?.querySelector(".current td.part")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** @returns {HTMLElement[]} */
  about() {
    const { picture } = this.model;
    const { schedule, layout } = this.view;
    const facts = [
      ...picture.facts,
      ["events", schedule.actor.length.toLocaleString("en")],
      ["rows", layout.rows.toLocaleString("en")],
      ["actors", String(picture.lanes.length)],
    ];
    const commands = picture.commands.map((command) => {
      const copy = make("button", { type: "button", "aria-label": `Copy ${command}` }, "Copy");
      copy.addEventListener("click", () => navigator.clipboard?.writeText(command).then(() => this.say("Copied.")));
      return make("div", { class: "command" }, make("code", {}, command), copy);
    });
    return [
      make("h2", {}, picture.title),
      make("dl", { class: "facts" }, facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
      ...picture.notes.map((note) => make("p", { class: "note" }, note)),
      ...(commands.length ? [make("h3", {}, "Commands")] : []),
      ...commands,
      make("h3", {}, "Keys"),
      make("dl", { class: "keys" }, this.keys.flatMap(([key, what]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, what)])),
    ];
  }

  connect() {
    byId("filter-button").addEventListener("click", () => this.toggleFilters());
    byId("causal").addEventListener("click", () => this.setCausal(true));
    byId("recorded").addEventListener("click", () => this.setCausal(false));
    byId("cone").addEventListener("click", () => this.toggleCone());
    byId("to-race").addEventListener("click", () => this.toRace());
    byId("to-no-return").addEventListener("click", () => this.toNoReturn());
    byId("other-order").addEventListener("click", () => this.flip());
    byId("next-match").addEventListener("click", () => this.toMatch(1));
    byId("previous-match").addEventListener("click", () => this.toMatch(-1));
    let waiting = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        this.view.query = this.search.value;
        this.view.changed();
      }, TYPING);
    });
    document.addEventListener("keydown", (pressed) => this.pressed(pressed));
  }

  /** @param {KeyboardEvent} pressed */
  pressed(pressed) {
    const target = /** @type {HTMLElement} */ (pressed.target);
    if (pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
    if (target === this.search) {
      if (pressed.key === "Enter") this.toMatch(pressed.shiftKey ? -1 : 1);
      else if (pressed.key === "Escape") this.diagram.events.focus();
      else return;
      pressed.preventDefault();
      return;
    }
    const inEvents = target === this.diagram.events || target === document.body;
    const act = this.letter(pressed.key) ?? (inEvents ? this.motion(pressed) : undefined);
    if (!act) return;
    pressed.preventDefault();
    act();
  }

  /**
   * What a letter does, anywhere on the page.
   * @param {string} key
   * @returns {(() => void) | undefined}
   */
  letter(key) {
    /** @type {Record<string, () => void>} */
    const letters = {
      "/": () => this.search.select(),
      n: () => this.toMatch(1),
      N: () => this.toMatch(-1),
      f: () => this.toggleFilters(),
      c: () => this.setCausal(!this.view.causal),
      h: () => this.toggleCone(),
      r: () => this.toRace(),
      o: () => this.flip(),
      p: () => this.toNoReturn(),
    };
    return Object.hasOwn(letters, key) ? letters[key] : undefined;
  }

  /**
   * Where a key goes from the selected event.
   * @param {KeyboardEvent} pressed
   * @returns {(() => void) | undefined}
   */
  motion(pressed) {
    const { view } = this;
    const { layout, schedule, selected } = view;
    const at = selected < 0 ? -1 : this.placeOf(selected);
    const page = Math.max(1, Math.floor(this.diagram.scroller.clientHeight / ROW) - 3);
    /** @param {number} place */
    const to = (place) => () => this.go(layout.events[Math.max(0, Math.min(layout.events.length - 1, place))]);
    switch (pressed.key) {
      case "ArrowDown":
        return pressed.shiftKey && selected >= 0 ? () => this.go(this.sameActor(1)) : to(at + 1);
      case "ArrowUp":
        return pressed.shiftKey && selected >= 0 ? () => this.go(this.sameActor(-1)) : to(at - 1);
      case "ArrowLeft":
        return () => this.go(selected < 0 ? -1 : layout.causes[selected]);
      case "ArrowRight":
        return () => this.go(selected < 0 ? -1 : (effectsOf(schedule, selected).find((one) => layout.row[one] >= 0) ?? -1));
      case "PageDown":
        return () => this.go(this.atRow((selected < 0 ? 0 : layout.row[selected]) + page));
      case "PageUp":
        return () => this.go(this.atRow((selected < 0 ? 0 : layout.row[selected]) - page));
      case "Home":
        return to(0);
      case "End":
        return to(layout.events.length - 1);
      case "Escape":
        return () => view.select(-1);
      default:
        return undefined;
    }
  }

  /** @param {number} event */
  placeOf(event) {
    const { layout } = this.view;
    for (let at = layout.starts[layout.row[event]]; ; at++) if (layout.events[at] === event) return at;
  }

  /** @param {number} row */
  atRow(row) {
    const { layout } = this.view;
    return layout.events[layout.starts[Math.max(0, Math.min(layout.rows - 1, row))]] ?? -1;
  }

  /** @param {1 | -1} step */
  sameActor(step) {
    const { schedule, layout, selected } = this.view;
    let at = selected + step;
    while (at >= 0 && at < schedule.actor.length && (schedule.actor[at] !== schedule.actor[selected] || layout.row[at] < 0)) at += step;
    return at >= 0 && at < schedule.actor.length ? at : -1;
  }

  /**
   * Select an event, and scroll to it; -1 does nothing.
   * @param {number | undefined} event
   */
  go(event) {
    if (event === undefined || event < 0) return;
    this.view.select(event);
  }

  toRace() {
    const { race } = this.view.schedule;
    if (race) this.go(this.view.selected === race[0] ? race[1] : race[0]);
  }

  toNoReturn() {
    this.view.showSchedule(0);
    const { noReturn } = this.view.schedule;
    if (noReturn) this.go(noReturn - 1);
  }

  flip() {
    const { schedules } = this.model.picture;
    if (schedules.length < 2) return;
    this.view.showSchedule(1 - this.view.number);
    const { title, race } = this.view.schedule;
    if (this.view.selected < 0 && race) this.go(race[1]);
    else if (this.view.selected >= 0) this.go(this.view.selected);
    this.say(`Shown: ${title}.`);
  }

  /** @param {boolean} causal */
  setCausal(causal) {
    this.view.causal = causal && this.view.hasCauses;
    this.view.changed();
    if (this.view.selected >= 0) this.diagram.reveal(this.view.selected);
  }

  toggleCone() {
    this.view.withCone = !this.view.withCone;
    this.view.select(this.view.selected);
  }

  toggleFilters() {
    const opens = this.filters.hidden;
    this.filters.hidden = !opens;
    byId("filter-button").setAttribute("aria-expanded", String(opens));
    if (opens) {
      this.fillFilters();
      this.filters.querySelector("input")?.focus();
    } else byId("filter-button").focus();
  }

  fillFilters() {
    this.filtered = this.view.schedule;
    fillFilters(this.view, this.filters);
  }

  /** @param {1 | -1} step */
  toMatch(step) {
    const { matching, layout, selected } = this.view;
    if (!matching) return;
    const count = layout.events.length;
    let at = selected < 0 ? (step > 0 ? -1 : count) : this.placeOf(selected);
    for (let tried = 0; tried < count; tried++) {
      at = (at + step + count) % count;
      if (matching[layout.events[at]]) {
        this.go(layout.events[at]);
        return;
      }
    }
  }

  /** @param {"layout" | "selection"} what */
  refresh(what) {
    const { view, diagram } = this;
    if (what === "layout") diagram.laidOut();
    if (!this.filters.hidden && this.filtered !== view.schedule) this.fillFilters();
    if (view.selected >= 0) diagram.reveal(view.selected);
    if (what === "selection") {
      diagram.render();
      if (view.selected >= 0 && this.tab === "about") this.tab = "event";
    }
    this.writeSide();
    this.writeTools();
    if (what === "selection" && view.selected >= 0) this.say(describeEvent(view, view.selected));
  }

  writeTools() {
    const { view } = this;
    const pressed = (/** @type {string} */ id, /** @type {boolean} */ on) => byId(id).setAttribute("aria-pressed", String(on));
    pressed("causal", view.causal);
    pressed("recorded", !view.causal);
    pressed("cone", view.withCone);
    pressed("other-order", view.number === 1);
    byId("filter-count").textContent = view.isFiltered ? ` (${view.layout.events.length.toLocaleString("en")} shown)` : "";
    let count = 0;
    if (view.matching) for (const event of view.layout.events) count += view.matching[event];
    byId("matches").textContent = view.matching ? `${count.toLocaleString("en")} found` : "";
    byId("matches").dataset.query = view.query;
    for (const id of ["next-match", "previous-match"]) /** @type {HTMLButtonElement} */ (byId(id)).disabled = !count;
    document.body.classList.toggle("other", view.number === 1);
  }

  /** @param {string} text */
  say(text) {
    byId("status").textContent = visible(text);
  }
}
