/** The form of the filters: what it offers, shows and holds. */

import { byId, make } from "./dom.js";

/** @typedef {import("./types").Filters} Filters */

/** The choices that depend on the interviews shown. @type {["job", "candidate", "coordinator", "person"]} */
const CHOICES = ["job", "candidate", "coordinator", "person"];

const form = /** @type {HTMLFormElement} */ (byId("filters"));

/**
 * Offer the names in the interviews of the week, and those of the people who have rows; and a text that is searched for,
 * to be searched for in all weeks.
 * @param {import("./store.js").Store} store
 * @param {import("./types").Place} place
 * @param {(one: string, other: string) => number} compare
 */
export function offerChoices(store, place, compare) {
  for (const link of document.querySelectorAll(/** @type {"a"} */ ("a[data-find]"))) {
    link.hidden = !place.filters.search;
    link.search = String(new URLSearchParams({ search: place.filters.search }));
  }
  const all = [...store.interviews.values()];
  const names = {
    job: all.map((each) => each.job),
    candidate: all.map((each) => each.candidate),
    coordinator: all.map((each) => each.coordinator),
    person: [...all.flatMap((each) => each.panel), ...(place.everybody ? store.people : [])].map((each) => each.name),
  };
  for (const name of CHOICES) {
    const select = /** @type {HTMLSelectElement} */ (form.elements.namedItem(name));
    const chosen = place.filters[name];
    const offered = [...new Set([...names[name], chosen].filter(Boolean))].sort(compare);
    const key = JSON.stringify([chosen, offered]);
    if (select.dataset.offered === key) continue;
    select.dataset.offered = key;
    const [any] = select.options;
    select.replaceChildren(any, ...offered.map((each) => make("option", { value: each, selected: each === chosen }, each)));
  }
}

/** Write filters into the form. @param {Filters} filters */
export function showFilters(filters) {
  for (const [name, value] of Object.entries(filters)) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = Boolean(value);
    else if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = value;
  }
}

/**
 * Call a function with the filters whenever they change in the form.
 * @param {() => Filters} current
 * @param {(filters: Filters) => void} onChange
 */
export function listenToFilters(current, onChange) {
  const filled = (/** @type {(name: string) => string} */ value) => {
    const filters = { ...current() };
    for (const name of /** @type {(keyof Filters)[]} */ (Object.keys(filters))) filters[name] = value(name);
    return filters;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    const data = new FormData(form);
    onChange(filled((name) => String(data.get(name) ?? "").trim()));
  });
  byId("clear").addEventListener("click", (event) => {
    event.preventDefault();
    const none = filled(() => "");
    showFilters(none);
    onChange(none);
  });
}
