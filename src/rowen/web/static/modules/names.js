/** What screen readers read of the board: the names of interviews, and the rows or days that they are in. */

import { NOBODY, isOverdue, isRoom, roomKey } from "./store.js";
import { toClock } from "./words.js";

/** @typedef {import("./types").Interview} Interview */
/** @typedef {import("./types").Place} Place */

/** Names interviews, and groups them: in the page they lie side by side, over the rows and not in them. */
export class Names {
  /**
   * @param {HTMLElement} board
   * @param {{
   *   settings: import("./types").Settings,
   *   words: import("./words.js").Words,
   *   store: import("./store.js").Store,
   * }} parts
   */
  constructor(board, parts) {
    this.board = board;
    this.parts = parts;
    /** @type {WeakMap<Element, {interview: Interview, row: string, clash: string}>} what the names were made of */
    this.named = new WeakMap();
  }

  /**
   * Name what is drawn: each row, or in the calendar each day, is a group with a heading that owns its interviews. Mark those
   * that book somebody or a room twice, as far as their row is about it.
   * @param {Place} place
   * @param {string[]} rowIds
   */
  give(place, rowIds) {
    for (const each of this.board.querySelectorAll("aside")) each.setAttribute("role", "presentation");
    const byDay = place.rows === "time";
    const heads = [...this.board.querySelectorAll(byDay ? ".ec-col-head" : ".ec-row-head")];
    /** @type {{element: HTMLElement, interview: Interview}[][]} */
    const groups = heads.map(() => []);
    for (const element of this.board.querySelectorAll(/** @type {"article"} */ (".ec-event[data-interview]"))) {
      const interview = this.parts.store.interviews.get(Number(element.dataset.interview));
      const number = parseInt(byDay ? element.style.gridColumnStart : element.style.gridRowStart, 10) - 1;
      if (interview) groups[number]?.push({ element, interview });
    }
    for (const [number, head] of heads.entries()) {
      const name = head.querySelector(".row-name, time");
      const row = byDay ? "" : (name?.textContent ?? "");
      const held = groups[number].sort((one, other) => one.interview.starts_at - other.interview.starts_at);
      for (const { element, interview } of held) {
        set(element, "id", `interview-${interview.id}-${number}`);
        this.#name(element, interview, row, byDay ? null : rowIds[number] ?? NOBODY); // a row of the view before, for a moment
      }
      set(head, "role", "group");
      const state = head.querySelector(".quiet")?.textContent ?? "";
      const whose = (byDay && name?.getAttribute("aria-label")) || [row, state].filter(Boolean).join(", ");
      set(head, "aria-label", `${whose}, ${this.parts.words.counted("board.count", held.length)}`);
      set(head, "aria-owns", held.map(({ element }) => element.id).join(" "));
      if (name && row) {
        set(name, "role", "heading");
        set(name, "aria-level", "2");
      }
    }
  }

  /**
   * Name an interview so that it differs from all others: when and who, its state and answers, and in which row it is here.
   * @param {Element} element
   * @param {Interview} interview
   * @param {string} row
   * @param {string | null} rowId null in the calendar, which has no rows
   */
  #name(element, interview, row, rowId) {
    const [clash, known] = [this.#clash(interview, rowId), this.named.get(element)];
    set(element, "data-twice", clash && "true");
    if (known?.interview === interview && known.row === row && known.clash === clash) return;
    this.named.set(element, { interview, row, clash });
    const { settings, words } = this.parts;
    const { start, end, all_day, candidate, title, status, panel } = interview;
    const isLate = isOverdue(interview, settings.overdue_after);
    const times = all_day ? [words.when(start, end)] : [words.days.format(toClock(start)), words.time(start)];
    const answers = panel.map(({ name, answer }) => words.text("answer.of", { name, answer: words.text(`answer.${answer}`) }));
    const told = [...times, candidate, title, words.text(isLate ? "filter.overdue" : `status.${status}`), clash];
    const whose = row && words.text("board.in_row", { name: row });
    element.setAttribute("aria-label", [...told, whose, ...answers].filter(Boolean).join(", "));
  }

  /**
   * Return who, or which room, an interview books twice, and what else is then: in rows of people only the person of the row
   * and the room, which has no row there; in rows of rooms the room of the row and all people.
   * @param {Interview} interview
   * @param {string | null} rowId
   */
  #clash({ id, panel }, rowId) {
    const { store, words } = this.parts;
    const keys = [...(store.conflicts.get(id) ?? [])].filter((key) => rowId === null || key === rowId || isRoom(key) !== isRoom(rowId));
    if (!keys.length) return "";
    const names = keys.map((key) => panel.find((each) => each.key === key)?.name ?? key.slice(roomKey("").length));
    const pairs = store.pairs.filter(([one, other, key]) => (one === id || other === id) && keys.includes(key));
    const others = new Set(pairs.map(([one, other]) => (one === id ? other : one)));
    const found = [...others].map((each) => store.interviews.get(each)?.candidate);
    return words.text("board.conflict_with", { names: names.join(", "), others: found.join(", ") });
  }
}

/**
 * Set an attribute that differs; empty text removes it.
 * @param {Element} element
 * @param {string} name
 * @param {string} value
 */
function set(element, name, value) {
  if ((element.getAttribute(name) ?? "") === value) return;
  if (value) element.setAttribute(name, value);
  else element.removeAttribute(name);
}
