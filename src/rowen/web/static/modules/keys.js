/** Keys on the board: one tab stop for all interviews, arrows that lead from one to the next, and what can be done with one. */

/** @type {Record<string, [number, number]>} */
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** How much farther something seems that lies aside. */
const ASIDE = 3;

/** Lets the keyboard go from interview to interview. */
export class Keys {
  /**
   * @param {HTMLElement} board
   * @param {{onMove: (element: HTMLElement) => void, onHelp: () => void}} parts
   */
  constructor(board, parts) {
    this.board = board;
    this.parts = parts;
    /** @type {HTMLElement | null} */
    this.current = null;
    /** Whether the focus is on it, or was when the calendar drew it again. */
    this.hasFocus = false;
    board.addEventListener("focusin", ({ target }) => {
      this.#showHelp();
      if (target instanceof HTMLElement && target.matches(".ec-event")) {
        this.current = target;
        this.hasFocus = true;
        this.tidy();
      }
    });
    board.addEventListener("focusout", ({ target }) => {
      // An element that is taken away loses the focus, too: in some browsers before that, and in some after it.
      queueMicrotask(() => {
        this.#showHelp();
        this.hasFocus &&= document.activeElement === this.current || (target instanceof HTMLElement && !target.isConnected);
      });
    });
    board.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** Show the keys while the keyboard's focus is on the board; with `:has`, each change would style all of it again. */
  #showHelp() {
    document.body.classList.toggle("is-keyed", document.activeElement?.matches("#board :focus-visible") ?? false);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    this.#showHelp(); // the first key after a click makes the focus visible
    const isBoard = event.target === this.board;
    if (!this.current || (event.target !== this.current && !isBoard) || event.ctrlKey || event.altKey || event.metaKey) return;
    const direction = DIRECTIONS[event.key];
    const row = this.board.querySelector(`[aria-owns~="${this.current.id}"]`)?.getAttribute("aria-owns")?.split(" ") ?? [];
    if (event.key === "?") this.parts.onHelp();
    else if (direction && isBoard) this.current.focus(); // after the link that skips to the board
    else if (direction) this.#next(direction)?.focus();
    else if (event.key === "Home") document.getElementById(row[0])?.focus();
    else if (event.key === "End") document.getElementById(row[row.length - 1])?.focus();
    else if (event.key === "m" && !isBoard) this.parts.onMove(this.current);
    else return;
    event.preventDefault();
  }

  /** Leave one interview that can be reached by the tab key: the last that had the focus, or else the first. */
  tidy() {
    const all = this.#all();
    if (this.current && !this.current.isConnected) {
      this.current = document.getElementById(this.current.id);
      if (this.hasFocus && document.activeElement === document.body) this.current?.focus(); // unless it has moved on
    }
    this.current ??= all[0] ?? null;
    this.#showHelp(); // one that is taken away may have had the focus
    for (const each of all) {
      const index = each === this.current ? 0 : -1;
      if (each.tabIndex !== index) each.tabIndex = index;
    }
  }

  /** @returns {HTMLElement[]} */
  #all() {
    return [...this.board.querySelectorAll(/** @type {"article"} */ (".ec-event"))];
  }

  /** Return the nearest interview in a direction. @param {[number, number]} direction */
  #next([right, down]) {
    const centre = (/** @type {HTMLElement} */ each) => {
      const { left, top, width, height } = each.getBoundingClientRect();
      return { x: left + width / 2, y: top + height / 2 };
    };
    const from = centre(/** @type {HTMLElement} */ (this.current));
    let found = null;
    let least = Infinity;
    for (const each of this.#all()) {
      const { x, y } = centre(each);
      const ahead = (x - from.x) * right + (y - from.y) * down;
      const away = ahead + ASIDE * Math.abs(right ? y - from.y : x - from.x);
      if (ahead > 1 && away < least) [found, least] = [each, away];
    }
    return found;
  }
}
