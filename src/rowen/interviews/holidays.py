"""Public holidays, from the library `holidays`.

Owns which countries there are, and on which dates they have holidays. Must not know who keeps them.
"""

from datetime import date
from functools import lru_cache


def is_country(code: str) -> bool:
    """Return whether a code, such as `DE` or `DE-BY`, names a country, or a part of one, whose holidays are known."""
    import holidays  # it has a module for each country, and takes a while to import

    country, _, part = code.partition("-")
    parts = holidays.list_supported_countries(include_aliases=False).get(country)
    return parts is not None and (not part or part in parts)


@lru_cache(maxsize=512)
def holidays_of(code: str, year: int) -> frozenset[date]:
    """Return the public holidays of a country, or a part of one, in a year; none of one that the library lacks."""
    import holidays

    country, _, part = code.partition("-")
    try:
        return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))
    except NotImplementedError:
        return frozenset()
