/** A way as a part of an address: the names of its steps, deflated, in base64. */

const MARK = "#way=";
const LENGTH_MAX = 1_000_000;

/**
 * The part of an address that stands for a way; "#" for the beginning.
 * @param {string[]} way
 * @returns {Promise<string>}
 */
export async function linkOf(way) {
  if (!way.length) return "#";
  const bytes = await through(new TextEncoder().encode(JSON.stringify(way)), new CompressionStream("deflate-raw"));
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return MARK + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * The way that a part of an address stands for; null if it stands for none.
 * @param {string} link
 * @returns {Promise<string[] | null>}
 */
export async function wayOf(link) {
  if (link === "" || link === "#") return [];
  if (!link.startsWith(MARK)) return null;
  try {
    const binary = atob(link.slice(MARK.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    const way = JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate-raw"))));
    return Array.isArray(way) && way.every((name) => typeof name === "string") ? way : null;
  } catch {
    return null;
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {CompressionStream | DecompressionStream} stream
 * @returns {Promise<Uint8Array>}
 */
async function through(bytes, stream) {
  const reader = new Blob([bytes]).stream().pipeThrough(/** @type {any} */ (stream)).getReader();
  const parts = [];
  let length = 0;
  for (let got = await reader.read(); !got.done; got = await reader.read()) {
    const part = /** @type {Uint8Array} */ (got.value);
    parts.push(part);
    length += part.length;
    if (length > LENGTH_MAX) throw new Error("the way is too long");
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
