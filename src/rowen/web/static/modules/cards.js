/** What an interview looks like on the board, for eyes and for screen readers. */

import { make } from "./dom.js";

/** @typedef {import("./types").Interview} Interview */

/** Writes the contents of interviews, and keeps them: most are drawn once for each person. */
export class Cards {
  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.words = words;
    /** @type {WeakMap<Interview, {html: string}>} */
    this.contents = new WeakMap();
  }

  /**
   * Return what an interview looks like: when, who, what, and how each member of the panel answered. The calendar draws
   * it again only if that is another object than before.
   * @param {Interview} interview
   * @returns {{html: string}}
   */
  content(interview) {
    let content = this.contents.get(interview);
    if (!content) {
      content = { html: this.nodes(interview).map((each) => each.outerHTML).join("") };
      this.contents.set(interview, content);
    }
    return content;
  }

  /**
   * @param {Interview} interview
   * @returns {HTMLElement[]}
   */
  nodes(interview) {
    const { words } = this;
    const head = make("span", { class: "line" });
    if (!interview.all_day) head.append(make("time", {}, words.time(interview.start)), " ");
    head.append(make("b", {}, interview.candidate));
    head.append(make("span", { class: "unseen" }, `, ${words.text(`status.${interview.status}`)}`));
    const answers = make("span", { class: "dots" });
    for (const { name, answer } of interview.panel) {
      const said = words.text("answer.of", { name, answer: words.text(`answer.${answer}`) });
      answers.append(make("i", { class: answer, title: said }, make("span", { class: "unseen" }, `, ${said}`)));
    }
    return [head, make("span", { class: "line" }, make("span", { class: "title" }, interview.title), answers)];
  }
}
