"""Objections: why a person cannot be in one interview at one time.

Owns the rules of slots for a time that is given, in words. Must not know panels, or who asks.
"""

from collections.abc import Collection, Iterator
from typing import Final

from rowen.planning.bits import Span, ones
from rowen.planning.people import Person, days_off_minutes, full_minutes, working_minutes

NOT_OFFERED: Final = "Is not offered at this time"
"""The objection to a person of whom nothing is known at a time."""


def objections(person: Person, span: Span, now: int, *, is_forced: bool = False) -> Iterator[str]:
    """Yield the reasons; if the interview is forced, only those that are interviews and busy times."""
    if overlaps(person.interviews, span):
        yield "Has another interview at this time"
    elif not is_forced and overlaps(person.interviews, _widened(span, person.apart, person.apart)):
        yield f"Needs {person.apart} minutes between two interviews"
    if overlaps(person.busy, span):
        yield "Is busy at this time"
    elif not is_forced and overlaps(person.busy, _widened(span, person.before, person.after)):
        yield f"Needs {person.before} minutes before and {person.after} after an interview"
    if not is_forced:
        yield from _of_availability(person, span, now)


def _of_availability(person: Person, span: Span, now: int) -> Iterator[str]:
    if overlaps(person.unknown, span):
        yield NOT_OFFERED
    if overlaps(person.away, span) or days_off_minutes(person, span):
        yield "Has time off at this time"
    if working_minutes(person.zone, person.hours, span) != ones(span.end - span.start):
        yield "Does not work at this time"
    if full_minutes(person, span) & 1:
        yield "Has as many interviews as allowed in that day or week"
    if span.start < now + person.notice:
        yield f"Needs {person.notice} minutes of notice" if person.notice else "Cannot be in an interview in the past"


def overlaps(times: Collection[Span], span: Span) -> bool:
    """Return whether any of some times has a minute in common with a span."""
    return any(each.start < span.end and span.start < each.end for each in times)


def _widened(span: Span, before: int, after: int) -> Span:
    return Span(span.start - before, span.end + after)
