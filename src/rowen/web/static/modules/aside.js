/** An interview beside the board: its page, without leaving the board. Its forms work there, too. */

import { byId, make } from "./dom.js";

/** Shows the page of an interview next to the board. */
export class Aside {
  /**
   * @param {{
   *   base: string,
   *   words: import("./words.js").Words,
   *   onClose: () => void,
   * }} parts
   */
  constructor(parts) {
    this.parts = parts;
    this.element = byId("aside");
    this.content = byId("aside-content");
    this.interview = 0;
    this.isTyped = false;
    byId("aside-close").addEventListener("click", () => parts.onClose());
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") parts.onClose();
    });
    this.content.addEventListener("input", () => (this.isTyped = true));
    this.content.addEventListener("submit", (event) => this.#submitted(event));
  }

  /**
   * Show an interview; 0 shows none.
   * @param {number} interview
   * @param {boolean} [withFocus]
   */
  async show(interview, withFocus = false) {
    this.interview = interview;
    this.isTyped = false;
    this.element.hidden = interview === 0;
    if (interview === 0) {
      this.content.replaceChildren();
      return;
    }
    const address = `${this.parts.base}/interviews/${interview}`;
    byId("aside-page").setAttribute("href", address);
    this.content.setAttribute("aria-busy", "true");
    if (withFocus) byId("aside-close").focus();
    await this.#load(() => fetch(address, { headers: { Accept: "text/html" } }), interview);
  }

  /** Show the newest version, unless something is being typed. */
  async refresh() {
    if (this.interview !== 0 && !this.isTyped) {
      const { scrollTop } = this.element;
      const interview = this.interview;
      await this.#load(() => fetch(`${this.parts.base}/interviews/${interview}`, { headers: { Accept: "text/html" } }), interview);
      this.element.scrollTop = scrollTop;
    }
  }

  /**
   * @param {() => Promise<Response>} request
   * @param {number} interview
   */
  async #load(request, interview) {
    try {
      const response = await request();
      const path = new URL(response.url).pathname;
      if (response.redirected && path !== `${this.parts.base}/interviews/${interview}`) {
        location.assign(response.url);
        return;
      }
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (this.interview !== interview) return;
      const main = page.querySelector("main");
      this.content.replaceChildren(...(main ? [...main.childNodes].map((node) => document.importNode(node, true)) : []));
      this.isTyped = false;
    } catch {
      if (this.interview === interview) {
        this.content.replaceChildren(make("p", { class: "notice" }, this.parts.words.text("board.failed")));
      }
    }
    this.content.removeAttribute("aria-busy");
  }

  /** Put the focus on what the new page says first, as a browser does with a whole page. */
  #focus() {
    const first = this.content.querySelector("[autofocus]") ?? byId("aside-close");
    /** @type {HTMLElement} */ (first).focus();
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (event.defaultPrevented || form.method !== "post") return;
    event.preventDefault();
    const data = new FormData(form, event.submitter);
    const body = new URLSearchParams(/** @type {[string, string][]} */ ([...data].filter(([, value]) => typeof value === "string")));
    const address = form.getAttribute("action") ?? location.href;
    const answered = this.#load(() => fetch(address, { method: "POST", body, headers: { Accept: "text/html" } }), this.interview);
    void answered.then(() => this.#focus());
  }
}
