/** The agenda: the same page again, whenever something in the schedule changes. */

import { byId } from "./dom.js";
import { Live } from "./live.js";

const TOGETHER_MILLISECONDS = 200;
const place = byId("days");
let timer = 0;

/** Load the page again, and show its days and their number: what is typed into the filters stays. */
async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["days", "count"]) {
    const fresh = page.getElementById(id);
    const focused = document.activeElement?.getAttribute("href");
    if (fresh) byId(id).replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
    if (focused) /** @type {HTMLElement | null} */ (byId(id).querySelector(`a[href="${CSS.escape(focused)}"]`))?.focus();
  }
}

new Live(
  place.dataset.changes ?? "",
  Number(place.dataset.revision),
  () => {
    clearTimeout(timer);
    timer = setTimeout(() => void refresh(), TOGETHER_MILLISECONDS);
  },
  (isLost) => {
    byId("lost").hidden = !isLost;
  },
);
