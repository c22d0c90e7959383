"""The language and region of a page: its texts, and how dates and times are written.

Owns which are offered, and which one a browser gets. Must not know a page. Texts come from one catalogue a language
(`texts/english` has all keys); dates, times and the first day of the week are Babel's.
"""

import re
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton, format_time, format_timedelta

from rowen.web.local_times import read_day
from rowen.web.texts import english, german

_TEXTS: Final = {"en": english.TEXTS, "de": german.TEXTS}
LANGUAGES: Final = {
    "en-US": "English (United States)",
    "en-GB": "English (United Kingdom)",
    "de-DE": "Deutsch (Deutschland)",
    "de-AT": "Deutsch (Österreich)",
    "de-CH": "Deutsch (Schweiz)",
}
"""The languages offered, by their tags, each in its own words."""

_DEFAULT: Final = "en-US"
_FIGURES: Final = re.compile(r"([0-9]{1,2})[./-]\s?([0-9]{1,2})[./-]\s?([0-9]{4}|[0-9]{2})")
_CENTURY: Final = 2000
_MOST_TAGS: Final = 20
_MONDAY: Final = date(2024, 1, 1)
_MINUS: Final = "\u2212"


class Language:
    """A language with a region."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._locale = Locale.parse(tag, sep="-")
        self._texts = _TEXTS[self._locale.language]
        self._times: dict[tuple[int, int], str] = {}  # at most one for each minute of a day

    def text(self, key: str, /, **values: object) -> str:
        """Return a text of the catalogue with its values filled in. Raises KeyError for an unknown key."""
        return self._texts[key].format(**values)

    def texts(self, prefixes: tuple[str, ...]) -> dict[str, str]:
        """Return the texts whose keys begin in one of these ways, for modules in a browser."""
        return {key: text for key, text in self._texts.items() if key.startswith(prefixes)}

    def has(self, key: str) -> bool:
        """Return whether the catalogue has a text."""
        return key in self._texts

    def counted(self, key: str, count: int, **values: object) -> str:
        """Return the text of a number of things: in the plural form that the language has for it."""
        form = "one" if self._locale.plural_form(count) == "one" else "other"
        return self.text(f"{key}.{form}", count=count, **values)

    def week_of(self, day: date) -> date:
        """Return the first day of the week of a day."""
        return day - timedelta(days=(day.weekday() - self._locale.first_week_day) % 7)

    def weekday(self, number: int) -> str:
        """Write a day of the week, 0 for Monday."""
        return format_date(_MONDAY + timedelta(days=number), "EEEE", locale=self._locale)

    def short_weekday(self, number: int) -> str:
        """Write a day of the week in a few characters, 0 for Monday."""
        return format_date(_MONDAY + timedelta(days=number), "EEE", locale=self._locale).rstrip(".")

    def day(self, day: date) -> str:
        """Write a day with its weekday: `Monday, December 1`."""
        weekday = format_date(day, "EEEE", locale=self._locale)
        return f"{weekday}, {format_skeleton('MMMMd', day, locale=self._locale)}"

    def short_day(self, day: date) -> str:
        """Write a day in a few characters: `Dec 1`."""
        return format_skeleton("MMMd", day, locale=self._locale)

    def whole_day(self, day: date) -> str:
        """Write a day with its year: `Dec 1, 2025`."""
        return format_date(day, "medium", locale=self._locale)

    def full_day(self, day: date) -> str:
        """Write a day with its weekday and year: `Monday, December 1, 2025`."""
        return format_date(day, "full", locale=self._locale)

    def days(self, first: date, last: date) -> str:
        """Write a stretch of days: `Nov 30 \u2013 Dec 6, 2026`."""
        return format_interval(first, last, "yMMMd", locale=self._locale)

    def numeric_day(self, day: date) -> str:
        """Write a day in figures: `12/24/2026`."""
        return format_skeleton("yMd", day, locale=self._locale)

    def read_day(self, text: str) -> date | None:
        """Return a day in figures, as people of the region write it or in the form of browsers; None for other text."""
        found = _FIGURES.fullmatch(text.strip())
        if found is None:
            return read_day(text.strip())
        pattern = self._locale.date_formats["short"].pattern
        day, month = (1, 2) if pattern.index("d") < pattern.index("M") else (2, 1)
        year = int(found[3]) + (0 if len(found[3]) > 2 else _CENTURY)
        try:
            return date(year, int(found[month]), int(found[day]))
        except ValueError:
            return None

    def time(self, moment: datetime) -> str:
        """Write a time of day: `9:30 AM`."""
        minute = (moment.hour, moment.minute)
        written = self._times.get(minute)
        if written is None:
            written = self._times[minute] = format_time(moment, "short", locale=self._locale)
        return written

    def wait(self, time: timedelta) -> str:
        """Write how long something takes to begin: `in 3 hours`."""
        return format_timedelta(time, add_direction=True, locale=self._locale)


def city(zone: str) -> str:
    """Write a time zone by its city: `Berlin`."""
    return zone.rpartition("/")[2].replace("_", " ")


def offset_name(moment: datetime) -> str:
    """Write how far from UTC a moment's time zone is: `UTC+1`."""
    offset = (moment.utcoffset() or timedelta()) // timedelta(minutes=1)
    hours, minutes = divmod(abs(offset), 60)
    written = f"UTC{_MINUS if offset < 0 else '+'}{hours}{f':{minutes:02}' if minutes else ''}"
    return written if offset else "UTC"


def zone_name(name: str, moment: datetime) -> str:
    """Write a time zone by its city, and how far from UTC it is at a moment: `Berlin, UTC+1`."""
    return "UTC" if city(name) == "UTC" else f"{city(name)}, {offset_name(moment)}"


@cache
def language(tag: str) -> Language:
    """Return one of the `LANGUAGES`."""
    return Language(tag)


def chosen_language(preferred: str, accept_language: bytes) -> Language:
    """Return the language that a person chose, or else the first of a browser's that there is, or English."""
    if preferred in LANGUAGES:
        return language(preferred)
    for part in accept_language.decode("latin-1").split(",")[:_MOST_TAGS]:
        tag = part.partition(";")[0].strip().lower()
        found = next((each for each in LANGUAGES if tag in (each.lower(), each.partition("-")[0])), None)
        if found is None and tag.partition("-")[0] in _TEXTS:
            found = next(each for each in LANGUAGES if each.startswith(tag.partition("-")[0]))
        if found is not None:
            return language(found)
    return language(_DEFAULT)
