/** Shows the code path of the original beside the events that stand for it. */

import { make } from "./dom.js";

/** @typedef {import("./view.js").View} View */

/**
 * A table with a column for each thread, and a row for each part of the code.
 * @param {View} view
 * @returns {HTMLElement[]}
 */
export function codePath(view) {
  const { code } = view.schedule;
  if (!code) return [make("p", { class: "hint" }, "This order has no code path.")];
  const locks = code.lines.some((line) => line.lock);
  const heads = ["#", ...(locks ? ["io_mutex"] : []), ...code.columns];
  let shown = -1;
  code.lines.forEach((line, i) => {
    if (line.event <= view.selected) shown = i;
  });
  const rows = code.lines.map((line, i) =>
    make(
      "tr",
      { class: i === shown ? "current" : "", "aria-current": i === shown ? "step" : undefined },
      make("th", { scope: "row" }, number(view, line.event)),
      locks ? make("td", { class: "lock" }, line.lock) : null,
      code.columns.map((column) => (column === line.column ? make("td", { class: "part" }, part(line)) : make("td", {}))),
    ),
  );
  return [
    make(
      "p",
      { class: "hint" },
      "The functions of the original, by thread. Steps that only carry messages are left out.",
    ),
    make(
      "table",
      { class: "code" },
      make("thead", {}, make("tr", {}, heads.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, rows),
    ),
  ];
}

/** @param {import("./data.js").CodeLine} line */
function part(line) {
  return [line.function ? make("code", {}, `${line.function}()`) : null, make("span", {}, line.what)];
}

/**
 * @param {View} view
 * @param {number} event
 */
function number(view, event) {
  const text = String(view.schedule.number[event]);
  return make(
    "button",
    { type: "button", class: "link", "aria-label": `Select step ${text}`, disabled: view.layout.row[event] < 0, onclick: () => view.select(event) },
    text,
  );
}
