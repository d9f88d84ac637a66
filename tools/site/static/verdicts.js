// The verdict table that can be filtered. The address says what is shown: the query has
// the filters, and what is behind "#" is the name of a cell.

import { element, showCell } from "./verdict_cell.js";

const FILTERS = ["design", "emulator", "scenario", "verdict"];
const WRITTEN = "none";
const VERDICTS = {
  verified: "verified",
  broken: "verified, but another invariant is broken",
  refuted: "refuted",
};
const ARROWS = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

const root = document.getElementById("verdicts");
const answer = await fetch(new URL("../verdicts/table.json", import.meta.url));
const table = await answer.json();
const titles = Object.fromEntries(
  ["designs", "emulators", "scenarios"].map((kind) => [
    kind,
    new Map(table[kind].map((one) => [one.id, one])),
  ]),
);
const cells = new Map(table.cells.map((cell) => [cell.name, cell]));

const form = element("form", { className: "verdict-filters" });
const count = element("p", { className: "verdict-count", role: "status" });
const frame = element("div", { className: "verdict-frame" });
const shown = element("section", { className: "verdict-cell", tabIndex: -1 });
root.replaceChildren(form, count, frame, shown);

function choice(name, label, groups) {
  const select = element("select", { name });
  select.append(element("option", { value: "" }, "all"));
  for (const [title, options] of groups) {
    const into = title ? element("optgroup", { label: title }) : select;
    into.append(
      ...options.map(([value, text]) => element("option", { value }, text)),
    );
    if (title) select.append(into);
  }
  return element("label", {}, element("span", {}, label), select);
}

function named(rows) {
  return rows.map((row) => [row.id, `${row.title} (${row.id})`]);
}

function fillForm() {
  const parts = table.designs.filter((one) => one.part);
  const whole = table.designs.filter((one) => !one.part);
  const box = element("input", { type: "checkbox", name: "parts" });
  form.append(
    choice("design", "Design", [
      ["", named(whole)],
      ["Some patches of RFC v4", named(parts)],
    ]),
    choice("emulator", "Emulator", [
      ["", [...named(table.emulators), [WRITTEN, "none: threads write"]]],
    ]),
    choice("scenario", "Scenario", [["", named(table.scenarios)]]),
    choice("verdict", "Verdict", [["", Object.entries(VERDICTS)]]),
    element("label", { className: "verdict-parts" }, box, "RFC v4 patch by patch"),
    element("button", { type: "reset" }, "Show all"),
  );
}

function wanted(cell) {
  const { design, emulator, scenario, verdict, parts } = form.elements;
  return (
    (design.value === "" || cell.design === design.value) &&
    (design.value !== "" || parts.checked || !titles.designs.get(cell.design).part) &&
    (emulator.value === "" || (cell.emulator ?? WRITTEN) === emulator.value) &&
    (scenario.value === "" || cell.scenario === scenario.value) &&
    (verdict.value === "" || cell.verdict === verdict.value)
  );
}

function rowName(cell) {
  return `${cell.design}/${cell.emulator ?? ""}`;
}

function link(cell) {
  const scenario = titles.scenarios.get(cell.scenario).title;
  const says = `${cell.name}: ${VERDICTS[cell.verdict] ?? cell.verdict}`;
  const steps = cell.steps === null ? "" : ` in ${cell.steps} steps`;
  return element(
    "a",
    {
      href: `#${cell.name}`,
      title: `${scenario}. ${cell.why || cell.also || says}`,
      ariaLabel: says + steps,
    },
    cell.text,
  );
}

function draw() {
  const found = table.cells.filter(wanted);
  const scenarios = table.scenarios.filter((one) =>
    found.some((cell) => cell.scenario === one.id),
  );
  const rows = new Map();
  for (const cell of found) {
    const name = rowName(cell);
    if (!rows.has(name)) rows.set(name, new Map());
    rows.get(name).set(cell.scenario, cell);
  }
  const head = element("tr", {}, element("th", { scope: "col" }, "Design, emulator"));
  for (const { id, title, summary } of scenarios) {
    const label = element("span", { title: `${title}: ${summary}` }, id);
    head.append(element("th", { scope: "col", className: "scenario" }, label));
  }
  const body = element("tbody");
  for (const row of rows.values()) {
    const [first] = row.values();
    const emulator = titles.emulators.get(first.emulator)?.title ?? "no emulator";
    const what = element("th", { scope: "row" }, titles.designs.get(first.design).title);
    what.append(element("small", {}, emulator));
    const line = element("tr", {}, what);
    for (const { id } of scenarios) {
      const cell = row.get(id);
      const place = element("td", { className: cell?.verdict ?? "" });
      if (cell) place.append(link(cell));
      line.append(place);
    }
    body.append(line);
  }
  frame.replaceChildren(element("table", {}, element("thead", {}, head), body));
  const sums = Object.entries(VERDICTS).map(([kind, text]) => {
    return `${found.filter((cell) => cell.verdict === kind).length} ${text}`;
  });
  count.textContent = `${found.length} of ${table.cells.length} cells: ${sums.join("; ")}`;
  mark();
}

function mark() {
  const name = decodeURIComponent(location.hash.slice(1));
  for (const one of frame.querySelectorAll("a")) {
    const current = one.getAttribute("href") === `#${name}`;
    if (current) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
}

function readAddress() {
  const query = new URLSearchParams(location.search);
  for (const name of FILTERS) form.elements[name].value = query.get(name) ?? "";
  for (const name of FILTERS) {
    if (form.elements[name].selectedIndex < 0) form.elements[name].value = "";
  }
  form.elements.parts.checked = query.has("parts");
}

function writeAddress() {
  const query = new URLSearchParams();
  for (const name of FILTERS) {
    if (form.elements[name].value) query.set(name, form.elements[name].value);
  }
  if (form.elements.parts.checked) query.set("parts", "");
  const text = query.toString();
  history.replaceState(null, "", (text ? `?${text}` : location.pathname) + location.hash);
}

async function openCell() {
  mark();
  const cell = cells.get(decodeURIComponent(location.hash.slice(1)));
  if (cell === undefined) return;
  await showCell(shown, cell, titles, VERDICTS);
  shown.focus({ preventScroll: true });
  shown.scrollIntoView({ block: "nearest" });
}

function move(event) {
  const step = ARROWS[event.key];
  const place = event.target.closest("td");
  if (step === undefined || place === null) return;
  const lines = [...frame.querySelectorAll("tbody tr")];
  let row = lines.indexOf(place.parentElement);
  let column = place.cellIndex;
  for (;;) {
    row += step[0];
    column += step[1];
    const next = lines[row]?.cells[column];
    if (next === undefined || next.tagName !== "TD") return;
    const target = next.querySelector("a");
    if (target !== null) {
      event.preventDefault();
      target.focus();
      return;
    }
  }
}

fillForm();
readAddress();
draw();
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", () => {
  writeAddress();
  draw();
});
form.addEventListener("reset", () => {
  // The form has its first values after this event.
  setTimeout(() => {
    writeAddress();
    draw();
  });
});
frame.addEventListener("keydown", move);
addEventListener("hashchange", openCell);
root.dataset.ready = "true";
await openCell();
