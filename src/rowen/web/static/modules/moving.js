/** Asking before an interview is moved, and showing what came of it. */

import { byId, make } from "./dom.js";
import { roomKey } from "./store.js";
import { DAY, toClock, toWall } from "./words.js";

/** @typedef {import("./types").Interview} Interview */
/** @typedef {import("./types").Move} Move */
/** @typedef {import("./types").Answer} Answer */

/**
 * Return the move that undoes another one; null if something would be lost, such as the answer of somebody who left.
 * @param {Move} move
 * @param {Interview} now the interview after it
 * @returns {Move | null}
 */
export function undoing({ interview: before, leaving, joining, place }, now) {
  const joined = joining && now.panel.find((each) => each.key === joining.user);
  if (joining && (!joined || !leaving?.user || leaving.answer !== "needs_action")) return null;
  return {
    interview: now,
    start: before.start,
    end: before.end,
    leaving: joined || null,
    joining: joining && leaving ? { user: leaving.user, name: leaving.name } : null,
    place: place === null ? null : before.place,
    already: "",
    targets: null,
  };
}

/** The dialog in which a move is confirmed. */
export class MoveDialog {
  /**
   * @param {{
   *   base: string,
   *   csrf: string,
   *   words: import("./words.js").Words,
   *   store: import("./store.js").Store,
   *   onDone: (interview: Interview | null, moved: Move | null) => void,
   * }} parts `onDone` is called with the interview as it is at the end, null if it is gone, and with the move, if it was made
   */
  constructor(parts) {
    this.parts = parts;
    this.dialog = /** @type {HTMLDialogElement} */ (byId("move"));
    /** @type {Move | null} */
    this.move = null;
    /** @type {Interview | null} the newest version that is known */
    this.newest = null;
    this.hasMoved = false;
    this.dialog.addEventListener("close", () => this.#close());
  }

  /** The id of the interview that is being moved; 0 for none. */
  get moving() {
    return this.move?.interview.id ?? 0;
  }

  /** @param {Move} move */
  ask(move) {
    this.move = move;
    this.newest = move.interview;
    this.hasMoved = false;
    this.#show(null);
    this.dialog.showModal();
  }

  #close() {
    const { newest, hasMoved, move } = this;
    this.move = null;
    this.newest = null;
    this.parts.onDone(newest, hasMoved ? move : null);
  }

  /**
   * Show the question, with the server's answer to the last try.
   * @param {Answer | null} answer
   */
  #show(answer) {
    const move = this.#current();
    const { words } = this.parts;
    const { interview } = move;
    const form = make("form", { class: "fields", method: "dialog", novalidate: true });
    form.append(make("h2", { id: "move-title" }, words.text("board.move_title")));
    form.append(make("p", { class: "quiet" }, `${interview.candidate} · ${interview.title}`));
    form.append(
      make(
        "dl",
        { class: "facts" },
        make("dt", {}, words.text("board.before")),
        make("dd", {}, words.when(interview.start, interview.end)),
        make("dt", {}, words.text("board.after")),
        make("dd", { id: "move-when" }, words.when(move.start, move.end)),
      ),
    );
    form.append(this.#times(move));
    if (move.joining) {
      const names = { joining: move.joining.name, leaving: move.leaving?.name ?? words.text("board.nobody") };
      form.append(make("p", {}, words.text("board.instead", names)));
    }
    if (move.already) form.append(make("p", {}, words.text("board.already_time", { name: move.already })));
    if (move.place !== null) {
      const where = move.place ? words.text("board.to_place", { place: move.place }) : words.text("board.away_from_place");
      form.append(make("p", {}, where));
    }
    form.append(make("div", { id: "move-busy" }), make("div", { id: "move-answer", role: "alert" }));
    const submit = make("button", { class: "primary", value: "move" }, words.text("board.move"));
    const cancel = make("button", { value: "cancel", type: "button" }, words.text("board.cancel"));
    cancel.addEventListener("click", () => this.dialog.close());
    form.append(make("p", { class: "actions" }, submit, cancel));
    form.addEventListener("input", () => this.#typed(form));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#typed(form);
      void this.#send();
    });
    this.dialog.replaceChildren(form);
    this.#warn();
    if (answer) this.#answer(answer);
  }

  /**
   * Return the fields in which the new times can be corrected.
   * @param {Move} move
   */
  #times(move) {
    const { words } = this.parts;
    const allDay = move.interview.all_day;
    const field = (/** @type {string} */ name, /** @type {string} */ type, /** @type {string} */ label, /** @type {string} */ value) =>
      make("label", {}, words.text(label), make("input", { name, type, value, required: true, step: type === "time" ? "300" : undefined }));
    const day = field("day", "date", "board.start_date", move.start.slice(0, 10));
    if (allDay) {
      const last = toWall(toClock(move.end) - DAY, true);
      return make("div", { class: "times" }, day, field("last", "date", "board.end_date", last));
    }
    const from = field("from", "time", "board.start_time", move.start.slice(11, 16));
    return make("div", { class: "times" }, day, from, field("to", "time", "board.end_time", move.end.slice(11, 16)));
  }

  /**
   * Take over what was typed: a new start keeps the length, a new end changes it.
   * @param {HTMLElement} form
   */
  #typed(form) {
    const move = this.#current();
    const value = (/** @type {string} */ name) =>
      /** @type {HTMLInputElement | null} */ (form.querySelector(`[name=${name}]`))?.value ?? "";
    const day = value("day");
    if (move.interview.all_day) {
      if (day && value("last")) {
        move.start = day;
        move.end = toWall(toClock(value("last")) + DAY, true);
      }
    } else if (day && value("from") && value("to")) {
      const later = toClock(`${move.start.slice(0, 11)}${value("from")}`) - toClock(move.start);
      if (later && value("to") === move.end.slice(11, 16)) {
        move.end = toWall(toClock(move.end) + later, false);
        /** @type {HTMLInputElement} */ (form.querySelector("[name=to]")).value = move.end.slice(11, 16);
        move.start = toWall(toClock(move.start) + later, false);
      }
      const nights = toClock(move.end.slice(0, 10)) - toClock(move.start.slice(0, 10));
      move.start = `${day}T${value("from")}`;
      move.end = `${toWall(toClock(day) + nights, true)}T${value("to")}`;
    }
    const shown = document.getElementById("move-when");
    if (shown && move.start && move.end) shown.textContent = this.parts.words.when(move.start, move.end);
    document.getElementById("move-answer")?.replaceChildren();
    this.#warn();
  }

  /** Say who would be booked twice, as far as the board knows. */
  #warn() {
    const move = this.#current();
    const { store, words } = this.parts;
    const staying = move.interview.panel.filter((each) => each.key !== move.leaving?.key && each.answer !== "declined");
    const people = [...staying.map(({ key, name }) => ({ key, name }))];
    if (move.joining) people.push({ key: move.joining.user, name: move.joining.name });
    const place = move.place ?? move.interview.place;
    if (store.rooms.has(place)) people.push({ key: roomKey(place), name: place });
    const busy = store.busy(move.interview, move.start, move.end, people);
    const notes = busy.map(({ name, other }) => {
      const { title, candidate } = other;
      return make("p", { class: "problem" }, words.text("board.warn_busy", { name, title, candidate, time: words.time(other.start) }));
    });
    const isTarget = move.targets?.some((each) => each.first <= move.start && move.start <= each.last) ?? true;
    if (!isTarget && !notes.length && !move.joining && move.place === null) {
      notes.push(make("p", { class: "problem" }, words.text("board.warn_hours")));
    }
    document.getElementById("move-busy")?.replaceChildren(...notes);
  }

  /**
   * Make a move without asking, such as one that undoes another.
   * @param {Move} move
   * @returns {Promise<Interview | null>} the interview after it; null if it was not made
   */
  async make(move) {
    const response = await fetch(...this.#request(move, move.interview.updated_at)).catch(() => null);
    return response?.ok ? /** @type {Answer} */ (await response.json()).interview ?? null : null;
  }

  /**
   * @param {Move} move
   * @param {number} seenAt the version that the user saw
   * @returns {[string, RequestInit]}
   */
  #request(move, seenAt) {
    const { base, csrf } = this.parts;
    const body = new URLSearchParams({ csrf, start: move.start, end: move.end, seen_at: String(seenAt) });
    if (move.joining) {
      body.set("joining", move.joining.user);
      body.set("leaving", move.leaving?.key ?? "");
    }
    if (move.place !== null) body.set("place", move.place);
    return [`${base}/board/interviews/${move.interview.id}`, { method: "POST", body }];
  }

  async #send() {
    const move = this.#current();
    const submit = /** @type {HTMLButtonElement | null} */ (this.dialog.querySelector(".primary"));
    if (submit) submit.disabled = true;
    try {
      const response = await fetch(...this.#request(move, (this.newest ?? move.interview).updated_at));
      const answer = /** @type {Answer} */ (await response.json());
      if (response.ok && answer.interview) {
        this.newest = answer.interview;
        this.hasMoved = true;
        this.dialog.close();
      } else if (response.status === 412) {
        this.newest = answer.interview ?? null;
        this.#showTheirs(answer);
      } else {
        this.#answer(answer);
      }
    } catch {
      this.#answer({ words: this.parts.words.text("board.failed") });
    }
    if (submit) submit.disabled = false;
  }

  /**
   * Show a problem, or a question about a time that the clock shows twice.
   * @param {Answer} answer
   */
  #answer(answer) {
    const place = byId("move-answer");
    const { words } = this.parts;
    place.replaceChildren(make("p", { class: "problem" }, answer.words ?? words.text("board.failed")));
    const field = { start: "from", end: "to" }[answer.field ?? ""];
    const input = field && this.dialog.querySelector(`[name=${field}]`);
    if (input) input.setAttribute("aria-invalid", "true");
    for (const { value, words: label } of answer.choices ?? []) {
      const button = make("button", { type: "button" }, label);
      button.addEventListener("click", () => {
        const move = this.#current();
        if (answer.field === "end") move.end = value;
        else move.start = value;
        void this.#send();
      });
      place.append(button);
    }
  }

  /**
   * Show what somebody else changed meanwhile, and let the user decide.
   * @param {Answer} answer
   */
  #showTheirs(answer) {
    const { words } = this.parts;
    const move = this.#current();
    const rows = (answer.changes ?? []).flatMap((each) => [
      make("p", {}, make("b", {}, each.words), " ", make("span", { class: "quiet" }, `${each.actor} · ${each.time}`)),
      make("ul", {}, ...each.fields.map(([name, before, after]) =>
        make("li", {}, make("span", { class: "quiet" }, `${name}: `), before ? words.text("board.from_to", { before, after }) : after))),
    ]);
    const theirs = make("button", { type: "button", class: "primary" }, words.text("board.keep_theirs"));
    theirs.addEventListener("click", () => this.dialog.close());
    const actions = make("p", { class: "actions" }, theirs);
    const found = answer.interview;
    if (found?.open) {
      const again = make("button", { type: "button" }, words.text("board.move_anyway"));
      again.addEventListener("click", () => {
        this.move = { ...move, interview: found };
        this.#show(null);
      });
      actions.append(again);
    }
    this.dialog.replaceChildren(
      make(
        "div",
        { class: "theirs" },
        make("h2", { id: "move-title" }, words.text("board.changed_title")),
        make("p", { class: "quiet" }, words.text(found ? "board.changed_lead" : "board.gone_lead")),
        ...rows,
        actions,
      ),
    );
    theirs.focus();
  }

  /** @returns {Move} */
  #current() {
    if (this.move === null) throw new Error("nothing is being moved");
    return this.move;
  }
}
