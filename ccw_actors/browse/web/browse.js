/** Walks a scenario: asks the server for places, and keeps the way in the address. */

import { modelOf } from "../../show/web/data.js";
import { byId, visible } from "../../show/web/dom.js";
import { Page } from "../../show/web/page.js";
import { linkOf, wayOf } from "./link.js";
import { Next } from "./next.js";

/**
 * @typedef {import("./next.js").Outlook} Outlook
 * @typedef {import("./next.js").Here} Here
 */

/** @type {[string, string][]} */
const WALK_KEYS = [
  ["1 … 9", "take that step"],
  ["j k", "next, previous choice"],
  ["Enter", "take the marked choice"],
  ["Backspace", "back by one step"],
  ["g", "go to the fault"],
];
const AGAIN = 300;
const TRIES = 5;

/** The walk: where it is, and what is asked about that place. */
class Walker {
  constructor() {
    /** @type {Here} */
    this.here = { way: [], violation: "", isOver: false };
    /** @type {Page | null} */
    this.page = null;
    /** @type {string[]} */
    this.toFault = [];
    this.asked = new AbortController();
    this.next = new Next(byId("next"), {
      take: (name) => this.go([...this.here.way, name]),
      back: () => this.back(),
      begin: () => this.go([]),
      toFault: () => this.follow(),
    });
    addEventListener("popstate", () => this.arrive());
    document.addEventListener("keydown", (pressed) => this.pressed(pressed), { capture: true });
  }

  /** Go to the place in the address. */
  async arrive() {
    const way = await wayOf(location.hash);
    if (way) await this.show(way);
    else {
      await this.show([]);
      this.say("The address names no way: this is the beginning.");
    }
  }

  /**
   * Go to a place, and put it into the address.
   * @param {string[]} way
   */
  async go(way) {
    if (await this.show(way)) history.pushState(null, "", await linkOf(this.here.way));
  }

  back() {
    if (this.here.way.length) this.go(this.here.way.slice(0, -1));
  }

  follow() {
    if (this.toFault.length) this.go([...this.here.way, ...this.toFault]);
  }

  /**
   * Show a place; false if it cannot be shown, or another one was asked for.
   * @param {string[]} way
   * @returns {Promise<boolean>}
   */
  async show(way) {
    this.asked.abort();
    const asked = (this.asked = new AbortController());
    document.body.setAttribute("aria-busy", "true");
    try {
      const found = await ask("walk", way, asked.signal);
      const model = await modelOf(found.picture);
      if (asked.signal.aborted) return false;
      this.here = { way: found.way, violation: found.violation, isOver: found.is_over };
      const last = found.way.length - 1;
      if (this.page) this.page.show(model, last);
      else {
        this.page = new Page(model, WALK_KEYS, "Nothing has happened yet.");
        if (last >= 0) this.page.view.select(last);
      }
      this.toFault = [];
      this.next.show(model, this.here);
      document.body.setAttribute("aria-busy", "false");
      document.documentElement.dataset.steps = String(found.way.length);
      this.say(this.sentence());
      this.look(asked.signal);
      return true;
    } catch (error) {
      if (asked.signal.aborted) return false;
      document.body.setAttribute("aria-busy", "false");
      this.say(String(/** @type {Error} */ (error).message));
      if (!this.page && way.length) return this.show([]);
      return false;
    }
  }

  sentence() {
    const { way, violation, isOver } = this.here;
    const steps = `${way.length} ${way.length === 1 ? "step" : "steps"} taken`;
    if (violation) return `${steps}. A fault: ${violation}`;
    return isOver ? `${steps}. Nothing is left to do.` : `${steps}, ${this.next.choices.length} possible next.`;
  }

  /**
   * Ask whether a fault can follow this place, and each choice.
   * @param {AbortSignal} signal
   */
  async look(signal) {
    const { way, violation } = this.here;
    document.documentElement.dataset.looked = "false";
    const here = await this.outlook(way, signal);
    if (signal.aborted) return;
    if (here) {
      this.toFault = violation ? [] : here.names;
      this.next.setHere(here);
    }
    for (const choice of this.next.choices) {
      if (choice.violation) continue;
      const outlook = await this.outlook([...way, choice.name], signal);
      if (signal.aborted) return;
      if (outlook) this.next.setOutlook(choice.name, outlook);
    }
    document.documentElement.dataset.looked = "true";
  }

  /**
   * Whether a fault can follow a way; null if it is no longer asked.
   * @param {string[]} way
   * @param {AbortSignal} signal
   * @returns {Promise<Outlook | null>}
   */
  async outlook(way, signal) {
    for (let tried = 0; tried < TRIES && !signal.aborted; tried++) {
      try {
        return await ask("outlook", way, signal);
      } catch (error) {
        if (signal.aborted) return null;
        if (!(error instanceof GivenUp)) {
          return { finding: "not known", why: String(/** @type {Error} */ (error).message), names: [], violation: "" };
        }
        await new Promise((done) => setTimeout(done, AGAIN));
      }
    }
    return signal.aborted ? null : { finding: "not known", why: "Another page has asked meanwhile.", names: [], violation: "" };
  }

  /** Ask how far the whole scenario is explored, until that is over. */
  async watch() {
    for (let state = "exploring"; state === "exploring"; ) {
      try {
        const known = await (await fetch("known")).json();
        this.next.setKnown(known);
        state = known.state;
      } catch {
        this.next.setKnown({ state: "gone", text: "The server has ended.", names: [] });
        return;
      }
      if (state === "exploring") await new Promise((done) => setTimeout(done, 1000));
    }
    const { signal } = this.asked;
    if (this.here.way && document.documentElement.dataset.looked === "true") this.look(signal);
  }

  /** @param {KeyboardEvent} pressed */
  pressed(pressed) {
    const target = /** @type {HTMLElement} */ (pressed.target);
    if (pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
    if (target.matches("input, select, textarea")) return;
    const act = this.key(pressed.key, target);
    if (!act) return;
    pressed.preventDefault();
    pressed.stopPropagation();
    act();
  }

  /**
   * @param {string} key
   * @param {HTMLElement} target
   * @returns {(() => void) | undefined}
   */
  key(key, target) {
    if (/^[1-9]$/.test(key)) return () => this.next.take(Number(key) - 1);
    if (key === "Enter" && !target.matches("button, summary, a")) return () => this.next.take();
    if (key === "Backspace") return () => this.back();
    if (key === "j") return () => this.next.move(1);
    if (key === "k") return () => this.next.move(-1);
    if (key === "g") return () => this.follow();
    return undefined;
  }

  /** @param {string} text */
  say(text) {
    byId("status").textContent = visible(text);
  }
}

/** A search that the server has given up. */
class GivenUp extends Error {}

/**
 * Ask the server about a way.
 * @param {"walk" | "outlook"} what
 * @param {string[]} way
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
async function ask(what, way, signal) {
  const answer = await fetch(what, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ way }),
    signal,
  });
  if (!answer.ok) {
    const text = await answer.text();
    if (answer.status === 409) throw new GivenUp(text);
    let why = text.trim();
    try {
      why = JSON.parse(text).error;
    } catch {
      // The text is the reason itself.
    }
    throw new Error(why);
  }
  return answer.json();
}

const walker = new Walker();
await walker.arrive();
document.documentElement.dataset.ready = "true";
document.getElementById("events")?.focus({ preventScroll: true });
walker.watch();
