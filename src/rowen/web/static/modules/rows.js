/** The rows of the board: a person or a room each, with the interviews that are in it. */

import { initials } from "./dom.js";
import { NOBODY, isRoom, roomKey } from "./store.js";

/** @typedef {import("./types").Interview} Interview */
/** @typedef {import("./types").Place} Place */
/** @typedef {import("./types").CalendarResource} CalendarResource */

/** @type {(keyof import("./types").Filters)[]} the filters that no person matches who has no interview */
const OF_INTERVIEWS = ["job", "candidate", "coordinator", "status", "unanswered", "overdue", "double"];

/**
 * Return the rows of interviews, and those of everybody and of all rooms, if they are wanted.
 * @param {Place} place
 * @param {Interview[]} interviews
 * @param {{words: import("./words.js").Words, store: import("./store.js").Store}} parts
 * @returns {CalendarResource[]}
 */
export function rowsOf(place, interviews, { words, store }) {
  /** @type {Map<string, string>} */
  const rows = new Map();
  /** @type {Set<string>} */
  const conflicts = new Set();
  if (place.rows === "rooms" && !Object.values(place.filters).some(Boolean)) {
    for (const room of store.rooms) rows.set(roomKey(room), room);
  }
  if (place.rows === "people" && place.everybody) for (const { key, name } of without(place, store.people)) rows.set(key, name);
  for (const each of interviews) {
    if (place.rows === "rooms") rows.set(roomKey(each.place), each.place || words.text("board.no_room"));
    else for (const { key, name } of each.panel) rows.set(key, name);
    if (place.rows === "people" && each.panel.length === 0) rows.set(NOBODY, words.text("board.nobody"));
    const isSeen = place.view === "week" || (each.start.slice(0, 10) <= place.day && each.end > place.day);
    for (const key of (isSeen && store.conflicts.get(each.id)) || []) conflicts.add(key);
  }
  const last = (/** @type {string} */ id) => Number(id === NOBODY || id === roomKey(""));
  return [...rows]
    .map(([id, title]) => {
      const state = { isTwice: conflicts.has(id), isDisabled: store.disabled.has(id) };
      return { id, title, extendedProps: { initials: initials(title), ...state } };
    })
    .sort((one, other) => last(one.id) - last(other.id) || words.compare(one.title, other.title));
}

/**
 * Return the people who have a row without an interview: those whose name is searched for.
 * @param {Place} place
 * @param {import("./types").BoardPerson[]} people
 */
function without({ filters }, people) {
  if (OF_INTERVIEWS.some((each) => filters[each])) return [];
  const wanted = filters.search.toLocaleLowerCase();
  return people.filter(({ name }) => (!filters.person || name === filters.person) && name.toLocaleLowerCase().includes(wanted));
}

/**
 * Return the ids of the rows that an interview is in.
 * @param {Place} place
 * @param {Interview} interview
 * @returns {string[]}
 */
export function rowIdsOf(place, interview) {
  if (place.rows === "rooms") return [roomKey(interview.place)];
  const keys = interview.panel.map((each) => each.key);
  return keys.length ? keys : [NOBODY];
}

/**
 * Return what a row says about a new interview in it: who holds it, or where it is.
 * @param {CalendarResource | undefined} row
 * @returns {Record<string, string>}
 */
export function chosenBy(row) {
  if (row && isRoom(row.id)) return row.id === roomKey("") ? {} : { location: row.title };
  return row && /^\d+$/.test(row.id) ? { person: row.id } : {};
}
