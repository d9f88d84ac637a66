/** The panel "Next": the steps that are possible, what each would do, and whether it can fail. */

import { make } from "../../show/web/dom.js";
import { briefOf, difference, rowsOf } from "../../show/web/values.js";

/**
 * @typedef {import("../../show/web/data.js").Model} Model
 * @typedef {import("../../show/web/data.js").Choice} Choice
 * @typedef {{finding: "fails" | "cannot fail" | "not known", why: string, names: string[], violation: string}} Outlook
 * @typedef {{state: string, text: string, names: string[]}} Known
 * @typedef {{way: string[], violation: string, isOver: boolean}} Here
 * @typedef {{take: (name: string) => void, back: () => void, begin: () => void,
 *   toFault: () => void}} Acts
 */

const MARKS = { fails: "✕ can fail", "cannot fail": "✓ cannot fail", "not known": "? not known" };
const CLASSES = { fails: "bad", "cannot fail": "good", "not known": "open" };
const CHANGES_SHOWN = 8;

/** The panel, in a place of the page. */
export class Next {
  /**
   * @param {HTMLElement} place
   * @param {Acts} acts
   */
  constructor(place, acts) {
    this.acts = acts;
    this.chosen = 0;
    /** @type {Choice[]} */
    this.choices = [];
    /** @type {HTMLElement[]} */
    this.cards = [];
    this.known = make("p", { class: "known", id: "known" });
    this.back = make("button", { type: "button", id: "back", onclick: acts.back }, "Back");
    this.first = make("button", { type: "button", id: "begin", onclick: acts.begin }, "Begin again");
    this.fault = make("button", { type: "button", id: "to-fault", onclick: acts.toFault }, "Go to the fault");
    this.outlook = make("p", { class: "outlook", id: "outlook" });
    this.list = make("div", { class: "choices", id: "choices" });
    place.replaceChildren(
      make("div", { class: "row" }, make("h2", {}, "Next"), this.back, this.first),
      make("div", { class: "row" }, this.fault),
      this.outlook,
      this.list,
      this.known,
    );
  }

  /**
   * Show the choices of a place.
   * @param {Model} model
   * @param {Here} here
   */
  show(model, here) {
    const { choices, lanes } = model.picture;
    const order = [...choices].sort((a, b) => a.actor - b.actor);
    this.choices = order;
    this.chosen = 0;
    this.back.disabled = this.first.disabled = !here.way.length;
    this.setHere(null);
    this.outlook.hidden = !!here.violation || here.isOver;
    /** @type {HTMLElement[]} */
    const parts = [];
    this.cards = order.map((choice, at) => this.card(model, choice, at));
    this.cards.forEach((card, at) => {
      const { actor } = order[at];
      if (!at || order[at - 1].actor !== actor) parts.push(make("h3", {}, lanes[actor].path));
      parts.push(card);
    });
    if (here.violation) parts.push(make("p", { class: "end bad" }, "A fault is met here: ", make("b", {}, here.violation)));
    else if (here.isOver) parts.push(make("p", { class: "end" }, "Nothing is left to do, and nothing is wrong."));
    this.list.replaceChildren(...parts);
    this.mark();
  }

  /**
   * @param {Model} model
   * @param {Choice} choice
   * @param {number} at
   */
  card(model, choice, at) {
    const kind = model.text(choice.kind);
    const brief = briefOf(model, model.value(choice.body));
    const from = kind === "message" ? `from ${model.lane(choice.sender)}` : kind;
    const note = model.text(choice.note);
    const take = make(
      "button",
      { type: "button", class: "take", title: choice.name, onclick: () => this.acts.take(choice.name) },
      at < 9 ? make("kbd", {}, at + 1) : null,
      make("b", {}, model.text(choice.type) || kind),
      brief ? make("span", { class: "brief" }, brief) : null,
      make("small", {}, from),
    );
    take.addEventListener("focus", () => {
      this.chosen = at;
      this.mark();
    });
    const mark = choice.violation ? outlookMark("fails", "✕ fails at once") : make("span", { class: "finding wait" }, "…");
    const why = make("p", { class: "why" }, choice.violation ? `At once: ${choice.violation}` : "");
    return make(
      "article",
      { class: "card", "data-name": choice.name, "aria-label": `${model.lane(choice.actor)}: ${model.text(choice.type) || kind}` },
      make("div", { class: "line" }, take, mark),
      note ? make("p", { class: "note" }, note) : null,
      ...effects(model, choice),
      why,
    );
  }

  /**
   * Show whether a choice can fail.
   * @param {string} name
   * @param {Outlook} outlook
   */
  setOutlook(name, outlook) {
    const at = this.choices.findIndex((one) => one.name === name);
    if (at < 0) return;
    const card = this.cards[at];
    card.querySelector(".finding")?.replaceWith(outlookMark(outlook.finding, MARKS[outlook.finding]));
    const why = card.querySelector(".why");
    if (why) why.replaceChildren(make("span", {}, outlook.why));
  }

  /**
   * Show whether a fault can follow this place; null while that is being found.
   * @param {Outlook | null} outlook
   */
  setHere(outlook) {
    const can = outlook?.finding === "fails" && outlook.names.length > 0;
    this.fault.disabled = !can;
    this.fault.classList.toggle("bad", can);
    this.outlook.className = `outlook ${outlook ? CLASSES[outlook.finding] : ""}`;
    this.outlook.replaceChildren(make("span", {}, outlook ? `From here: ${outlook.why}` : "Looking for a fault from here …"));
  }

  /** @param {Known} known */
  setKnown(known) {
    this.known.replaceChildren(make("span", {}, known.text));
    this.known.dataset.state = known.state;
  }

  /** @param {1 | -1} step */
  move(step) {
    if (!this.cards.length) return;
    this.chosen = (this.chosen + step + this.cards.length) % this.cards.length;
    this.mark();
    /** @type {HTMLElement | null} */ (this.cards[this.chosen].querySelector(".take"))?.focus();
  }

  /**
   * Take a choice by its number, or the marked one.
   * @param {number} [at]
   */
  take(at = this.chosen) {
    if (this.choices[at]) this.acts.take(this.choices[at].name);
  }

  mark() {
    this.cards.forEach((card, at) => card.classList.toggle("chosen", at === this.chosen));
  }
}

/**
 * @param {"fails" | "cannot fail" | "not known"} finding
 * @param {string} text
 */
function outlookMark(finding, text) {
  return make("span", { class: `finding ${CLASSES[finding]}` }, text);
}

/**
 * What a step would do: the messages that it sends, and the fields that it changes.
 * @param {Model} model
 * @param {Choice} choice
 */
function effects(model, choice) {
  const lines = choice.sent.map(([actor, type, body]) => {
    const brief = briefOf(model, model.value(body));
    return make("li", {}, "sends ", make("b", {}, model.text(type) || "a signal"), brief ? ` (${brief})` : "", ` to ${model.lane(actor)}`);
  });
  for (const [actor, before, after] of choice.changes) {
    const found = difference(rowsOf(model, model.value(before)), rowsOf(model, model.value(after)));
    const whose = actor === choice.actor ? "" : `${model.lane(actor)}: `;
    for (const one of found.slice(0, CHANGES_SHOWN)) {
      const words = one.after.words.length ? ` (${one.after.words.join(", ")})` : "";
      lines.push(make("li", {}, `${whose}${one.path}: `, make("del", {}, one.before.text || "–"), " → ", make("ins", {}, one.after.text || "–"), words));
    }
    if (found.length > CHANGES_SHOWN) lines.push(make("li", {}, `${whose}and ${found.length - CHANGES_SHOWN} more fields`));
  }
  if (!lines.length) lines.push(make("li", {}, "changes nothing, and sends nothing"));
  return [make("ul", { class: "effects" }, lines)];
}
