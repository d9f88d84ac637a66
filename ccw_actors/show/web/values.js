/**
 * Puts values into rows of text: messages, states, and the difference of two states.
 * `ccw_actors/wording/_words.py` puts the same values on one line, for all other formats.
 */

/**
 * @typedef {import("./data.js").Model} Model
 * @typedef {import("./data.js").Value} Value
 * @typedef {import("./data.js").FieldText} FieldText
 * @typedef {{text: string, words: string[]}} Leaf
 * @typedef {{path: string, name: string, depth: number, text: string, words: string[],
 *   leaf: boolean}} Row
 * @typedef {{path: string, fctl: Leaf, actl: Leaf, stctl: Leaf}} Copy
 */

export const PLAIN = /** @type {FieldText} */ ({ name: "" });
const NOTHING = /** @type {Leaf} */ ({ text: "", words: [] });
const BYTES_SHOWN = 32;

/**
 * The rows of a table for a value: a row for each field, and for each field of those.
 * @param {Model} model
 * @param {Value | undefined} value
 * @returns {Row[]}
 */
export function rowsOf(model, value) {
  /** @type {Row[]} */
  const rows = [];
  if (value !== undefined) addFields(model, rows, value, "", 0);
  return rows;
}

/**
 * @param {Model} model
 * @param {Row[]} rows
 * @param {Value} value
 * @param {string} path
 * @param {number} depth
 */
export function addFields(model, rows, value, path, depth) {
  for (const [name, inner, field] of parts(model, value)) {
    addField(model, rows, inner, field, { path: joined(path, name), name, depth });
  }
}

/**
 * @param {Model} model
 * @param {Row[]} rows
 * @param {Value} value
 * @param {FieldText} field
 * @param {{path: string, name: string, depth: number}} at
 */
export function addField(model, rows, value, field, at) {
  if (isNested(value)) {
    rows.push({ ...at, text: headOf(model, value), words: [], leaf: false });
    addFields(model, rows, value, at.path, at.depth + 1);
  } else rows.push({ ...at, ...leafOf(model, value, field), leaf: true });
}

/**
 * @param {string} path
 * @param {string} name
 */
export function joined(path, name) {
  return path ? `${path}.${name}` : name;
}

/**
 * The name, the value and the description of each part of a value.
 * @param {Model} model
 * @param {Value} value
 * @returns {[string, Value, FieldText][]}
 */
function parts(model, value) {
  if (Array.isArray(value)) {
    const { fields } = model.picture.types[value[0]];
    return fields.map((field, i) => [field.name, value[i + 1], field]);
  }
  if (value && typeof value === "object") {
    if ("l" in value) return value.l.map((one, i) => [String(i), one, PLAIN]);
    if ("d" in value) return value.d.map(([key, one]) => [leafOf(model, key, PLAIN).text, one, PLAIN]);
  }
  return [["value", value, PLAIN]];
}

/**
 * Whether a value needs rows of its own.
 * @param {Value} value
 * @returns {boolean}
 */
function isNested(value) {
  if (Array.isArray(value)) return value.length > 1;
  if (!value || typeof value !== "object") return false;
  if ("l" in value) return value.l.some(isNested);
  return "d" in value && value.d.length > 0;
}

/**
 * @param {Model} model
 * @param {Value} value
 * @returns {string}
 */
function headOf(model, value) {
  if (Array.isArray(value)) return model.picture.types[value[0]].name;
  return value && typeof value === "object" && "n" in value ? `${value.n} entries` : "";
}

/**
 * A value without rows of its own, as text and in words.
 * @param {Model} model
 * @param {Value} value
 * @param {FieldText} field
 * @returns {Leaf}
 */
function leafOf(model, value, field) {
  if (value === null) return { text: "none", words: [] };
  if (typeof value === "number" && Number.isInteger(value)) return numberOf(value, field);
  if (typeof value === "string") return { text: `"${value}"`, words: [] };
  if (typeof value !== "object") return { text: value === true ? "yes" : value === false ? "no" : String(value), words: [] };
  if (Array.isArray(value)) return { text: `${model.picture.types[value[0]].name}()`, words: [] };
  if ("i" in value) return { text: value.i, words: [] };
  if ("x" in value) return bytesOf(value, field);
  if ("l" in value) return { text: `[${value.l.map((one) => leafOf(model, one, field).text).join(", ")}${value.n > value.l.length ? ", …" : ""}]`, words: [] };
  return { text: "{}", words: [] };
}

/**
 * @param {number} value
 * @param {FieldText} field
 * @returns {Leaf}
 */
function numberOf(value, field) {
  const text = field.digits && value >= 0 ? `0x${value.toString(16).padStart(field.digits, "0")}` : String(value);
  const words = [];
  for (const [mask, name, counted] of field.bits ?? []) {
    const inner = (value & mask) >>> 0;
    if (inner) words.push(counted ? `${name} ${inner / ((mask & -mask) >>> 0)}` : name);
  }
  const word = field.words?.[String(value)];
  if (word) words.push(word);
  return { text, words };
}

/**
 * @param {{x: string, n: number}} value
 * @param {FieldText} field
 * @returns {Leaf}
 */
function bytesOf(value, field) {
  if (!value.n) return { text: "no bytes", words: [] };
  const words = field.is_sense ? senseOf(value.x, field) : [];
  if (/^0*$/.test(value.x) && value.n > 8) return { text: `${value.n} bytes of zeros`, words };
  const grouped = value.x.slice(0, 2 * BYTES_SHOWN).replace(/.{8}(?=.)/g, "$& ");
  const rest = value.n > BYTES_SHOWN ? ` … (${value.n} bytes)` : "";
  return { text: grouped + rest, words };
}

/**
 * Sense byte 0 in words: its bits mean the same for every device.
 * @param {string} hex
 * @param {FieldText} field
 * @returns {string[]}
 */
function senseOf(hex, field) {
  const first = Number.parseInt(hex.slice(0, 2), 16);
  return (field.bits ?? []).filter(([mask]) => first & mask).map(([, name]) => name);
}

/**
 * The few words about a message that fit beside its type.
 * @param {Model} model
 * @param {Value | undefined} value
 * @returns {string}
 */
export function briefOf(model, value) {
  if (!Array.isArray(value)) return "";
  const found = [];
  for (const [name, inner, field] of parts(model, value)) {
    if (typeof inner === "string" && inner) found.push(inner);
    else if (typeof inner === "number" && (inner || name === "cc")) found.push(`${name} ${numberOf(inner, field).text}`);
    else if (Array.isArray(inner) && inner.length > 1 && name !== "irb" && name !== "schib") found.push(headOf(model, inner));
    if (found.length === 2) break;
  }
  return found.join(", ");
}

/**
 * The rows in which two states differ, each with both texts.
 * @param {Row[]} before
 * @param {Row[]} after
 * @returns {{path: string, before: Leaf, after: Leaf}[]}
 */
export function difference(before, after) {
  const was = new Map(before.filter((row) => row.leaf).map((row) => [row.path, row]));
  const is = new Map(after.filter((row) => row.leaf).map((row) => [row.path, row]));
  const found = [];
  for (const path of new Set([...was.keys(), ...is.keys()])) {
    const [old, now] = [was.get(path) ?? NOTHING, is.get(path) ?? NOTHING];
    if (old.text !== now.text) found.push({ path, before: old, after: now });
  }
  return found;
}

/**
 * The copies of a subchannel's FC, AC and SC that a value holds.
 * @param {Model} model
 * @param {Value | undefined} value
 * @returns {Copy[]}
 */
export function copiesIn(model, value) {
  /** @type {Copy[]} */
  const found = [];
  if (value !== undefined) addCopies(model, found, value, "");
  return found;
}

/**
 * @param {Model} model
 * @param {Copy[]} found
 * @param {Value} value
 * @param {string} path
 */
function addCopies(model, found, value, path) {
  const copy = { path: path || "state", fctl: NOTHING, actl: NOTHING, stctl: NOTHING };
  let has = false;
  for (const [name, inner, field] of isNested(value) ? parts(model, value) : []) {
    const at = joined(path, name);
    if (name === "fctl" || name === "actl" || name === "stctl") {
      if (typeof inner === "number") {
        copy[name] = numberOf(inner, field);
        has = true;
      }
    } else if (isNested(inner)) addCopies(model, found, inner, at);
  }
  if (has) found.unshift(copy);
}
