"""Query strings and the links made from them, for all queries.

A query is either parsed or refused; a link leads to the page that it names.
"""

import re
from dataclasses import replace
from urllib.parse import quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rowen.api.headers.links import link_header
from rowen.api.reading.query import ListParameters, read_parameters
from rowen.interviews.errors import Code, Refusal
from rowen.interviews.query import LARGEST_PAGE_SIZE
from tests.support.strategies import PROFILE, instants, texts

ADDRESS = "https://schedule.example/v1/scheduled_interviews"
TIMES = tuple(f"{what}_{side}" for what in ("created", "updated", "starts", "ends") for side in ("after", "before"))
PAGING = ("page", "per_page", "after", "as_of")
KNOWN = (*TIMES, *PAGING, "skip_count", "actionable", "external_event_id")
LINK = re.compile(r'<([^<>]*)>; rel="(next|prev|last)"')

bytes_as_text = st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))
"""Anything that a request line may contain: one character per byte."""

numbers = st.one_of(
    st.integers(-2, 600).map(str), st.sampled_from(["", "9" * 400, "1.0", "%D9%A3", "\xd9\xa3", "+1", "0x1", "1_0"])
)
values = st.one_of(bytes_as_text, numbers, instants.map(str), texts.map(quote_plus), st.sampled_from(["true", "False"]))
parts = st.one_of(
    st.tuples(st.sampled_from(KNOWN), values).map("=".join),
    st.tuples(bytes_as_text, values).map("=".join),
    bytes_as_text,
)


@st.composite
def query_strings(draw: st.DrawFn) -> str:
    """Draw a valid query string in any spelling, with repeated and unknown parameters."""
    good = st.one_of(
        st.tuples(st.sampled_from(TIMES), instants.map(str)),
        st.tuples(st.sampled_from(TIMES), st.sampled_from(["2024-01-15", "2024-01-15T10:00:00,5%2B02:00", "2024W031"])),
        st.tuples(st.just("per_page"), st.integers(1, LARGEST_PAGE_SIZE).map(str)),
        st.tuples(st.just("page"), st.integers(1, 10**6).map(str)),
        st.tuples(st.sampled_from(["after", "as_of"]), st.integers(0, 2**53).map(str)),
        st.tuples(st.sampled_from(["skip_count", "actionable"]), st.sampled_from(["true", "1", "false", "0", ""])),
        st.tuples(st.just("external_event_id"), texts.map(quote_plus) | bytes_as_text.filter(_one_value)),
        st.tuples(bytes_as_text.filter(_unknown_name), bytes_as_text.filter(_one_value)),
    ).map("=".join)
    return "&".join(draw(st.lists(good, max_size=6)))


def _one_value(text: str) -> bool:
    return "&" not in text


def _unknown_name(text: str) -> bool:
    return not set("&=%") & set(text) and text not in KNOWN


def parsed(header: str) -> dict[str, str]:
    """Return the targets of a header by their relation, split at the commas as clients do."""
    links = [LINK.fullmatch(part) for part in header.split(",")]
    assert all(links), header
    found = {link[2]: link[1] for link in links if link}
    order = [rel for rel in ("next", "prev", "last") if rel in found]
    assert [link[2] for link in links if link] == order
    return found


def read_link(url: str) -> ListParameters:
    """Return the parameters of a link."""
    assert url.isascii()
    assert re.fullmatch(r"[!$-+\--;=?-Z_a-z~]+", url), url  # no comma, quote, bracket or fragment
    address, _, query = url.partition("?")
    assert address == ADDRESS
    return read_parameters(query)


@PROFILE
@given(st.lists(parts, max_size=6).map("&".join))
def test_any_query_string_is_read_or_refused(query_string: str) -> None:
    try:
        parameters = read_parameters(query_string)
    except Refusal as refusal:
        assert refusal.code is Code.INVALID
        fields = [problem.field for problem in refusal.problems]
        assert fields
        assert len(set(fields)) == len(fields)
        assert set(fields) <= set(KNOWN)
        assert all(problem.message for problem in refusal.problems)
    else:
        assert parameters.page.number >= 1
        assert 1 <= parameters.page.size <= LARGEST_PAGE_SIZE


@PROFILE
@given(st.lists(st.tuples(st.sampled_from(KNOWN), st.just("%00nonsense")), unique_by=lambda pair: pair[0]))
def test_every_bad_field_is_named_at_once(pairs: list[tuple[str, str]]) -> None:
    bad = {name for name, _ in pairs} - {"external_event_id"}
    assume(bad)
    with pytest.raises(Refusal) as refused:
        read_parameters("&".join(map("=".join, pairs)))
    assert {problem.field for problem in refused.value.problems} == bad


@PROFILE
@given(query_strings(), query_strings())
def test_of_a_repeated_parameter_the_last_counts(first: str, second: str) -> None:
    both = read_parameters(f"{first}&{second}")
    again = read_parameters(f"{first}&{second}&{second}")
    assert (again.query, again.page, set(again.echo)) == (both.query, both.page, set(both.echo))


@PROFILE
@given(query_strings(), st.integers(0, 10**6), st.integers(1, 2**53))
def test_links_lead_to_the_pages_that_they_name(query_string: str, more: int, last_id: int) -> None:
    """A page of `last_id`, after which `more` records follow."""
    asked = read_parameters(query_string)
    total = asked.page.offset + asked.page.size + more if asked.page.counted else None
    following = last_id if more else None
    as_of = asked.query.as_of
    header = link_header(ADDRESS, asked.echo, asked.page, total=total, following=following, as_of=as_of)
    pages = 1 if total is None else -(-total // asked.page.size)
    if header is None:
        assert following is None
        assert pages <= 1
        assert asked.page.number == 1 or asked.page.counted
        return
    links = {relation: read_link(url) for relation, url in parsed(header).items()}
    assert ("next" in links) == (following is not None)
    assert ("prev" in links) == (asked.page.number > 1)
    assert ("last" in links) == asked.page.counted
    for relation, found in links.items():
        assert found.query == (asked.query if relation == "next" else replace(asked.query, as_of=None))
        assert (found.page.size, found.page.counted) == (asked.page.size, asked.page.counted)
        assert len(found.echo) == len(asked.echo)
    if "next" in links:
        assert (links["next"].page.number, links["next"].page.after) == (asked.page.number + 1, last_id)
    if "prev" in links:
        assert (links["prev"].page.number, links["prev"].page.after) == (asked.page.number - 1, None)
    if "last" in links:
        assert (links["last"].page.number, links["last"].page.after) == (pages, None)


@PROFILE
@given(query_strings())
def test_a_client_that_appends_its_parameters_again_stays_on_its_walk(query_string: str) -> None:
    """Its own `page`, `after` and `as_of` would restart the walk, so it sends none."""
    own = "&".join(part for part in query_string.split("&") if not part.startswith(("page=", "after=", "as_of=")))
    asked = read_parameters(own)
    url = parsed(link_header(ADDRESS, asked.echo, asked.page, total=None, following=7) or "")["next"]
    _, _, query = url.partition("?")
    again = read_parameters(f"{query}&{own}")
    assert again.query == asked.query
    assert (again.page.number, again.page.after) == (asked.page.number + 1, 7)
    further = parsed(link_header(ADDRESS, again.echo, again.page, total=None, following=9) or "")["next"]
    third = read_parameters(f"{further.partition('?')[2]}&{own}")
    assert len(third.echo) == len(again.echo), "links must not grow with every page"


def test_a_time_of_many_spaces_is_refused_without_reading_it_again_and_again() -> None:
    with pytest.raises(Refusal):
        read_parameters("created_after=" + "+" * 400_000)
