"""What planning says has a text in every language."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rowen.app import planning
from rowen.planning import choices
from rowen.planning.bits import Span
from rowen.planning.explanation import relaxations
from rowen.planning.people import Grid, LoadLimits, Person
from rowen.planning.question import Question, Seat, Session
from rowen.web.texts import english
from rowen.web.time_words import CHOICES, MISSING, OF_PERSON

_QUOTED: Final = re.compile(r'f?"([A-Z][^"]{8,})"')


def _texts(module: str, first: str) -> Iterator[str]:
    """Yield the sentences in the source of a module from a function on, with values in place of their names."""
    source = Path(module).read_text(encoding="utf-8").partition(f"def {first}(")[2]
    for found in _QUOTED.findall(source):
        if " " in found and not found.endswith("."):
            yield found.replace("{part}", "any").replace("{_interviews(load)}", "3 interviews")


def test_every_reason_for_a_choice_has_a_text() -> None:
    _require_texts(list(_texts(choices.__file__, "chosen")), CHOICES)


def test_every_reason_why_somebody_is_not_offered_has_a_text() -> None:
    _require_texts(list(_texts(planning.__file__, "_unknown")), MISSING)


def _require_texts(texts: list[str], table: Sequence[tuple[re.Pattern[str], str]]) -> None:
    for text in texts:
        assert any(pattern.fullmatch(text) for pattern, _ in table), text
    for pattern, key in table:
        assert any(pattern.fullmatch(text) for text in texts), key
        assert key in english.TEXTS


def test_every_constraint_of_a_person_has_a_text() -> None:
    day = (Span(0, 10),)
    person = Person(
        id=1,
        hours=(day,) * 7,
        away=day,
        busy=day,
        unknown=day,
        interviews=day,
        before=5,
        limits=LoadLimits(1, 1),
        notice=3,
    )
    session = Session(30, (Seat((1,)),))
    question = Question(grid=Grid(Span(0, 100), 5), sessions=(session,), people={1: person}, now=0)
    named = {each.without for each in relaxations(question) if each.person is not None}
    assert named == OF_PERSON.keys()
    for key, text in OF_PERSON.values():
        assert text in english.TEXTS
        assert key == "person" or f"find.no_{key}" in english.TEXTS
