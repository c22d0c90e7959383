"""Time zones to choose from: those that are likely first, then all by their areas.

Owns their order and their words. Must not know a form or a page.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import available_timezones

from rowen.web.languages import Language

_UTC: Final = "UTC"
_AREAS: Final = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


class ZoneGroup(NamedTuple):
    """Time zones of an area, each as a value and in words; the likely ones have no name of an area."""

    name: str
    zones: Sequence[tuple[str, str]]


def zone_groups(language: Language, *likely: str) -> list[ZoneGroup]:
    """Return the time zones to choose from: the likely ones and UTC, then those of each area; not the empty keys."""
    first = [(each, _words(each)) for each in dict.fromkeys([*likely, _UTC]) if each]
    areas = [ZoneGroup(language.text(f"zone.{area}"), _zones_in(area)) for area in _AREAS]
    return [ZoneGroup("", first), *sorted(areas)]


@cache
def _zones_in(area: str) -> Sequence[tuple[str, str]]:
    prefix = f"{area}/"
    return [
        (each, _words(each.removeprefix(prefix))) for each in sorted(available_timezones()) if each.startswith(prefix)
    ]


def _words(key: str) -> str:
    return key.replace("_", " ")
