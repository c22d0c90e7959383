/** Texts of the catalogue, and days and times as people of the viewer's language write them. */

/** @typedef {import("./types").Settings} Settings */

export const MINUTE = 60_000;
export const DAY = 86_400_000;

/**
 * Return a time or date of a clock as milliseconds on that clock, as if it were UTC.
 * @param {string} wall
 */
export function toClock(wall) {
  return Date.parse(wall.includes("T") ? `${wall}Z` : `${wall}T00:00Z`);
}

/**
 * Return milliseconds on a clock as a time, or with `asDate` as a date.
 * @param {number} clock
 * @param {boolean} asDate
 */
export function toWall(clock, asDate) {
  return new Date(clock).toISOString().slice(0, asDate ? 10 : 16);
}

/** Writes texts, days and times. */
export class Words {
  /** @param {Settings} settings */
  constructor(settings) {
    this.texts = settings.texts;
    const { language } = settings;
    /** @param {Intl.DateTimeFormatOptions} options */
    const format = (options) => new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" });
    this.compare = new Intl.Collator(language).compare;
    this.plural = new Intl.PluralRules(language);
    this.times = format({ hour: "numeric", minute: "2-digit" });
    this.days = format({ weekday: "long", month: "long", day: "numeric" });
    this.shortDays = format({ weekday: "short", month: "short", day: "numeric" });
    this.titles = format({ month: "short", day: "numeric", year: "numeric" });
    this.dayTitles = format({ weekday: "long", month: "short", day: "numeric", year: "numeric" });
    /** @type {Map<string, string>} */
    this.known = new Map();
  }

  /**
   * Return a text with its values filled in.
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   */
  text(key, values = {}) {
    const text = this.texts[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
  }

  /**
   * Return the text of a number of things.
   * @param {string} key
   * @param {number} count
   */
  counted(key, count) {
    return this.text(`${key}.${this.plural.select(count) === "one" ? "one" : "other"}`, { count });
  }

  /**
   * Write the time of day of a time on a clock.
   * @param {string} wall
   */
  time(wall) {
    const time = wall.slice(11);
    let written = this.known.get(time);
    if (written === undefined) {
      written = this.times.format(Date.parse(`1970-01-01T${time}Z`));
      this.known.set(time, written);
    }
    return written;
  }

  /**
   * Write from when until when something is, on one day.
   * @param {string} start
   * @param {string} end
   */
  between(start, end) {
    return this.times.formatRange(toClock(start), toClock(end));
  }

  /**
   * Write when something is: a day with times, or days.
   * @param {string} start
   * @param {string} end
   */
  when(start, end) {
    const from = this.shortDays.format(toClock(start));
    if (!start.includes("T")) {
      const last = toClock(end) - DAY;
      const days = last > toClock(start) ? `${from} – ${this.shortDays.format(last)}` : from;
      return `${days}, ${this.text("interview.all_day")}`;
    }
    const until = start.slice(0, 10) === end.slice(0, 10) ? "" : `${this.shortDays.format(toClock(end))}, `;
    return `${from}, ${this.time(start)} – ${until}${this.time(end)}`;
  }
}
