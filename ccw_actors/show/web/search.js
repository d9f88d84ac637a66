/** Finds texts, numbers and bytes in messages, as the page shows them. */

import { visible } from "./dom.js";
import { PLAIN, addField, addFields, joined } from "./values.js";

/**
 * @typedef {import("./data.js").Model} Model
 * @typedef {import("./data.js").Value} Value
 * @typedef {import("./data.js").FieldText} FieldText
 * @typedef {import("./values.js").Row} Row
 * @typedef {{path: string, field: FieldText, known: Map<string, Part>, inner: Map<number, Place[]>}} Place
 * @typedef {{text: string, parts: Part[], query: string[] | null, hit: boolean}} Part
 */

/**
 * The texts of bodies, for the search. Most bodies differ in few fields, so a part that
 * is like one of another body shares its text and its answer.
 */
export class Texts {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.root = placeAt("", PLAIN);
    /** @type {Part[]} */
    this.bodies = [];
  }

  /**
   * Whether a body has one of the wanted texts.
   * @param {number} number
   * @param {string[]} query from `queryOf`
   * @returns {boolean}
   */
  has(number, query) {
    this.bodies[number] ??= this.partOf(this.model.raw(number), this.root);
    return isHit(this.bodies[number], query);
  }

  /**
   * @param {string} raw a value as JSON
   * @param {Place} place
   * @returns {Part}
   */
  partOf(raw, place) {
    const [type, ...fields] = raw.startsWith("[") ? itemsOf(raw) : [];
    if (!fields.length) return partWith(this.textOf(raw, place), []);
    const places = this.placesIn(place, Number(type));
    const { name } = this.model.picture.types[Number(type)];
    return partWith(`${place.path} ${name}`, fields.map((field, i) => this.known(field, places[i])));
  }

  /**
   * @param {string} raw
   * @param {Place} place
   * @returns {Part}
   */
  known(raw, place) {
    let found = place.known.get(raw);
    if (!found) place.known.set(raw, (found = this.partOf(raw, place)));
    return found;
  }

  /**
   * The places of the fields of a type.
   * @param {Place} place
   * @param {number} type
   * @returns {Place[]}
   */
  placesIn(place, type) {
    let found = place.inner.get(type);
    if (!found) {
      const { fields } = this.model.picture.types[type];
      found = fields.map((field) => placeAt(joined(place.path, field.name), field));
      place.inner.set(type, found);
    }
    return found;
  }

  /**
   * The rows of a value as one text, and its numbers and bytes in the form of `queryOf`.
   * @param {string} raw
   * @param {Place} place
   * @returns {string}
   */
  textOf(raw, place) {
    const { path, field } = place;
    const value = /** @type {Value} */ (JSON.parse(raw));
    /** @type {Row[]} */
    const rows = [];
    if (path) addField(this.model, rows, value, field, { path, name: field.name, depth: 0 });
    else addFields(this.model, rows, value, "", 0);
    const lines = rows.map((row) => `${row.path} ${row.text} ${row.words.join(", ")}`);
    return `${lines.join(" · ")} ${plainOf(value).join(" ")} `;
  }
}

/**
 * @param {string} path
 * @param {FieldText} field
 * @returns {Place}
 */
function placeAt(path, field) {
  return { path, field, known: new Map(), inner: new Map() };
}

/**
 * @param {string} text
 * @param {Part[]} parts
 * @returns {Part}
 */
function partWith(text, parts) {
  return { text: visible(text).toLowerCase(), parts, query: null, hit: false };
}

/**
 * @param {Part} part
 * @param {string[]} query
 * @returns {boolean}
 */
function isHit(part, query) {
  if (part.query !== query) {
    part.query = query;
    part.hit = query.some((text) => part.text.includes(text)) || part.parts.some((one) => isHit(one, query));
  }
  return part.hit;
}

/**
 * The items of an array, as the JSON has them.
 * @param {string} raw
 * @returns {string[]}
 */
function itemsOf(raw) {
  const found = [];
  let depth = 0;
  let from = 1;
  for (let at = 0; at < raw.length; at++) {
    const char = raw[at];
    if (char === '"') at = endOfString(raw, at);
    else if (char === "[" || char === "{") depth++;
    else if (char === "]" || char === "}") depth--;
    else if (char === "," && depth === 1) {
      found.push(raw.slice(from, at));
      from = at + 1;
    }
  }
  found.push(raw.slice(from, -1));
  return found;
}

/**
 * @param {string} raw
 * @param {number} at where its first quotation mark is
 * @returns {number} where its last one is
 */
function endOfString(raw, at) {
  let end = at + 1;
  while (raw[end] !== '"') end += raw[end] === "\\" ? 2 : 1;
  return end;
}

/**
 * The integers in a value, as `=16`, and its bytes without spaces.
 * @param {any} value
 * @returns {string[]}
 */
function plainOf(value) {
  if (Number.isInteger(value)) return [`=${value}`];
  if (Array.isArray(value)) return value.slice(1).flatMap(plainOf);
  if (!value || typeof value !== "object") return [];
  if ("i" in value) return [`=${value.i}`];
  if ("x" in value) return [value.x];
  return "l" in value ? value.l.flatMap(plainOf) : value.d.flat().flatMap(plainOf);
}

/**
 * The texts of which one must be found: what was typed, and the same as a whole number
 * or as bytes without spaces.
 * @param {string} typed
 * @returns {string[]}
 */
export function queryOf(typed) {
  const wanted = visible(typed).toLowerCase();
  const found = [wanted];
  if (/^(0x[0-9a-f]{1,40}|[0-9]{1,40})$/.test(wanted)) found.push(` =${BigInt(wanted)} `);
  if (/^([0-9a-f]{2} ?)+$/.test(wanted)) found.push(wanted.replaceAll(" ", ""));
  return found;
}
