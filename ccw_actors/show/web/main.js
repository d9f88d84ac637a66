/** Shows the picture that is in the page. */

import { readModel } from "./data.js";
import { byId } from "./dom.js";
import { Page } from "./page.js";

const page = new Page(await readModel(byId("data").textContent ?? ""));
document.documentElement.dataset.ready = "true";
byId("events").focus({ preventScroll: true });
page.say(`${page.view.layout.events.length.toLocaleString("en")} events in ${page.view.layout.rows.toLocaleString("en")} rows`);
