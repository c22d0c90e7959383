/** What the server sends to the board (`web/board_items.py`, `web/board_page.py`, `web/moving.py`), and the calendar. */

export interface Member {
  key: string;
  name: string;
  answer: "needs_action" | "accepted" | "tentative" | "declined";
  owes: boolean;
  user: string;
}

/** `start` and `end` are times or dates of the viewer's clock, `starts_at` and `ends_at` instants in milliseconds. */
export interface Interview {
  id: number;
  start: string;
  end: string;
  all_day: boolean;
  starts_at: number;
  ends_at: number;
  candidate: string;
  title: string;
  job: string;
  place: string;
  status: "scheduled" | "awaiting_feedback" | "complete";
  coordinator: string;
  open: boolean;
  updated_at: number;
  panel: Member[];
}

export interface Week {
  first: string;
  revision: number;
  cut: number;
  interviews: Interview[];
  disabled: string[];
}

export interface Changed {
  interviews: Interview[];
  gone: number[];
  everything: boolean;
}

export type View = "week" | "day";
export type Rows = "people" | "rooms" | "time";

export interface Filters {
  search: string;
  person: string;
  job: string;
  candidate: string;
  coordinator: string;
  status: string;
  unanswered: string;
  overdue: string;
  double: string;
}

export interface BoardPerson {
  key: string;
  name: string;
}

/** Times of the viewer's clock at which an interview can start, from `first` to `last`; the latest ends at `until`. */
export interface Target {
  first: string;
  last: string;
  until: string;
}

export interface Settings {
  language: string;
  zone: string;
  offset: string;
  today: string;
  first_day: number;
  user: string;
  may_move: boolean;
  overdue_after: number;
  chosen: boolean;
  base: string;
  rooms: string[];
  everybody: boolean;
  people: BoardPerson[] | null;
  texts: Record<string, string>;
  view: View;
  rows: Rows;
  day: string;
  filters: Filters;
}

/** Where the board is, as its address names it; `interview` is the one that is open beside it, 0 for none. */
export interface Place {
  view: View;
  rows: Rows;
  everybody: boolean;
  day: string;
  filters: Filters;
  interview: number;
}

/**
 * A move that somebody asks for, in times or dates of the viewer's clock; `targets` are null if they are not known.
 * `already` is who is on the panel already, of those whose row it was moved to; empty for nobody.
 */
export interface Move {
  interview: Interview;
  start: string;
  end: string;
  leaving: Member | null;
  joining: { user: string; name: string } | null;
  place: string | null;
  already: string;
  targets: Target[] | null;
}

export interface ShownChange {
  words: string;
  actor: string;
  time: string;
  fields: [string, string, string][];
}

export interface Answer {
  interview?: Interview | null;
  changes?: ShownChange[];
  field?: string;
  words?: string;
  choices?: { value: string; words: string }[];
}

export interface CalendarResource {
  id: string;
  title: string;
  extendedProps?: { initials: string; isTwice: boolean; isDisabled: boolean };
}

/** A stretch of time behind the interviews. */
export interface BackgroundEvent {
  id: string;
  allDay?: boolean;
  start: string;
  end: string;
  display: string;
  resourceIds: string[];
  classNames: string[];
  extendedProps: { label: string };
}

export interface CalendarEvent {
  id: string;
  start: string | Date;
  end: string | Date;
  allDay: boolean;
  resourceIds: string[];
  startEditable: boolean;
  durationEditable: boolean;
  display?: string;
  classNames: string[];
  extendedProps: { interview: Interview };
}

export interface Duration {
  years: number;
  months: number;
  days: number;
  seconds: number;
}

export interface DropInfo {
  event: CalendarEvent;
  oldEvent: CalendarEvent;
  oldResource?: CalendarResource;
  newResource?: CalendarResource;
  delta?: Duration;
  startDelta?: Duration;
  endDelta?: Duration;
  revert(): void;
}

/** Where in the calendar somebody clicked. */
export interface DateInfo {
  dateStr: string;
  allDay: boolean;
  resource?: CalendarResource;
}

/** A stretch of the calendar that somebody chose by dragging. */
export interface SelectInfo {
  startStr: string;
  endStr: string;
  allDay: boolean;
  resource?: CalendarResource;
}

export interface Calendar {
  setOption(name: string, value: unknown): Calendar;
  updateEvent(event: CalendarEvent): unknown;
  addEvent(event: CalendarEvent | BackgroundEvent): unknown;
  removeEventById(id: string): Calendar;
  getEventById(id: string): CalendarEvent | null;
}

declare global {
  const EventCalendar: {
    create(target: HTMLElement, options: Record<string, unknown>): Calendar;
    destroy(calendar: Calendar): void;
  };
}
