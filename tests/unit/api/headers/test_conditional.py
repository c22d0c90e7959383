"""ETags: what they are made of, and when a copy is current."""

import pytest

from rowen.api.headers.conditional import document_etag, list_etag, matches
from rowen.app.organizations import DoubleBooking, Organization
from rowen.interviews.interview import OrganizationId
from rowen.interviews.moments import Instant

TAG = 'W/"abc"'
ORGANIZATION = Organization(OrganizationId(1), "one", "UTC", Instant(5), 7, Instant(9), 3, DoubleBooking.ALLOW, 0)


@pytest.mark.parametrize(
    ("header", "good"),
    [
        ('W/"abc"', True),
        ('"abc"', True),
        ("*", True),
        (" * ", True),
        ('"x", W/"abc"', True),
        ('"x","abc" , "y"', True),
        ("", False),
        ("abc", False),
        ('"ABC"', False),
        ('w/"abc"', False),
        ('"abc', False),
        ('"x"', False),
        ("W/", False),
    ],
)
def test_a_header_names_a_tag(header: str, good: bool) -> None:
    assert matches(header, TAG) is good
    assert matches(header, TAG.removeprefix("W/")) is good


def test_a_list_has_another_tag_for_whatever_may_change_it() -> None:
    others = [
        ORGANIZATION._replace(revision=8),
        ORGANIZATION._replace(created_at=Instant(6)),
        ORGANIZATION._replace(last_updated_at=Instant(10)),
        ORGANIZATION._replace(id=OrganizationId(2)),
    ]
    tags = {list_etag(each, "http://a/list?page=1") for each in (ORGANIZATION, *others)}
    assert len(tags) == 5
    assert list_etag(ORGANIZATION, "http://a/list?page=2") not in tags
    assert list_etag(ORGANIZATION, "http://b/list?page=1") not in tags, "its links are others"
    assert list_etag(ORGANIZATION, "http://a/list?page=1") in tags
    assert list_etag(ORGANIZATION, "http://a/list?ours=\u00e9\x00").isascii()
    assert all(tag.startswith('W/"') for tag in tags)


def test_a_document_has_a_strong_tag_of_its_bytes() -> None:
    assert document_etag(b"{}").startswith('"')
    assert document_etag(b"{}") == document_etag(b"{}") != document_etag(b"{ }")
