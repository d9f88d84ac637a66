/** Causal order: rows by longest path, and the past and the future of an event. */

/**
 * @typedef {import("./data.js").Schedule} Schedule
 * @typedef {{row: Int32Array, rows: number, events: Int32Array, starts: Int32Array,
 *   causes: Int32Array, rank: Int32Array}} Layout
 */

const ranked = new WeakMap();

/**
 * For each event, the event of the same actor before it, and its rank: the length of the
 * longest chain of causes and of events of one actor that ends in it.
 * @param {Schedule} schedule
 * @returns {{rank: Int32Array, previous: Int32Array}}
 */
export function ranksOf(schedule) {
  let found = ranked.get(schedule);
  if (!found) {
    const count = schedule.actor.length;
    const rank = new Int32Array(count);
    const previous = new Int32Array(count);
    /** @type {Map<number, number>} */
    const last = new Map();
    for (let i = 0; i < count; i++) {
      const before = last.get(schedule.actor[i]) ?? -1;
      const cause = schedule.cause[i];
      previous[i] = before;
      rank[i] = 1 + Math.max(before < 0 ? -1 : rank[before], cause < 0 ? -1 : rank[cause]);
      last.set(schedule.actor[i], i);
    }
    found = { rank, previous };
    ranked.set(schedule, found);
  }
  return found;
}

/**
 * Give the visible events rows: by rank, or one for each event.
 *
 * `row` is -1 for a hidden event. `events` are the visible ones in the order of rows and
 * lanes, those of row r from `starts[r]` on. `causes` are the nearest visible causes.
 * @param {Schedule} schedule
 * @param {(event: number) => boolean} isVisible
 * @param {boolean} causal
 * @returns {Layout}
 */
export function layOut(schedule, isVisible, causal) {
  const { rank } = ranksOf(schedule);
  const count = schedule.actor.length;
  const row = new Int32Array(count).fill(-1);
  const causes = new Int32Array(count).fill(-1);
  const shown = [];
  for (let i = 0; i < count; i++) {
    const cause = schedule.cause[i];
    if (isVisible(i)) {
      row[i] = 0;
      shown.push(i);
    }
    if (cause >= 0) causes[i] = row[cause] >= 0 ? cause : causes[cause];
  }
  const { actor } = schedule;
  if (causal) shown.sort((a, b) => rank[a] - rank[b] || actor[a] - actor[b]);
  const starts = [];
  let key = -1;
  for (let at = 0; at < shown.length; at++) {
    const one = shown[at];
    if (!causal || rank[one] !== key) starts.push(at);
    key = rank[one];
    row[one] = starts.length - 1;
  }
  const rows = starts.length;
  starts.push(shown.length);
  return { row, rows, events: Int32Array.from(shown), starts: Int32Array.from(starts), causes, rank };
}

/** An event's place relative to another one. */
export const UNRELATED = 0;
export const PAST = 1;
export const FUTURE = 2;
export const SELF = 3;

/**
 * For each event, whether it is in the past or the future of one event. A cause comes
 * before its effects in every schedule, so one pass each way is enough.
 * @param {Schedule} schedule
 * @param {number} event
 * @returns {Uint8Array}
 */
export function coneOf(schedule, event) {
  const { previous } = ranksOf(schedule);
  const { cause } = schedule;
  const cone = new Uint8Array(cause.length);
  cone[event] = SELF;
  for (let i = event; i >= 0; i--) {
    if (cone[i] === UNRELATED) continue;
    for (const before of [cause[i], previous[i]]) {
      if (before >= 0 && cone[before] === UNRELATED) cone[before] = PAST;
    }
  }
  for (let i = event + 1; i < cone.length; i++) {
    for (const before of [cause[i], previous[i]]) {
      if (before >= 0 && cone[before] >= FUTURE) cone[i] = FUTURE;
    }
  }
  return cone;
}

/**
 * The events that an event has caused.
 * @param {Schedule} schedule
 * @param {number} event
 * @returns {number[]}
 */
export function effectsOf(schedule, event) {
  const found = [];
  for (let i = event + 1; i < schedule.cause.length; i++) {
    if (schedule.cause[i] === event) found.push(i);
  }
  return found;
}
