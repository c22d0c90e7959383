/** The calendar of the board: interviews drawn with EventCalendar, and what people do with them there. */

import { Cards } from "./cards.js";
import { make } from "./dom.js";
import { Dragging } from "./dragging.js";
import { Keys } from "./keys.js";
import { Names } from "./names.js";
import { chosenBy, rowIdsOf, rowsOf } from "./rows.js";
import { NOBODY, isOverdue, isUnanswered, roomKey } from "./store.js";
import { MINUTE, toClock, toWall } from "./words.js";

/** @typedef {import("./types").Interview} Interview */
/** @typedef {import("./types").Place} Place */
/** @typedef {import("./types").Settings} Settings */
/** @typedef {import("./types").Move} Move */
/** @typedef {import("./types").DropInfo} DropInfo */
/** @typedef {import("./types").CalendarEvent} CalendarEvent */
/** @typedef {import("./types").CalendarResource} CalendarResource */

const FIRST_HOUR = 8;
const LAST_HOUR = 19;
const NARROW = 640;
const LABEL_WIDTH = 202;
const SMALLEST_SLOT = 34;
const SLOTS = 2 * (LAST_HOUR - FIRST_HOUR);
const HEAD_HEIGHT = 88;
const SMALLEST_HEIGHT = 24;
const SHORT = 45 * MINUTE;
const SUNDAY = 0;
const SATURDAY = 6;
const TABLE_ROLES = ["table", "row", "rowgroup", "rowheader", "columnheader", "cell"].map((each) => `[role=${each}]`).join();
const MOST_UPDATES = 20;
const DATES_ONLY = "ec-resource ec-timeline ec-month-view";

/** Draws interviews. */
export class Board {
  /**
   * @param {HTMLElement} element
   * @param {{
   *   settings: Settings,
   *   words: import("./words.js").Words,
   *   store: import("./store.js").Store,
   *   onOpen: (interview: Interview, from: HTMLElement) => void,
   *   onMove: (move: Move) => void,
   *   onDrag: (isDragging: boolean) => void,
   *   onEmpty: (chosen: Record<string, string>) => void,
   *   onSay: (text: string) => void,
   *   onHelp: () => void,
   * }} parts `onEmpty` gets what somebody chose in empty time: a day, a start, the minutes, a person or a place
   */
  constructor(element, parts) {
    this.element = element;
    this.parts = parts;
    /** @type {Place | null} */
    this.place = null;
    /** @type {import("./types").Calendar | null} */
    this.calendar = null;
    this.shape = "";
    this.day = "";
    this.drawnRows = "";
    /** @type {string[]} the ids of the rows, from above */
    this.rowIds = [];
    /** @type {Map<string, CalendarEvent>} the events that are drawn */
    this.drawn = new Map();
    /** @type {Set<string>} the events that were dragged: they are no longer where they were drawn */
    this.dirty = new Set();
    this.cards = new Cards(parts.words);
    this.dragging = new Dragging({ base: parts.settings.base, words: parts.words, onNone: () => parts.onSay(parts.words.text("board.no_target")) });
    this.names = new Names(element, parts);
    const keys = new Keys(element, { onMove: (each) => this.#ask(each), onHelp: parts.onHelp });
    new MutationObserver(() => {
      this.#stripRoles();
      keys.tidy();
    }).observe(element, { childList: true, subtree: true });
    /** @type {number[]} the days of the week that are left out */
    this.hidden = [];
  }

  /**
   * Draw interviews at a place.
   * @param {Place} place
   * @param {Interview[]} interviews
   */
  draw(place, interviews) {
    this.place = place;
    const resources = rowsOf(place, interviews, this.parts);
    this.rowIds = resources.map((each) => each.id);
    const events = interviews.map((each) => this.#event(each));
    /** @type {Record<string, any>} */
    const options = { ...this.#shapeOf(place, interviews), resources, events, date: place.day };
    this.hidden = options.hiddenDays;
    const shape = JSON.stringify([options.view, options.hiddenDays, options.slotWidth, options.slotHeight]);
    const rows = JSON.stringify(resources);
    if (this.calendar !== null && shape === this.shape) {
      const isMoved = place.day !== this.day;
      if (isMoved) this.calendar.setOption("date", place.day);
      if (rows !== this.drawnRows) this.calendar.setOption("resources", resources);
      this.#update(this.calendar, events, isMoved);
      this.names.give(place, this.rowIds);
    } else {
      if (this.calendar !== null) EventCalendar.destroy(this.calendar);
      this.calendar = EventCalendar.create(this.element, { ...this.#options(), ...options });
    }
    this.shape = shape;
    this.day = place.day;
    this.drawnRows = rows;
    this.drawn = new Map(events.map((each) => [each.id, each]));
    this.dirty.clear();
  }

  /**
   * Show events in place of those that are drawn: only what differs, unless that is much.
   * @param {import("./types").Calendar} calendar
   * @param {CalendarEvent[]} events
   * @param {boolean} everything another day loads the events of the last `setOption` again
   */
  #update(calendar, events, everything) {
    const present = new Set(events.map((each) => each.id));
    const gone = [...this.drawn.keys()].filter((id) => !present.has(id));
    const changed = events.filter((each) => this.dirty.has(each.id) || !isSame(each, this.drawn.get(each.id)));
    if (everything || gone.length + changed.length > MOST_UPDATES) {
      calendar.setOption("events", events);
      return;
    }
    for (const id of gone) calendar.removeEventById(id);
    for (const each of changed) {
      if (this.drawn.has(each.id)) calendar.updateEvent(each);
      else calendar.addEvent(each);
    }
  }

  /** Take away the roles of a table: its rows would have to contain the interviews, which lie over them. Give names. */
  #stripRoles() {
    for (const each of this.element.querySelectorAll(TABLE_ROLES)) {
      each.removeAttribute("role");
      each.removeAttribute("aria-colindex");
      each.removeAttribute("aria-colspan");
    }
    // It scrolls, also by keyboard: with its interviews, or itself where it has none.
    this.element.querySelector(".ec-main")?.setAttribute("tabindex", this.drawn.size ? "-1" : "0");
    if (this.place) this.names.give(this.place, this.rowIds);
  }

  /**
   * Return what is common to all views.
   * @returns {Record<string, unknown>}
   */
  #options() {
    const { settings, words, onOpen, onDrag } = this.parts;
    return {
      locale: settings.language,
      timeZone: settings.offset,
      firstDay: settings.first_day,
      height: "100%",
      headerToolbar: { start: "", center: "", end: "" },
      allDayContent: words.text("interview.all_day"),
      nowIndicator: true,
      slotEventOverlap: false,
      flexibleSlotTimeLimits: true,
      slotMinTime: `${String(FIRST_HOUR).padStart(2, "0")}:00`,
      slotMaxTime: `${LAST_HOUR}:00`,
      scrollTime: `${String(FIRST_HOUR).padStart(2, "0")}:00`,
      snapDuration: "00:15",
      eventStartEditable: false,
      eventDurationEditable: false,
      longPressDelay: 500,
      eventTimeFormat: () => "", // costs as much as drawing: the contents name the times
      dayHeaderFormat: (/** @type {Date} */ day) => words.shortDays.format(toUtc(day)),
      eventContent: (/** @type {{event: CalendarEvent | import("./types").BackgroundEvent}} */ { event }) => {
        const { extendedProps, start, end, allDay, display } = event;
        if (display === "preview" && "interview" in extendedProps && start instanceof Date) {
          return { domNodes: this.cards.nodes({ ...extendedProps.interview, start: toWall(toUtc(start), false) }) };
        }
        if ("interview" in extendedProps) return this.cards.content(extendedProps.interview);
        if (display === "preview" && !allDay && start instanceof Date && end instanceof Date) {
          const times = [start, end].map((each) => words.time(toWall(toUtc(each), false)));
          return { domNodes: [make("time", {}, times.join(" \u2013 "))] };
        }
        return "label" in extendedProps ? { domNodes: [make("span", {}, extendedProps.label)] } : undefined;
      },
      eventDidMount: (/** @type {{event: CalendarEvent, el: HTMLElement}} */ { event, el }) => {
        el.dataset.interview = event.id;
      },
      eventClick: (/** @type {{event: CalendarEvent, el: HTMLElement, jsEvent: Event}} */ { event, el, jsEvent }) => {
        // The focus moves on: the key must not press what it moves to.
        jsEvent.preventDefault();
        onOpen(event.extendedProps.interview, el);
      },
      resourceLabelContent: (/** @type {{resource: CalendarResource}} */ { resource }) => ({
        domNodes: this.#label(resource),
      }),
      eventDragStart: (/** @type {{event: CalendarEvent}} */ { event }) => {
        onDrag(true);
        if (this.calendar && this.place) void this.dragging.begin(this.calendar, this.place, event.extendedProps.interview);
      },
      eventDragStop: () => {
        this.dragging.end(this.calendar);
        onDrag(false);
      },
      eventResizeStart: () => onDrag(true),
      eventResizeStop: () => onDrag(false),
      eventDrop: (/** @type {DropInfo} */ info) => this.#dropped(info),
      eventResize: (/** @type {DropInfo} */ info) => this.#resized(info),
      ...(settings.may_move ? this.#choosing() : {}),
    };
  }

  /** Return what lets people choose empty time. */
  #choosing() {
    const { onEmpty } = this.parts;
    const timed = (/** @type {string} */ start) => !this.#isByDay && start.includes("T") && { start: start.slice(11, 16) };
    return {
      dateClick: (/** @type {import("./types").DateInfo} */ { dateStr, allDay, resource }) =>
        onEmpty({ day: dateStr.slice(0, 10), ...(allDay ? {} : timed(dateStr)), ...chosenBy(resource) }),
      select: (/** @type {import("./types").SelectInfo} */ { startStr, endStr, allDay, resource }) => {
        const minutes = String((toClock(endStr) - toClock(startStr)) / MINUTE);
        onEmpty({ day: startStr.slice(0, 10), ...(allDay ? {} : { ...timed(startStr), minutes }), ...chosenBy(resource) });
      },
    };
  }

  /** Whether days are columns, which have no times. */
  get #isByDay() {
    return this.place?.view === "week" && this.place.rows !== "time";
  }

  /**
   * Return what differs between views: by day or by hour, with rows or without.
   * @param {Place} place
   * @param {Interview[]} interviews
   * @returns {Record<string, any>}
   */
  #shapeOf(place, interviews) {
    const hiddenDays = place.view === "week" ? this.#freeWeekend(interviews) : [];
    if (place.rows === "time") {
      const fitting = Math.floor((this.element.clientHeight - HEAD_HEIGHT) / SLOTS);
      const slotHeight = Math.max(SMALLEST_HEIGHT, fitting);
      const columnWidth = `minmax(${Board.isNarrow ? 8 : 5.5}rem, 1fr)`;
      const view = place.view === "week" ? "timeGridWeek" : "timeGridDay";
      return { view, hiddenDays, slotHeight, columnWidth, selectable: this.parts.settings.may_move };
    }
    if (this.#isByDay) {
      return {
        view: "resourceTimelineWeek",
        hiddenDays,
        slotDuration: { days: 1 },
        columnWidth: "minmax(9rem, 1fr)",
        eventGap: 4,
        theme: (/** @type {Record<string, string>} */ theme) => ({ ...theme, view: DATES_ONLY }),
      };
    }
    const slotWidth = Math.max(SMALLEST_SLOT, Math.floor((this.element.clientWidth - LABEL_WIDTH - 2) / SLOTS));
    return { view: "resourceTimelineDay", hiddenDays, slotDuration: "00:30", slotWidth, eventGap: 4, selectable: this.parts.settings.may_move };
  }

  /**
   * Return the days of the weekend that have no interview: they are left out.
   * @param {Interview[]} interviews
   */
  #freeWeekend(interviews) {
    const taken = new Set(interviews.map((each) => new Date(toClock(each.start)).getUTCDay()));
    return [SUNDAY, SATURDAY].filter((day) => !taken.has(day));
  }

  /**
   * @param {Interview} interview
   * @returns {CalendarEvent}
   */
  #event(interview) {
    const { settings } = this.parts;
    const mayMove = interview.open && settings.may_move;
    const byHour = this.place?.rows === "time" || this.place?.view === "day";
    const classNames = ["event", interview.status];
    if (isUnanswered(interview)) classNames.push("unanswered");
    if (isOverdue(interview, settings.overdue_after)) classNames.push("overdue");
    if (this.place?.rows === "time" && !interview.all_day && interview.ends_at - interview.starts_at < SHORT) {
      classNames.push("short");
    }
    if (this.place?.interview === interview.id) classNames.push("chosen");
    return {
      id: String(interview.id),
      start: interview.start,
      end: interview.end,
      allDay: interview.all_day,
      resourceIds: this.place ? rowIdsOf(this.place, interview) : [],
      startEditable: mayMove,
      durationEditable: mayMove && byHour && !interview.all_day,
      classNames,
      extendedProps: { interview },
    };
  }

  /**
   * @param {CalendarResource} resource
   * @returns {Node[]}
   */
  #label(resource) {
    const { words } = this.parts;
    const { initials: letters = "", isTwice = false, isDisabled = false } = resource.extendedProps ?? {};
    if (!resource.title) return []; // without any row, the calendar draws one that is empty
    const state = isDisabled ? [make("span", { class: "quiet" }, words.text("board.disabled"))] : [];
    const name = make("span", { class: "row-name", title: resource.title }, resource.title);
    const made = make("span", { class: "row-names" }, name, ...state);
    const label = this.place?.rows === "people" && resource.id !== NOBODY
      ? [make("span", { class: "avatar", "aria-hidden": "true" }, letters), made]
      : [made];
    if (isTwice) {
      label.push(make("span", { class: "twice", role: "img", title: words.text("board.conflict_of", { name: resource.title }) }, "!"));
    }
    return label;
  }

  /** Ask when an interview is to be, without a drag. @param {HTMLElement} element */
  #ask(element) {
    const interview = this.parts.store.interviews.get(Number(element.dataset.interview));
    if (interview?.open && this.parts.settings.may_move) this.parts.onMove(this.#moveTo(interview, 0, 0));
  }

  /** @param {DropInfo} info */
  #dropped(info) {
    const { interview } = info.event.extendedProps;
    this.dirty.add(info.event.id);
    if (this.dragging.isCancelled) return info.revert();
    const shift = info.delta ? info.delta.days * 86_400_000 + info.delta.seconds * 1_000 : 0;
    const move = { ...this.#moveTo(interview, shift, shift), targets: this.dragging.targets };
    const { oldResource, newResource } = info;
    if (oldResource && newResource) {
      if (this.place?.rows === "rooms") {
        move.place = newResource.id.slice(roomKey("").length);
      } else if (interview.panel.some((each) => each.key === newResource.id)) {
        move.already = newResource.title;
      } else {
        move.leaving = interview.panel.find((each) => each.key === oldResource.id) ?? null;
        move.joining = { user: newResource.id, name: newResource.title };
      }
    }
    if (move.already && shift === 0) {
      this.parts.onSay(this.parts.words.text("board.already", { name: move.already }));
      return info.revert();
    }
    this.parts.onMove(move);
  }

  /** @param {DropInfo} info */
  #resized(info) {
    const delta = (/** @type {import("./types").Duration | undefined} */ each) =>
      each ? each.days * 86_400_000 + each.seconds * 1_000 : 0;
    const { interview } = info.event.extendedProps;
    this.dirty.add(info.event.id);
    this.parts.onMove(this.#moveTo(interview, delta(info.startDelta), delta(info.endDelta)));
  }

  /**
   * Return a move by milliseconds on the viewer's clock. Only the distance is the calendar's: its own times are those of
   * the browser's zone, which may lack them.
   * @param {Interview} interview
   * @param {number} start
   * @param {number} end
   * @returns {Move}
   */
  #moveTo(interview, start, end) {
    return {
      interview,
      start: toWall(toClock(interview.start) + start, interview.all_day),
      end: toWall(toClock(interview.end) + end, interview.all_day),
      leaving: null,
      joining: null,
      place: null,
      already: "",
      targets: null,
    };
  }

  /** Return whether the window is that of a phone. */
  static get isNarrow() {
    return innerWidth < NARROW;
  }

  /** Return whether the window has no room for all filters in one row. */
  static get hasLittleRoom() {
    return matchMedia("(max-width: 68rem)").matches;
  }
}

/**
 * Return whether two events look the same.
 * @param {CalendarEvent} one
 * @param {CalendarEvent | undefined} other
 */
function isSame(one, other) {
  return (
    other !== undefined &&
    one.extendedProps.interview === other.extendedProps.interview &&
    String(one.classNames) === String(other.classNames) &&
    String(one.resourceIds) === String(other.resourceIds)
  );
}

/**
 * Return a time that the calendar made in the browser's zone as the same time in UTC.
 * @param {Date} time
 */
function toUtc(time) {
  return Date.UTC(time.getFullYear(), time.getMonth(), time.getDate(), time.getHours(), time.getMinutes());
}
