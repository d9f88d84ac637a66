// One cell of the verdict table: its verdict, why, and its interleaving.

let paths;

/** Make an element with properties (aria and role, too) and children. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

async function pathOf(cell) {
  if (cell.path === null) return [];
  paths ??= fetch(new URL("../verdicts/paths.json", import.meta.url)).then((answer) =>
    answer.json(),
  );
  return (await paths)[cell.path];
}

function page(path) {
  // Relative to the page of the table.
  return new URL(path, document.baseURI).href;
}

function facts(cell) {
  const list = element("dl");
  const add = (name, ...what) => {
    if (what.some(Boolean)) list.append(element("dt", {}, name), element("dd", {}, ...what));
  };
  add("Fault", cell.why);
  add("Also broken", cell.also);
  add("How many", cell.share);
  add("States visited", cell.states.toLocaleString("en"));
  if (cell.executed) {
    const record = page(`../../verdicts/executed.html#${cell.scenario}`);
    add("On real kernels", element("a", { href: record }, cell.executed));
  }
  add("Explore it again", element("code", {}, cell.command));
  if (cell.others) add("Show what else is broken", element("code", {}, cell.others));
  return list;
}

function interleaving(path) {
  const columns = [...new Set(path.map(([column]) => column))];
  const order = (name) =>
    name.startsWith("CPU")
      ? 0
      : 1 + ["emulator", "worker", "interrupt", "channel"].indexOf(name);
  columns.sort((one, other) => order(one) - order(other) || one.localeCompare(other));
  const head = element("tr");
  for (const name of ["", ...columns, "file"]) {
    head.append(element("th", { scope: "col" }, name));
  }
  const body = element("tbody");
  path.forEach(([column, what, file], at) => {
    const row = element("tr", {}, element("td", { className: "number" }, `${at + 1}`));
    for (const name of columns) row.append(element("td", {}, name === column ? what : ""));
    row.append(element("td", { className: "file" }, file));
    body.append(row);
  });
  const table = element("table", {}, element("thead", {}, head), body);
  return element("div", { className: "verdict-path", tabIndex: 0 }, table);
}

/** Show a cell in a section of the page. */
export async function showCell(into, cell, titles, verdicts) {
  const design = titles.designs.get(cell.design);
  const emulator = titles.emulators.get(cell.emulator);
  const scenario = titles.scenarios.get(cell.scenario);
  const path = await pathOf(cell);
  const under = emulator ? ` under ${emulator.title}` : "";
  const title = element("h3", {}, `${design.title}${under}, `);
  title.append(element("code", {}, cell.scenario));
  const steps = cell.steps === null ? "" : ` in ${cell.steps} steps`;
  const verdict = `${verdicts[cell.verdict] ?? cell.verdict}${steps}`;
  into.replaceChildren(
    title,
    element("p", { className: `badge ${cell.verdict}` }, verdict),
    element("p", {}, `${scenario.title}: ${scenario.summary}. ${design.title}: ${design.summary}.`),
    facts(cell),
  );
  if (path.length > 0) {
    const steps = page("steps.html");
    into.append(
      element(
        "p",
        {},
        "The shortest counterexample, without the steps that only carry messages. Files" +
          " without a folder are in drivers/s390/cio. See ",
        element("a", { href: steps }, "what each step stands for"),
        " and ",
        element(
          "a",
          { href: page(`scenarios/${cell.scenario}.html`) },
          "all faults of this scenario",
        ),
        ".",
      ),
      interleaving(path),
    );
  } else {
    into.append(
      element(
        "p",
        {},
        element(
          "a",
          { href: page(`scenarios/${cell.scenario}.html`) },
          "The scenario, and who breaks it",
        ),
      ),
    );
  }
}
