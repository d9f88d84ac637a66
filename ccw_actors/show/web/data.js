/** Reads the data of the page: the picture, and the values of its bodies on demand. */

/**
 * @typedef {{path: string, guest: string}} Lane
 * @typedef {[mask: number, name: string, counted: boolean]} Bit
 * @typedef {{name: string, digits?: number, bits?: Bit[], words?: Record<string, string>,
 *   is_sense?: boolean}} FieldText
 * @typedef {{name: string, fields: FieldText[]}} TypeText
 * @typedef {{event: number, column: string, function: string, what: string, lock: string}} CodeLine
 * @typedef {{event: number[], actor: number[], body: number[]}} StateColumns
 * @typedef {{title: string, actor: number[], sender: number[], cause: number[],
 *   number: number[], kind: number[], type: number[], body: number[], note: number[],
 *   time: number[] | null, states: StateColumns, race: [number, number] | null,
 *   noReturn: number | null, wayOut: string, needed: number[],
 *   code: {columns: string[], lines: CodeLine[]} | null}} Schedule
 * @typedef {{name: string, actor: number, sender: number, kind: number, type: number,
 *   body: number, note: number, changes: [number, number, number][],
 *   sent: [number, number, number][], violation: string}} Choice
 * @typedef {{source: string, title: string, verdict: string, tone: string,
 *   summary: string, facts: [string, string][], commands: string[], notes: string[],
 *   lanes: Lane[], types: TypeText[], schedules: Schedule[], choices: Choice[], texts: string[]}} Picture
 * @typedef {null | boolean | number | string | [number, ...any[]] | {x: string, n: number}
 *   | {i: string} | {l: any[], n: number} | {d: [any, any][], n: number}} Value
 */

const KEPT_MAX = 5000;

/** The picture, and its values by number. */
export class Model {
  /**
   * @param {Picture} picture
   * @param {string} bodies
   */
  constructor(picture, bodies) {
    this.picture = picture;
    this.bodies = bodies;
    this.offsets = lineOffsets(bodies);
    /** @type {Map<number, Value>} */
    this.kept = new Map();
    /** @type {WeakMap<Schedule, Map<number, {events: number[], bodies: number[]}>>} */
    this.histories = new WeakMap();
  }

  /**
   * @param {number} number
   * @returns {string}
   */
  text(number) {
    return number < 0 ? "" : this.picture.texts[number];
  }

  /**
   * @param {number} number
   * @returns {string}
   */
  lane(number) {
    return number < 0 ? "outside" : this.picture.lanes[number].path;
  }

  /**
   * A value as it is in the data: a line of JSON.
   * @param {number} number
   * @returns {string}
   */
  raw(number) {
    return this.bodies.slice(this.offsets[number], this.offsets[number + 1] - 1);
  }

  /**
   * A value; undefined if there is none.
   * @param {number} number
   * @returns {Value | undefined}
   */
  value(number) {
    if (number < 0) return undefined;
    let found = this.kept.get(number);
    if (found === undefined) {
      if (this.kept.size > KEPT_MAX) this.kept.clear();
      found = /** @type {Value} */ (JSON.parse(this.raw(number)));
      this.kept.set(number, found);
    }
    return found;
  }

  /**
   * The number of an actor's state after an event, -1 if none is known.
   * @param {Schedule} schedule
   * @param {number} actor
   * @param {number} event
   * @returns {number}
   */
  stateAt(schedule, actor, event) {
    const history = this.historyOf(schedule).get(actor);
    if (!history) return -1;
    let low = 0;
    let high = history.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (history.events[middle] <= event) low = middle + 1;
      else high = middle;
    }
    return low ? history.bodies[low - 1] : -1;
  }

  /**
   * @param {Schedule} schedule
   * @returns {Map<number, {events: number[], bodies: number[]}>}
   */
  historyOf(schedule) {
    let found = this.histories.get(schedule);
    if (!found) {
      found = new Map();
      const { event, actor, body } = schedule.states;
      for (let i = 0; i < event.length; i++) {
        const one = found.get(actor[i]) ?? { events: [], bodies: [] };
        found.set(actor[i], one);
        one.events.push(event[i]);
        one.bodies.push(body[i]);
      }
      this.histories.set(schedule, found);
    }
    return found;
  }
}

/**
 * Read the data of this page.
 * @param {string} json
 * @returns {Promise<Model>}
 */
export async function readModel(json) {
  return modelOf(JSON.parse(json));
}

/**
 * A model out of its packed parts, each deflated and in base64.
 * @param {{picture: string, bodies: string}} parts
 * @returns {Promise<Model>}
 */
export async function modelOf({ picture, bodies }) {
  const [text, lines] = await Promise.all([inflated(picture), inflated(bodies)]);
  return new Model(JSON.parse(text), lines);
}

/**
 * @param {string} base64
 * @returns {Promise<string>}
 */
async function inflated(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

/**
 * Where each line begins, and after the last one where one more would.
 * @param {string} text
 * @returns {Int32Array}
 */
function lineOffsets(text) {
  const found = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) found.push(at + 1);
  found.push(text.length + 1);
  return Int32Array.from(found);
}
