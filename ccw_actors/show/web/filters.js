/** The panel that filters events by guest, by actor and by type. */

import { make } from "./dom.js";

/** @typedef {import("./view.js").View} View */

/**
 * Fill the panel; it calls `view.changed()` when something is filtered. The focus stays
 * on the same box, or goes to the first one if that box is gone.
 * @param {View} view
 * @param {HTMLElement} place
 */
export function fillFilters(view, place) {
  const focused = /** @type {HTMLElement | null} */ (place.querySelector(":focus"));
  place.replaceChildren(...contents(view, place));
  if (!focused) return;
  const boxes = [.../** @type {NodeListOf<HTMLElement>} */ (place.querySelectorAll("button, input"))];
  const same = boxes.find((one) => one.dataset.key === focused.dataset.key);
  (same ?? place.querySelector("input"))?.focus({ preventScroll: !!same });
}

/**
 * @param {View} view
 * @param {HTMLElement} place
 * @returns {HTMLElement[]}
 */
function contents(view, place) {
  const { model, schedule } = view;
  const byType = counted(schedule.type);
  const byLane = counted(schedule.actor);
  const types = [...byType.keys()].sort((a, b) => (byType.get(b) ?? 0) - (byType.get(a) ?? 0));
  const guests = [...new Set(model.picture.lanes.map((lane) => lane.guest))];
  const all = make("button", { type: "button", "data-key": "reset", onclick: () => reset(view, place) }, "Show all");
  const only = box("Only matches of the search", "matches", undefined, view.onlyMatches, (on) => {
    view.onlyMatches = on;
    view.changed();
  });
  const groups = guests.map((guest) => {
    const lanes = [...model.picture.lanes.keys()].filter((i) => model.picture.lanes[i].guest === guest);
    const boxes = lanes.map((lane) => {
      const { path } = model.picture.lanes[lane];
      const name = guest ? path.slice(guest.length + 1) : path;
      return box(name, `actor ${path}`, byLane.get(lane) ?? 0, !view.hiddenLanes.has(lane), (on) => toggle(view, view.hiddenLanes, [lane], on));
    });
    const legend = guest || "Actors";
    const whole = box("all of them", `guest ${guest}`, undefined, lanes.some((lane) => !view.hiddenLanes.has(lane)), (on) => {
      toggle(view, view.hiddenLanes, lanes, on);
      for (const one of boxes) /** @type {HTMLInputElement} */ (one.firstChild).checked = on;
    });
    whole.classList.add("whole");
    return make("fieldset", {}, make("legend", {}, legend), whole, boxes);
  });
  const typeBoxes = types.map((type) =>
    box(model.text(type) || "(none)", `type ${model.text(type)}`, byType.get(type) ?? 0, !view.hiddenTypes.has(type), (on) => toggle(view, view.hiddenTypes, [type], on)),
  );
  const wholeType = box("all of them", "types", undefined, types.some((type) => !view.hiddenTypes.has(type)), (on) => {
    toggle(view, view.hiddenTypes, types, on);
    for (const one of typeBoxes) /** @type {HTMLInputElement} */ (one.firstChild).checked = on;
  });
  wholeType.classList.add("whole");
  return [
    make("div", { class: "row" }, make("h2", {}, "Filters"), all),
    only,
    ...groups,
    make("fieldset", {}, make("legend", {}, "Types"), wholeType, typeBoxes),
  ];
}

/**
 * Show everything again.
 * @param {View} view
 * @param {HTMLElement} place
 */
export function reset(view, place) {
  view.hiddenLanes.clear();
  view.hiddenTypes.clear();
  view.onlyMatches = false;
  view.changed();
  fillFilters(view, place);
}

/**
 * @param {View} view
 * @param {Set<number>} hidden
 * @param {number[]} numbers
 * @param {boolean} on
 */
function toggle(view, hidden, numbers, on) {
  for (const number of numbers) {
    if (on) hidden.delete(number);
    else hidden.add(number);
  }
  view.changed();
}

/**
 * @param {string} name
 * @param {string} key what the box stands for, in every picture
 * @param {number | undefined} count
 * @param {boolean} on
 * @param {(on: boolean) => void} changed
 * @returns {HTMLLabelElement}
 */
function box(name, key, count, on, changed) {
  const input = make("input", { type: "checkbox", "data-key": key });
  input.checked = on;
  input.addEventListener("change", () => changed(input.checked));
  return make("label", {}, input, make("span", {}, name), count === undefined ? null : make("small", {}, count.toLocaleString("en")));
}

/**
 * @param {number[]} column
 * @returns {Map<number, number>}
 */
function counted(column) {
  const found = new Map();
  for (const one of column) found.set(one, (found.get(one) ?? 0) + 1);
  return found;
}
