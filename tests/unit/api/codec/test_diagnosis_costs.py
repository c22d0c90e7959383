"""The cost of a bad record: nothing of it stays in memory, and its problems are bounded."""

import gc
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest

from rowen.api.codec import records
from rowen.api.codec.documents import InvalidDocumentError, decode
from rowen.app.records import RESOURCES
from tests.support.records import canonical, record

pytestmark = pytest.mark.slow

BAD: Final[dict[str, Callable[[], Any]]] = {
    "an interview": lambda: decode(b'{"id":1,"status":"lost","start":5}'),
    "many problems": lambda: decode(canonical({**record(1), "interviewers": [{"id": "x"}] * 500})),
    "no JSON": lambda: decode(b'{"id":1'),
    **{f"one of the {name}": partial(records.draft, name, b'{"id":"x"}') for name in RESOURCES},
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_record_leaves_nothing_for_the_collector_of_cycles(bad: str) -> None:
    """Imports turn the collector off: it would cost more than decoding."""

    def reject() -> None:
        with pytest.raises(InvalidDocumentError):
            BAD[bad]()

    reject()
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            try:
                BAD[bad]()
            except InvalidDocumentError:
                continue
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_problems_are_bounded() -> None:
    with pytest.raises(InvalidDocumentError) as raised:
        decode(canonical({**record(1), "interviewers": [{"id": "x"}] * 100_000}))
    assert len(raised.value.problems) == 100
    assert raised.value.problems[0].field.startswith("interviewers[0].")
