/** Shows one event: its message, its causes, and the states of actors around it. */

import { make } from "./dom.js";
import { effectsOf, ranksOf } from "./order.js";
import { copiesIn, difference, rowsOf } from "./values.js";

/**
 * @typedef {import("./view.js").View} View
 * @typedef {import("./values.js").Leaf} Leaf
 * @typedef {import("./values.js").Row} Row
 * @typedef {import("./values.js").Copy} Copy
 * @typedef {{lane: number, now: Copy, was: Copy | undefined}} LaneCopy
 */

const EFFECTS_SHOWN = 12;
const LOOKED_BACK = 400;
const COPY_FIELDS = /** @type {const} */ (["fctl", "actl", "stctl"]);

/**
 * The panel for the selected event.
 * @param {View} view
 * @returns {HTMLElement[]}
 */
export function details(view) {
  const { selected, schedule, model } = view;
  if (selected < 0) {
    return [make("p", { class: "hint" }, "Select an event to see its message, its causes and the states around it.")];
  }
  const kind = model.text(schedule.kind[selected]);
  const note = model.text(schedule.note[selected]);
  return [
    make("h2", {}, model.text(schedule.type[selected]) || kind),
    make("p", { class: "way" }, ...way(view)),
    ...marks(view),
    ...(note ? [make("p", { class: "note" }, note)] : []),
    links(view),
    ...messagePart(view),
    ...statePart(view),
    ...copiesPart(view),
  ];
}

/** @param {View} view */
function way(view) {
  const { selected, schedule, model } = view;
  const kind = model.text(schedule.kind[selected]);
  const actor = make("b", {}, model.lane(schedule.actor[selected]));
  const time = schedule.time ? `, ${(schedule.time[selected] / 1e6).toFixed(6)} s` : "";
  const end = ` (#${schedule.number[selected]}${time})`;
  if (kind === "message" || kind === "dead letter") {
    const sender = make("b", {}, model.lane(schedule.sender[selected]));
    return [sender, " → ", actor, kind === "message" ? "" : ": dead letter", end];
  }
  return [actor, `: ${kind}`, end];
}

/** @param {View} view */
function marks(view) {
  const { selected, schedule } = view;
  const found = [];
  if (schedule.race?.includes(selected)) {
    const other = schedule.race[0] === selected ? schedule.race[1] : schedule.race[0];
    const end = view.number ? ". In this order there is no fault." : ". The other order can avoid the fault.";
    found.push(make("p", { class: "mark race" }, "Races with ", link(view, other), end));
  }
  if (schedule.noReturn === selected + 1) {
    const out = schedule.wayOut ? ` ${schedule.wayOut} instead could have avoided the fault.` : "";
    found.push(make("p", { class: "mark cut" }, `Point of no return.${out}`));
  }
  if (schedule.needed.length && !schedule.needed.includes(selected)) {
    found.push(make("p", { class: "mark" }, "The fault is met without this step."));
  }
  return found;
}

/** @param {View} view */
function links(view) {
  const { selected, schedule } = view;
  const cause = schedule.cause[selected];
  const previous = ranksOf(schedule).previous[selected];
  const effects = effectsOf(schedule, selected);
  const list = make("dl", { class: "links" });
  const add = (/** @type {string} */ name, /** @type {number[]} */ events) => {
    if (!events.length) return;
    const shown = events.slice(0, EFFECTS_SHOWN).map((event) => make("li", {}, link(view, event)));
    const more = events.length - shown.length;
    if (more > 0) shown.push(make("li", {}, `and ${more} more`));
    list.append(make("dt", {}, name), make("dd", {}, make("ul", {}, shown)));
  };
  add("Caused by", cause < 0 ? [] : [cause]);
  add("Before it, here", previous < 0 ? [] : [previous]);
  add("Causes", effects);
  return list;
}

/**
 * A button that selects an event.
 * @param {View} view
 * @param {number} event
 */
function link(view, event) {
  const { schedule, model } = view;
  const name = model.text(schedule.type[event]) || model.text(schedule.kind[event]);
  const text = `#${schedule.number[event]} ${name} at ${model.lane(schedule.actor[event])}`;
  const hidden = view.layout.row[event] < 0;
  return make("button", { type: "button", class: "link", disabled: hidden, onclick: () => view.select(event) }, text);
}

/** @param {View} view */
function messagePart(view) {
  const { selected, schedule, model } = view;
  const rows = rowsOf(model, model.value(schedule.body[selected]));
  if (!rows.length) return [];
  return [make("h3", {}, "Message"), fieldsTable(rows)];
}

/** @param {View} view */
function statePart(view) {
  const { selected, schedule, model } = view;
  const actor = schedule.actor[selected];
  const after = model.stateAt(schedule, actor, selected);
  if (after < 0) return [];
  const before = model.stateAt(schedule, actor, selected - 1);
  const now = rowsOf(model, model.value(after));
  const found = difference(rowsOf(model, model.value(before)), now);
  const title = make("h3", {}, `State of ${model.lane(actor)}`);
  const all = make(
    "details",
    { class: "whole" },
    make("summary", {}, "The whole state afterwards"),
    fieldsTable(now),
  );
  if (!found.length) return [title, make("p", { class: "hint" }, "This event does not change it."), all];
  const lines = found.map((one) =>
    make("tr", {}, nameCell(one.path, 0), make("td", { class: "value before" }, leaf(one.before)), make("td", { class: "value after" }, leaf(one.after))),
  );
  return [title, make("table", { class: "fields difference" }, heads("field", "before", "after"), make("tbody", {}, lines)), all];
}

/** @param {View} view */
function copiesPart(view) {
  const fromStates = view.schedule.states.event.length > 0;
  const found = fromStates ? copiesFromStates(view) : copiesFromMessages(view);
  if (!found.length) return [];
  const lines = found.map(({ lane, now, was }) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, view.model.lane(lane), make("small", {}, now.path)),
      COPY_FIELDS.map((name) =>
        make("td", { class: was && was[name].text !== now[name].text ? "value after" : "value" }, leaf(now[name])),
      ),
    ),
  );
  const title = fromStates ? "Copies of the subchannel's FC, AC and SC" : "FC, AC and SC as last told to each actor";
  return [make("h3", {}, title), make("table", { class: "fields copies" }, heads("layer", "FC", "AC", "SC"), make("tbody", {}, lines))];
}

/**
 * @param {View} view
 * @returns {LaneCopy[]}
 */
function copiesFromStates(view) {
  const { selected, schedule, model } = view;
  const found = [];
  for (const lane of model.picture.lanes.keys()) {
    const before = copiesIn(model, model.value(model.stateAt(schedule, lane, selected - 1)));
    for (const now of copiesIn(model, model.value(model.stateAt(schedule, lane, selected)))) {
      found.push({ lane, now, was: before.find((one) => one.path === now.path) });
    }
  }
  return found;
}

/**
 * A trace has no states: what each actor was told last stands for its copy.
 * @param {View} view
 * @returns {LaneCopy[]}
 */
function copiesFromMessages(view) {
  const { selected, schedule, model } = view;
  const marks = model.picture.types.flatMap((type, i) => (type.name === "Scsw" ? [`[${i},`] : []));
  const left = new Set(view.lanes);
  const found = [];
  for (let i = selected; i >= Math.max(0, selected - LOOKED_BACK) && left.size; i--) {
    const lane = schedule.actor[i];
    if (!left.has(lane) || schedule.body[i] < 0) continue;
    const raw = model.raw(schedule.body[i]);
    if (!marks.some((mark) => raw.includes(mark))) continue;
    left.delete(lane);
    const now = copiesIn(model, model.value(schedule.body[i]))[0];
    if (now) found.push({ lane, now: { ...now, path: `${now.path} of #${schedule.number[i]}` }, was: undefined });
  }
  return found.sort((a, b) => a.lane - b.lane);
}

/**
 * A table of fields: values in hex, and in words if any has words.
 * @param {Row[]} rows
 */
function fieldsTable(rows) {
  const inWords = rows.some((row) => row.words.length);
  const lines = rows.map((row) =>
    make(
      "tr",
      { class: row.leaf ? "" : "group" },
      nameCell(row.name, row.depth),
      make("td", { class: "value" }, row.text),
      inWords ? make("td", { class: "words" }, row.words.map((word) => make("span", {}, word))) : null,
    ),
  );
  const names = inWords ? heads("field", "value", "in words") : heads("field", "value");
  return make("table", { class: "fields" }, names, make("tbody", {}, lines));
}

/** @param {...string} names */
function heads(...names) {
  return make("thead", {}, make("tr", {}, names.map((name) => make("th", { scope: "col" }, name))));
}

/**
 * @param {string} name
 * @param {number} depth
 */
function nameCell(name, depth) {
  const cell = make("th", { scope: "row" }, name);
  cell.style.paddingLeft = `${8 + depth * 14}px`;
  return cell;
}

/** @param {Leaf} one */
function leaf(one) {
  return [one.text || "–", ...one.words.map((word) => make("small", {}, word))];
}
