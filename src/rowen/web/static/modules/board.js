/** The board: puts its parts together, and keeps the address of the page in step with what it shows. */

import { Aside } from "./aside.js";
import { Board } from "./calendar.js";
import { byId, make, readJson } from "./dom.js";
import { listenToFilters, offerChoices, showFilters } from "./filters.js";
import { Live } from "./live.js";
import { MoveDialog, undoing } from "./moving.js";
import { Store, matches } from "./store.js";
import { DAY, Words, toClock, toWall } from "./words.js";

/** @typedef {import("./types").Interview} Interview */
/** @typedef {import("./types").Changed} Changed */
/** @typedef {import("./types").Place} Place */
/** @typedef {import("./types").Week} Week */
/** @typedef {import("./types").View} View */
/** @typedef {import("./types").Rows} Rows */

const WEEK_DAYS = 7;
/** The height that a week has on paper, in CSS pixels. */
const PAPER = 560;

const NOTICE_MILLISECONDS = 10_000;

const settings = /** @type {import("./types").Settings} */ (readJson("settings"));
const words = new Words(settings);
const store = new Store(settings.rooms, settings.people ?? []);
const { base } = settings;
const csrf = document.querySelector("meta[name=csrf-token]")?.getAttribute("content") ?? "";
const everybody = /** @type {HTMLInputElement} */ (byId("everybody"));

let week = /** @type {Week} */ (readJson("week"));
/** @type {Place} */
let place = {
  view: settings.view,
  rows: settings.rows,
  everybody: settings.everybody,
  day: settings.day,
  filters: settings.filters,
  interview: Number(new URLSearchParams(location.search).get("interview")) || 0,
};
let isDragging = false;
/** @type {Changed[]} what happened while something was dragged */
let waiting = [];
/** @type {{id: string, place: number} | null} the interview that was opened, and which of its elements */
let openedFrom = null;

const board = new Board(byId("board"), {
  settings,
  words,
  store,
  onOpen: (interview, from) => {
    const id = String(interview.id);
    openedFrom = { id, place: elementsOf(id).indexOf(from) };
    go({ interview: interview.id }, true);
    draw();
    void aside.show(interview.id, true);
  },
  onMove: (move) => dialog.ask(move),
  onDrag: (value) => {
    isDragging = value;
    // The drop itself comes right after: what waited must not take it back.
    if (!value) setTimeout(settle);
  },
  onEmpty: (chosen) => location.assign(`${base}/interviews/new?${new URLSearchParams(chosen)}`),
  onSay: (text) => say(text),
  onHelp: () => say(byId("keys").textContent ?? ""),
});
const aside = new Aside({
  base,
  words,
  onClose: () => {
    openedFrom ??= { id: String(place.interview), place: 0 };
    go({ interview: 0 }, true);
    draw();
    void aside.show(0);
    focusInterview();
  },
});
const dialog = new MoveDialog({
  base,
  csrf,
  words,
  store,
  onDone: (interview, moved) => {
    if (interview) store.change([interview], []);
    draw();
    settle();
    if (interview && moved) sayMoved(interview, moved);
  },
});

/** Show that an interview was moved, with a button that undoes it. @param {Interview} interview @param {import("./types").Move} moved */
function sayMoved(interview, moved) {
  const values = { candidate: interview.candidate, time: words.when(interview.start, interview.end), name: moved.joining?.name ?? "" };
  const undo = undoing(moved, interview);
  const back = async () => {
    const undone = undo && (await dialog.make(undo));
    if (undone) store.change([undone], []);
    draw();
    say(words.text(undone ? "board.undone" : "board.failed"));
  };
  say(words.text(moved.joining ? "board.moved_to" : "board.moved", values), undo && back);
}

/** @param {string} id @returns {HTMLElement[]} the elements of an interview, one for each row */
function elementsOf(id) {
  return [...byId("board").querySelectorAll(/** @type {"article"} */ (`.ec-event[data-interview="${id}"]`))];
}

/** Put the focus back to the interview that was open, once it is drawn as it was. */
function focusInterview() {
  const from = openedFrom;
  openedFrom = null;
  if (from) requestAnimationFrame(() => elementsOf(from.id)[Math.max(from.place, 0)]?.focus());
}

/** Draw what matches the filters. */
function draw() {
  const isShown = (/** @type {Interview} */ each) =>
    matches(each, place.filters, settings.overdue_after, store.conflicts.has(each.id));
  const shown = [...store.interviews.values()].filter(isShown);
  board.draw(place, shown);
  const last = toWall(toClock(week.first) + WEEK_DAYS * DAY, true);
  const inView = shown.filter(({ start, end }) =>
    place.view === "week" ? start < last && end > week.first : start.slice(0, 10) <= place.day && end > place.day,
  );
  byId("title").textContent = title();
  byId("count").textContent = words.counted("board.count", inView.length);
  const conflicts = byId("conflicts");
  const ids = new Set(inView.map((each) => each.id));
  const clashes = new Set(store.pairs.filter(([one, other]) => ids.has(one) && ids.has(other)).map(([one, other]) => `${one} ${other}`)).size;
  conflicts.hidden = clashes === 0;
  conflicts.textContent = words.counted("board.conflicts", clashes);
  byId("empty").hidden = inView.length > 0;
  byId("cut").hidden = week.cut === 0;
  byId("cut").textContent = words.text("board.cut", { count: week.cut });
  const isFiltered = Object.values(place.filters).some(Boolean);
  byId("clear").hidden = !isFiltered;
  const key = isFiltered ? "agenda.empty_filtered" : place.view === "day" ? "board.empty_day" : "agenda.empty";
  byId("empty-title").textContent = words.text(key);
  byId("empty-hint").textContent = words.text(`${key}_hint`);
  for (const link of document.querySelectorAll("a[data-view], a[data-rows]")) mark(/** @type {HTMLAnchorElement} */ (link));
  byId("today").toggleAttribute("aria-current", settings.today >= week.first && settings.today < last);
  byId("everybody-box").hidden = place.rows !== "people" || !settings.may_move;
  everybody.checked = place.everybody;
  offerChoices(store, place, words.compare);
}

/** Return what is shown, in words: days of a week, or a day. */
function title() {
  if (place.view === "day") return words.dayTitles.format(toClock(place.day));
  const days = [...Array(WEEK_DAYS).keys()].map((each) => toClock(week.first) + each * DAY);
  const shown = days.filter((each) => !board.hidden.includes(new Date(each).getUTCDay()));
  return words.titles.formatRange(shown[0], shown[shown.length - 1]);
}

/**
 * Show whether a link leads to what is shown, and let it lead to the same day and filters.
 * @param {HTMLAnchorElement} link
 */
function mark(link) {
  const { view, rows } = link.dataset;
  const isCurrent = view === place.view || rows === place.rows;
  if (isCurrent) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  link.href = address({ ...place, ...(view ? { view: /** @type {View} */ (view) } : { rows: /** @type {Rows} */ (rows) }) });
}

/**
 * Return the address of a place.
 * @param {Place} to
 */
function address(to) {
  const query = new URLSearchParams({ view: to.view, rows: to.rows, week: to.day });
  if (settings.may_move) query.set("everybody", String(Number(to.everybody)));
  for (const [name, value] of Object.entries(to.filters)) if (value) query.set(name, value);
  if (to.interview) query.set("interview", String(to.interview));
  return `${base}/?${query}`;
}

/**
 * Go to another place, and keep it in the history if `isStep`.
 * @param {Partial<Place>} to
 * @param {boolean} isStep
 */
function go(to, isStep) {
  place = { ...place, ...to };
  history[isStep ? "pushState" : "replaceState"](place, "", address(place));
}

/** Show the place that the address names, after going back. @param {Place} to */
async function follow(to) {
  const { interview } = place;
  place = to;
  showFilters(place.filters);
  await loadWeek();
  if (to.interview !== interview) {
    await aside.show(to.interview);
    if (to.interview === 0) focusInterview();
  }
}

/** Load the week of the day, if it is another one, and draw it. @param {boolean} [again] */
async function loadWeek(again = false) {
  const last = toWall(toClock(week.first) + WEEK_DAYS * DAY, true);
  const { day } = place;
  if (again || day < week.first || day >= last) {
    byId("board").setAttribute("aria-busy", "true");
    try {
      const response = await fetch(`${base}/board/week?week=${day}`);
      if (response.status === 401) return signedOut();
      if (!response.ok) throw new Error(response.statusText);
      const loaded = /** @type {Week} */ (await response.json());
      if (place.day !== day) return;
      week = loaded;
      store.replace(week);
    } catch {
      say(words.text("board.lost"));
    } finally {
      byId("board").removeAttribute("aria-busy");
    }
  }
  draw();
}

/** Take over changes, but for what the user is moving right now. @param {Changed} changed */
function onChanged(changed) {
  if (isDragging) {
    waiting.push(changed);
    return;
  }
  if (changed.everything) {
    if (dialog.moving) waiting.push(changed);
    else void loadWeek(true);
    return;
  }
  const { moving } = dialog;
  const others = changed.interviews.filter((each) => each.id !== moving);
  const own = changed.interviews.filter((each) => each.id === moving);
  if (own.length || changed.gone.includes(moving)) {
    waiting.push({ interviews: own, gone: changed.gone.filter((id) => id === moving), everything: false });
  }
  const margin = 2 * DAY;
  const first = toWall(toClock(week.first) - margin, true);
  const last = toWall(toClock(week.first) + WEEK_DAYS * DAY + margin, true);
  const gone = changed.gone.filter((id) => id !== moving);
  const [near, far] = [others.filter((each) => each.start < last && each.end > first), others.filter((each) => !(each.start < last && each.end > first))];
  store.change(near, [...gone, ...far.map((each) => each.id)]);
  if (!moving) draw();
  if (changed.interviews.some((each) => each.id === aside.interview) || gone.includes(aside.interview)) void aside.refresh();
}

/** Take over what waited while something was dragged. */
function settle() {
  if (isDragging || dialog.moving) return;
  const changes = waiting;
  waiting = [];
  for (const each of changes) onChanged(each);
}

/** @type {number | undefined} */
let silence;
/** Show a message for some seconds, with a button that undoes what it is about. @param {string} text @param {(() => void) | null} [undo] */
function say(text, undo) {
  const notice = byId("said");
  const button = make("button", { type: "button", class: "small" }, words.text("board.undo"));
  if (undo) button.addEventListener("click", undo);
  notice.replaceChildren(make("span", {}, text), ...(undo ? [button] : []));
  clearTimeout(silence);
  silence = setTimeout(() => notice.replaceChildren(), NOTICE_MILLISECONDS);
}

function signedOut() {
  const lost = byId("lost");
  lost.replaceChildren(words.text("board.signed_out"), " ", make("a", { href: `${base}/sign-in` }, words.text("board.sign_in")));
  lost.hidden = false;
}

let isLost = false;
/** Show whether the connection is lost, and find out whether the session has ended. @param {boolean} value */
function onLost(value) {
  if (value === isLost) return;
  isLost = value;
  byId("lost").textContent = words.text("board.lost");
  byId("lost").hidden = !value;
  document.body.classList.toggle("is-lost", value);
  if (value && navigator.onLine) {
    fetch(`${base}/board/week?week=${place.day}`, { method: "HEAD" }).then(
      (response) => response.status === 401 && signedOut(),
      () => undefined,
    );
  }
}

/** Let the server remember what is shown: it does so for the last page that it sent. */
function remember() {
  void fetch(address(place), { method: "HEAD", headers: { Accept: "text/html" }, keepalive: true });
}

let hasPeople = settings.people !== null;
/** Load everybody who can have a row, once they are wanted, and draw. */
async function loadPeople() {
  if (place.everybody && !hasPeople) {
    const response = await fetch(`${base}/board/people`).catch(() => null);
    if (response?.ok) store.people = /** @type {import("./types").BoardPerson[]} */ (await response.json());
    else say(words.text("board.lost"));
    hasPeople = Boolean(response?.ok);
  }
  draw();
}

/** @param {number} steps */
function turn(steps) {
  const days = place.view === "week" ? WEEK_DAYS : 1;
  go({ day: toWall(toClock(place.day) + steps * days * DAY, true) }, true);
  void loadWeek();
}

function listen() {
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  byId("today").addEventListener("click", () => {
    go({ day: settings.today }, true);
    void loadWeek();
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-view], a[data-rows]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const { view, rows } = link.dataset;
    event.preventDefault();
    go(view ? { view: /** @type {View} */ (view) } : { rows: /** @type {Rows} */ (rows) }, true);
    remember();
    draw();
  });
  listenToFilters(() => place.filters, (filters) => {
    go({ filters }, false);
    draw();
  });
  byId("conflicts").addEventListener("click", () => {
    go({ filters: { ...place.filters, double: place.filters.double ? "" : "1" } }, false);
    showFilters(place.filters);
    draw();
  });
  everybody.addEventListener("change", () => {
    go({ everybody: everybody.checked }, false);
    remember();
    void loadPeople();
  });
  addEventListener("popstate", (event) => void follow(event.state ?? place));
  let width = innerWidth;
  addEventListener("resize", () => {
    if (width !== innerWidth) draw();
    width = innerWidth;
  });
  listenToZone();
}

/** Offer the zone of this device, and keep the zone that is chosen. */
function listenToZone() {
  const form = /** @type {HTMLFormElement} */ (byId("zones"));
  const select = /** @type {HTMLSelectElement} */ (form.elements.namedItem("zone"));
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const city = own.slice(own.lastIndexOf("/") + 1).replaceAll("_", " ");
  const known = [...select.options].find((each) => each.value === own);
  if (!known) {
    const option = make("option", { value: own }, words.text("board.your_zone", { zone: city }));
    select.insertBefore(option, select.options[select.options.length - 1]);
  }
  const apply = () => {
    if (select.value === "") location.assign(`${base}/preferences`);
    else if (select.value !== settings.zone) form.requestSubmit();
  };
  // Arrow keys go through the zones: only Enter takes one.
  let isKeyed = false;
  select.addEventListener("pointerdown", () => (isKeyed = false));
  select.addEventListener("keydown", ({ key }) => {
    isKeyed = key !== "Enter";
    if (key === "Enter") apply();
  });
  select.addEventListener("change", () => isKeyed || apply());
  select.addEventListener("blur", () => isKeyed && (select.value = settings.zone));
  form.addEventListener("submit", () => {
    /** @type {HTMLInputElement} */ (form.elements.namedItem("from")).value = address(place).slice(base.length);
  });
}

// A week goes on one sheet of A4: interviews would leave their rows where it ends.
addEventListener("beforeprint", () => {
  const tall = document.querySelector(".ec-body")?.scrollHeight ?? 0;
  byId("board").parentElement?.style.setProperty("--paper", String(Math.min(1, PAPER / (tall || PAPER))));
});

/** @type {HTMLDetailsElement} */ (byId("filter-box")).open = !Board.hasLittleRoom || Object.values(place.filters).some(Boolean);
if (Board.isNarrow && !settings.chosen) place = { ...place, view: "day", rows: "time" };
document.body.classList.toggle("plans", settings.may_move);
store.replace(week);
history.replaceState(place, "");
showFilters(place.filters);
listen();
draw();
if (place.interview) void aside.show(place.interview);
setTimeout(() => document.querySelector(".message")?.remove(), NOTICE_MILLISECONDS);
new Live(`${base}/board/changes`, week.revision, onChanged, onLost);
