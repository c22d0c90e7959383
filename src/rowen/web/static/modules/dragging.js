/** An interview that is being dragged: the times at which its people and its room are free, and giving up with Escape. */

import { rowIdsOf } from "./rows.js";
import { DAY, toClock, toWall } from "./words.js";

/** @typedef {import("./types").Interview} Interview */
/** @typedef {import("./types").Place} Place */
/** @typedef {import("./types").Target} Target */

const WEEK_DAYS = 7;

/** Shows where an interview can be dropped while it is dragged. */
export class Dragging {
  /**
   * @param {{
   *   base: string,
   *   words: import("./words.js").Words,
   *   onNone: () => void,
   * }} parts
   */
  constructor(parts) {
    this.parts = parts;
    /** @type {string[]} the ids of the events that are shown */
    this.shown = [];
    this.drags = 0;
    /** @type {Target[] | null} the targets of the last drag, null if they are not known */
    this.targets = null;
    this.isCancelled = false;
  }

  /**
   * Begin a drag: show the targets of the interview once the server has found them, unless it has ended by then.
   * @param {import("./types").Calendar} calendar
   * @param {Place} place
   * @param {Interview} interview
   */
  async begin(calendar, place, interview) {
    const drag = ++this.drags;
    this.isCancelled = false;
    this.targets = null;
    this.#listen();
    const response = await fetch(`${this.parts.base}/board/interviews/${interview.id}/targets?week=${place.day}`).catch(() => null);
    const targets = response?.ok ? /** @type {Target[]} */ (await response.json()) : null;
    if (targets === null || drag !== this.drags) return;
    this.targets = targets;
    const byDay = place.view === "week" && place.rows !== "time";
    const events = byDay ? this.#days(targets, interview) : this.#times(targets);
    for (const [number, each] of events.entries()) {
      const id = `target-${number}`;
      calendar.addEvent({ id, display: "background", resourceIds: rowIdsOf(place, interview), ...each });
      this.shown.push(id);
    }
    if (targets.length === 0 && !interview.all_day) this.parts.onNone();
  }

  /** End the drag: its targets are no longer shown. @param {import("./types").Calendar | null} calendar */
  end(calendar) {
    this.drags++;
    for (const id of this.shown) calendar?.removeEventById(id);
    this.shown = [];
  }

  /** Give up when Escape is pressed. The calendar has no way to end a drag but the release of the pointer. */
  #listen() {
    const over = new AbortController();
    const keyed = (/** @type {KeyboardEvent} */ { key }) => {
      if (key !== "Escape") return;
      this.isCancelled = true;
      dispatchEvent(new PointerEvent("pointerup", { isPrimary: true }));
    };
    addEventListener("keydown", keyed, { signal: over.signal });
    addEventListener("pointerup", () => over.abort(), { signal: over.signal });
  }

  /** @param {Target[]} targets */
  #times(targets) {
    const label = this.parts.words.text("board.target");
    return targets.map(({ first, until }) => ({ start: first, end: until, classNames: ["target"], extendedProps: { label } }));
  }

  /**
   * Return the days on which an interview can be at the time that it has, and those on which it can only be at others.
   * @param {Target[]} targets
   * @param {Interview} interview
   */
  #days(targets, interview) {
    const { words } = this.parts;
    const time = interview.start.slice(11);
    const first = toClock(targets[0]?.first.slice(0, 10) ?? "1970-01-01");
    const days = [...Array(WEEK_DAYS).keys()].map((each) => toWall(first + each * DAY, true));
    return days.flatMap((day) => {
      const found = targets.filter((each) => each.first.slice(0, 10) <= day && day <= each.last.slice(0, 10));
      if (found.length === 0) return [];
      const start = `${day}T${time}`;
      const isSame = found.some((each) => each.first <= start && start <= each.last);
      const times = found.map((each) => words.between(each.first, each.until)).join(", ");
      const label = isSame ? words.text("board.target_at", { time: words.time(start) }) : words.text("board.target_other", { times });
      const end = toWall(toClock(day) + DAY, true);
      return [{ start: `${day}T00:00`, end: `${end}T00:00`, allDay: true, classNames: isSame ? ["target"] : ["target", "other"], extendedProps: { label } }];
    });
  }
}
