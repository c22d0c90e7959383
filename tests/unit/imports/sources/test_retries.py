"""How long to wait for a server."""

import pytest

from rowen.imports.errors import ServerUnavailableError
from rowen.imports.sources.retries import Retries, RetryPolicy, retry_after

NOON = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT, the example of RFC 9110


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("9" * 400, 1e9),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("\u0661", None),
        ("Wed, 99 Oct 2015 07:28:30 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOON) == seconds


def test_waits_double_up_to_a_bound_and_are_spread() -> None:
    shortest, longest = RetryPolicy(chance=lambda: 0.0), RetryPolicy(chance=lambda: 1.0)
    assert [longest.delay(n, None) for n in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert [shortest.delay(n, None) for n in range(3)] == [0.25, 0.5, 1]


def test_retry_after_is_waited_in_full() -> None:
    assert RetryPolicy(chance=lambda: 0.0).delay(0, 100.0) == 100.0
    assert RetryPolicy(chance=lambda: 1.0).delay(5, 0.0) == 0.5


@pytest.mark.parametrize(("connected", "attempts"), [(True, 4), (False, 2)])
def test_an_unreachable_server_is_tried_less_often(connected: bool, attempts: int) -> None:
    waits: list[float] = []
    retries = Retries(RetryPolicy(attempts=4, connection_attempts=2, sleep=waits.append))
    with pytest.raises(ServerUnavailableError, match=rf"^lost; gave up after {attempts} attempts$"):
        for _ in range(attempts):
            retries.wait("lost", connected=connected)
    assert len(waits) == attempts - 1


def test_what_was_received_starts_the_count_and_the_waits_again() -> None:
    waits: list[float] = []
    retries = Retries(RetryPolicy(attempts=3, sleep=waits.append, chance=lambda: 1.0))
    for _ in range(3):
        retries.wait("lost")
        retries.wait("lost")
        retries.reset()
    assert waits == [0.5, 1.0] * 3
