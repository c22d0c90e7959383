/** The changes of the schedule as they happen, by Server-Sent Events, and whether the connection holds. */

/** @typedef {import("./types").Changed} Changed */

const SILENT_AFTER = 12_000;
const AGAIN_AFTER = 1_000;
const AGAIN_AT_MOST = 15_000;

/** Follows the changes after a revision; connects again by itself, and misses none. */
export class Live {
  /**
   * @param {string} address
   * @param {number} revision
   * @param {(changed: Changed) => void} onChanged
   * @param {(isLost: boolean) => void} onLost called when the connection is lost, and when it is back
   */
  constructor(address, revision, onChanged, onLost) {
    this.address = address;
    this.revision = revision;
    this.onChanged = onChanged;
    this.onLost = onLost;
    this.heardAt = Date.now();
    this.pause = AGAIN_AFTER;
    /** @type {EventSource | null} */
    this.source = null;
    /** @type {number | undefined} */
    this.timer = undefined;
    addEventListener("offline", () => this.#lose());
    addEventListener("online", () => this.#connect());
    addEventListener("pagehide", () => this.source?.close());
    addEventListener("pageshow", (event) => event.persisted && this.#connect());
    setInterval(() => {
      if (this.source !== null && Date.now() - this.heardAt > SILENT_AFTER) this.#lose();
    }, 1_000);
    this.#connect();
  }

  #connect() {
    clearTimeout(this.timer);
    this.source?.close();
    this.heardAt = Date.now();
    const source = new EventSource(`${this.address}?after=${this.revision}`);
    this.source = source;
    source.addEventListener("beat", () => this.#hear());
    source.addEventListener("changed", (event) => {
      this.#hear();
      this.revision = Math.max(this.revision, Number(event.lastEventId));
      this.onChanged(JSON.parse(event.data));
    });
    source.addEventListener("error", () => this.source === source && this.#lose());
  }

  #hear() {
    this.heardAt = Date.now();
    this.pause = AGAIN_AFTER;
    this.onLost(false);
  }

  #lose() {
    this.source?.close();
    this.source = null;
    this.onLost(true);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#connect(), this.pause);
    this.pause = Math.min(this.pause * 2, AGAIN_AT_MOST);
  }
}
