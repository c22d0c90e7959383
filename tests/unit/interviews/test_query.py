"""What counts as a criterion."""

from rowen.interviews.interview import ApplicationId
from rowen.interviews.moments import Instant
from rowen.interviews.query import CRITERIA, InterviewQuery, PageRequest


def test_an_empty_query_has_no_criterion() -> None:
    assert InterviewQuery().criteria == {}
    assert InterviewQuery(actionable=False).criteria == {}


def test_the_epoch_and_the_empty_text_are_criteria() -> None:
    query = InterviewQuery(created_after=Instant(0), ends_before=Instant(-1), external_event_id="", actionable=True)
    assert query.criteria == {"external_event_id": "", "actionable": True, "created_after": 0, "ends_before": -1}


def test_every_field_is_a_criterion() -> None:
    values = {name: Instant(0) for name in CRITERIA if name.endswith(("after", "before"))}
    query = InterviewQuery(ApplicationId(1), "event", True, as_of=Instant(0), **values)
    assert tuple(query.criteria) == CRITERIA


def test_a_page_begins_after_the_pages_before_it() -> None:
    assert PageRequest().offset == 0
    assert PageRequest(number=3, size=50).offset == 100
    assert PageRequest(number=2**63 - 1, size=500).offset == (2**63 - 2) * 500
