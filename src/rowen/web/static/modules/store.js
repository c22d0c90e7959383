/** The interviews that the board shows: which match the filters, who is booked twice, and which rows there are. */

/** @typedef {import("./types").Interview} Interview */
/** @typedef {import("./types").Filters} Filters */

export const NOBODY = "nobody";

/** Keeps the interviews of a week. */
export class Store {
  /**
   * @param {string[]} rooms the names of the rooms: they are booked as people are
   * @param {import("./types").BoardPerson[]} people everybody who has a row without an interview, too
   */
  constructor(rooms, people) {
    this.rooms = new Set(rooms);
    this.people = people;
    /** @type {Set<string>} the keys of the people on panels who are disabled */
    this.disabled = new Set();
    /** @type {Map<number, Interview>} */
    this.interviews = new Map();
    /** @type {Map<number, Set<string>>} The keys of the people and rooms that are booked twice, by interview. */
    this.conflicts = new Map();
    /** @type {[number, number, string][]} The ids of two interviews at once, and the key of the person or the room that they keep busy. */
    this.pairs = [];
  }

  /** @param {import("./types").Week} week */
  replace({ interviews, disabled }) {
    this.disabled = new Set(disabled);
    this.interviews = new Map([...interviews].map((each) => [each.id, each]));
    this.findConflicts();
  }

  /**
   * Take over interviews as they are now, and drop those that are gone.
   * @param {Interview[]} interviews
   * @param {number[]} gone
   */
  change(interviews, gone) {
    for (const each of interviews) this.interviews.set(each.id, each);
    for (const id of gone) this.interviews.delete(id);
    this.findConflicts();
  }

  /** Find out who, and which room, is booked twice, and by which interviews. People who declined are not booked. */
  findConflicts() {
    /** @type {Map<string, Interview[]>} */
    const byPerson = new Map();
    for (const each of this.interviews.values()) {
      if (each.ends_at <= each.starts_at) continue;
      const booked = each.panel.filter((member) => member.answer !== "declined").map((member) => member.key);
      if (this.rooms.has(each.place)) booked.push(roomKey(each.place));
      for (const key of booked) {
        const found = byPerson.get(key);
        if (found) found.push(each);
        else byPerson.set(key, [each]);
      }
    }
    this.conflicts = new Map();
    this.pairs = [];
    for (const [key, found] of byPerson) {
      found.sort((one, other) => one.starts_at - other.starts_at);
      for (let index = 0; index < found.length; index++) {
        for (let next = index + 1; next < found.length && found[next].starts_at < found[index].ends_at; next++) {
          this.pairs.push([found[index].id, found[next].id, key]);
          this.#mark(found[index].id, key);
          this.#mark(found[next].id, key);
        }
      }
    }
  }

  /**
   * @param {number} id
   * @param {string} key
   */
  #mark(id, key) {
    const keys = this.conflicts.get(id);
    if (keys) keys.add(key);
    else this.conflicts.set(id, new Set([key]));
  }

  /**
   * Return who of some people, and which room, is in another interview at some time of the viewer's clock, and in which.
   * @param {Interview} moved
   * @param {string} start
   * @param {string} end
   * @param {{key: string, name: string}[]} wanted
   * @returns {{name: string, other: Interview}[]}
   */
  busy(moved, start, end, wanted) {
    const then = [...this.interviews.values()].filter((each) => each.id !== moved.id && each.start < end && start < each.end);
    return wanted.flatMap(({ key, name }) => {
      const other = then.find(
        (each) =>
          roomKey(each.place) === key || each.panel.some((member) => member.key === key && member.answer !== "declined"),
      );
      return other ? [{ name, other }] : [];
    });
  }
}

/**
 * Return the key of a room.
 * @param {string} name
 */
export function roomKey(name) {
  return `room:${name}`;
}

/**
 * Return whether a key is that of a room.
 * @param {string} key
 */
export function isRoom(key) {
  return key.startsWith(roomKey(""));
}

/**
 * Return whether somebody has yet to answer the invitation to an interview to come.
 * @param {Interview} interview
 */
export function isUnanswered(interview) {
  return interview.status === "scheduled" && interview.panel.some((each) => each.answer === "needs_action");
}

/**
 * Return whether an interview matches filters.
 * @param {Interview} interview
 * @param {Filters} filters
 * @param {number} overdueAfter milliseconds
 * @param {boolean} isTwice whether somebody has another interview then
 */
export function matches(interview, filters, overdueAfter, isTwice) {
  const { search, person, job, candidate, coordinator, status, unanswered, overdue, double } = filters;
  const wanted = search.toLocaleLowerCase();
  return (
    (!wanted ||
      [interview.candidate, interview.title, ...interview.panel.map((each) => each.name)].some((name) =>
        name.toLocaleLowerCase().includes(wanted),
      )) &&
    (!person || interview.panel.some((each) => each.name === person)) &&
    (!job || interview.job === job) &&
    (!candidate || interview.candidate === candidate) &&
    (!coordinator || interview.coordinator === coordinator) &&
    (!status || interview.status === status) &&
    (!unanswered || isUnanswered(interview)) &&
    (!overdue || isOverdue(interview, overdueAfter)) &&
    (!double || isTwice)
  );
}

/**
 * Return whether feedback on an interview is overdue.
 * @param {Interview} interview
 * @param {number} overdueAfter milliseconds
 */
export function isOverdue(interview, overdueAfter) {
  return interview.status === "awaiting_feedback" && Date.now() - interview.ends_at > overdueAfter;
}
