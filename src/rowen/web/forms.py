"""Forms: what was typed, and what is wrong with it, in words.

Owns how a field is read and how its problem is kept next to it, so that a page can show both again. Must not know a
page, or what is done with the values.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from rowen.api.reading.values import ValueReader
from rowen.interviews.errors import FieldProblem, Problems
from rowen.web.languages import Language
from rowen.web.request import Fields

Value = TypeVar("Value")

_HEAD: Final = re.compile(r"[.\[]")

INVALID: Final = 422
"""The status of a page with a form that was not accepted."""


class Form:
    """A form as a page shows it: the typed values, and the problem of each field, in the order of noting.

    `typed` are the values to show; where nothing was typed, those of `defaults`.
    """

    def __init__(
        self, language: Language, typed: Fields | None = None, defaults: Mapping[str, str] | None = None
    ) -> None:
        self._language = language
        self._typed = Fields() if typed is None else typed
        self._defaults = dict(defaults or {})
        self._put: dict[str, str] = {}
        self.problems: dict[str, str] = {}
        self.offers: dict[str, list[tuple[str, str]]] = {}

    def value(self, name: str) -> str:
        """Return the text of a field."""
        return self._put.get(name, self._typed.get(name, self._defaults.get(name, "")))

    def default(self, name: str, text: str) -> None:
        """Show a text where nothing was typed."""
        self._defaults.setdefault(name, text)

    def clear(self, *names: str) -> None:
        """Show fields as empty: what was typed has been stored."""
        self._put.update(dict.fromkeys(names, ""))

    def put(self, name: str, text: str) -> None:
        """Show a text in a field, whatever was typed there."""
        self._put[name] = text

    def text(self, name: str) -> str:
        """Return the text of a field without white space around it."""
        return self.value(name).strip()

    def all(self, name: str) -> list[str]:
        """Return every value of a field that can have several."""
        return self._typed.all(name)

    def problem(self, name: str) -> str | None:
        """Return what is wrong with a field."""
        return self.problems.get(name)

    @property
    def first(self) -> str | None:
        """The first field with a problem: it gets the focus."""
        return next(iter(self.problems), None)

    @property
    def status(self) -> int:
        """The status of the page that shows the form."""
        return INVALID if self.problems else 200

    def note(self, name: str, key: str, /, **values: object) -> None:
        """Note the problem of a field: a text of the catalogue. Only the first of each field is kept."""
        self.problems.setdefault(name, self._language.text(key, **values))

    def offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        """Ask back: offer values of a field, each with its words, that the form did not have before."""
        self.offers[name] = choices

    def read(self, name: str, reader: ValueReader[Value], key: str) -> Value | None:
        """Return the value of a field that must be filled in; None, after noting the problem `key`, if it is wrong."""
        value = reader.read(Problems(), name, self.text(name))
        if value is None:
            self.note(name, key)
        return value

    def read_optional(self, name: str, reader: ValueReader[Value], key: str) -> Value | None:
        """Return the value of a field; None if it is empty or, after noting the problem, wrong."""
        return self.read(name, reader, key) if self.text(name) else None

    def whole(self, name: str, least: int, most: int, key: str) -> int | None:
        """Return a whole number; None, after noting the problem, if it is none or out of bounds."""
        text = self.text(name)
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else -1
        if not least <= number <= most:
            self.note(name, key, least=least, most=most)
            return None
        return number

    def note_refused(self, found: Iterable[FieldProblem], keys: Mapping[str, tuple[str, str]]) -> None:
        """Note the problems of a refused write: `keys` are the field and the text for each field of the call.

        What has no text of its own is named, or is noted for the form as a whole: what the API says is in English.
        """
        for each in found:
            head = _HEAD.split(each.field)[0]
            if head in keys:
                name, key = keys[head]
                self.note(name, key)
            elif self._language.has(f"field.{head}"):
                self.note("form", "form.refused_field", field=self._language.text(f"field.{head}"))
            else:
                self.note("form", "form.refused")
