/** What the page shows now: the schedule, the order, the filters, the selection. */

import { visible } from "./dom.js";
import { coneOf, layOut } from "./order.js";
import { Texts, queryOf } from "./search.js";

/**
 * @typedef {import("./data.js").Model} Model
 * @typedef {import("./data.js").Schedule} Schedule
 * @typedef {import("./order.js").Layout} Layout
 */

/** Tells its listeners after every change. */
export class View {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.texts = new Texts(model);
    /** @type {{query: string, schedule: Schedule, found: Uint8Array} | null} */
    this.answer = null;
    this.number = 0;
    // Without causes the order of the source is all that is known.
    this.hasCauses = model.picture.schedules.some((one) => one.cause.some((cause) => cause >= 0));
    this.causal = this.hasCauses;
    this.withCone = this.hasCauses;
    this.selected = -1;
    this.query = "";
    this.onlyMatches = false;
    /** @type {Set<number>} */
    this.hiddenLanes = new Set();
    /** @type {Set<number>} */
    this.hiddenTypes = new Set();
    /** @type {Uint8Array | null} */
    this.matching = null;
    /** @type {Uint8Array | null} */
    this.cone = null;
    /** @type {((what: "layout" | "selection") => void)[]} */
    this.listeners = [];
    this.layout = this.laidOut();
  }

  /**
   * Take another picture, and select an event of it; -1 is none. Filters stay.
   * @param {Model} model
   * @param {number} selected
   */
  show(model, selected) {
    const { lanes } = this.model.picture;
    const hidden = new Set([...this.hiddenLanes].map((lane) => lanes[lane].path));
    const types = new Set([...this.hiddenTypes].map((type) => this.model.text(type)));
    this.model = model;
    this.texts = new Texts(model);
    this.hiddenLanes = new Set([...model.picture.lanes.keys()].filter((lane) => hidden.has(model.picture.lanes[lane].path)));
    this.hiddenTypes = new Set([...model.picture.texts.keys()].filter((type) => types.has(model.text(type))));
    const had = this.hasCauses;
    this.number = 0;
    this.hasCauses = model.picture.schedules.some((one) => one.cause.some((cause) => cause >= 0));
    if (this.hasCauses !== had) this.causal = this.withCone = this.hasCauses;
    this.selected = selected;
    this.changed();
  }

  /** @returns {Schedule} */
  get schedule() {
    return this.model.picture.schedules[this.number];
  }

  /** The numbers of the lanes that are shown. */
  get lanes() {
    return this.model.picture.lanes.map((_, i) => i).filter((i) => !this.hiddenLanes.has(i));
  }

  /** Whether some events are filtered out. */
  get isFiltered() {
    return this.hiddenLanes.size + this.hiddenTypes.size > 0 || (this.onlyMatches && !!this.matching);
  }

  /** @param {(what: "layout" | "selection") => void} listener */
  listen(listener) {
    this.listeners.push(listener);
  }

  /** @returns {Layout} */
  laidOut() {
    const { actor, type } = this.schedule;
    return layOut(
      this.schedule,
      (i) =>
        !this.hiddenLanes.has(actor[i]) &&
        !this.hiddenTypes.has(type[i]) &&
        !(this.onlyMatches && this.matching && !this.matching[i]),
      this.causal,
    );
  }

  /** Lay the events out again, after a change of what is shown. */
  changed() {
    this.matching = this.query ? this.answered() : null;
    this.layout = this.laidOut();
    if (this.selected >= 0 && this.layout.row[this.selected] < 0) this.selected = -1;
    this.cone = this.selected >= 0 ? coneOf(this.schedule, this.selected) : null;
    for (const told of this.listeners) told("layout");
  }

  /** @param {number} event */
  select(event) {
    this.selected = event;
    this.cone = event >= 0 ? coneOf(this.schedule, event) : null;
    for (const told of this.listeners) told("selection");
  }

  /** @param {number} number */
  showSchedule(number) {
    if (number === this.number) return;
    const twin = this.twin(this.selected, number);
    this.number = number;
    this.selected = twin;
    this.changed();
  }

  /**
   * The event of another schedule that is like one of this schedule.
   * @param {number} event
   * @param {number} number
   * @returns {number}
   */
  twin(event, number) {
    if (event < 0) return -1;
    const here = this.schedule;
    const there = this.model.picture.schedules[number];
    /** @param {Schedule} of @param {number} i */
    const name = (of, i) => `${of.sender[i]}>${of.actor[i]}:${of.type[i]}`;
    const wanted = name(here, event);
    let left = 0;
    for (let i = 0; i <= event; i++) left += Number(name(here, i) === wanted);
    for (let i = 0; i < there.actor.length; i++) {
      if (name(there, i) === wanted && !--left) return i;
    }
    return -1;
  }

  /**
   * The matches of the query, which are found once.
   * @returns {Uint8Array}
   */
  answered() {
    const { query, schedule } = this;
    if (this.answer?.query !== query || this.answer.schedule !== schedule) {
      this.answer = { query, schedule, found: this.matches() };
    }
    return this.answer.found;
  }

  /**
   * Which events match the query: their type, actors, note, or a text in their message.
   * @returns {Uint8Array}
   */
  matches() {
    const { model, schedule } = this;
    const query = queryOf(this.query);
    /** @param {string} text */
    const has = (text) => visible(text).toLowerCase().includes(query[0]);
    const texts = model.picture.texts.map(has);
    const lanes = model.picture.lanes.map((lane) => has(lane.path));
    const found = new Uint8Array(schedule.actor.length);
    for (let i = 0; i < found.length; i++) {
      const [type, note, body, sender] = [schedule.type[i], schedule.note[i], schedule.body[i], schedule.sender[i]];
      const hit =
        (type >= 0 && texts[type]) ||
        (note >= 0 && texts[note]) ||
        lanes[schedule.actor[i]] ||
        (sender >= 0 && lanes[sender]) ||
        (body >= 0 && this.texts.has(body, query));
      found[i] = Number(hit);
    }
    return found;
  }
}
