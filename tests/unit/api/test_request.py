"""A request as handlers get it: the ids in its path, and the copy that the client has."""

from collections.abc import Mapping

import pytest

from rowen.api.request import ApiRequest
from rowen.interviews.errors import Code, Refusal
from tests.support.identities import ORGANIZATION


def request(identifiers: Mapping[str, str], headers: Mapping[bytes, bytes] | None = None) -> ApiRequest:
    """Return a read as it comes to a handler."""
    return ApiRequest(ORGANIZATION, 1, "key", "GET", identifiers, "http://rowen.example/v1/x", "", headers or {})


def test_ids_are_read_by_their_names_in_the_path() -> None:
    found = request({"id": "7", "job_id": "0042"})
    assert (found.identifier(), found.identifier("job_id")) == (7, 42)


@pytest.mark.parametrize("text", ["", "0", "-1", "+1", "1.0", "x", " 1", "\u0661", "\xb2", f"{2**53}", "0" * 16 + "1"])
def test_text_that_is_no_id_is_not_found(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        request({"id": text}).identifier()
    assert refused.value.code is Code.NOT_FOUND


def test_a_client_has_the_copy_whose_tag_it_names() -> None:
    assert request({}, {b"if-none-match": b'"a", W/"b"'}).has_copy('"b"')
    assert not request({}, {b"if-none-match": b'"a"'}).has_copy('"b"')
    assert not request({}).has_copy('"b"')
