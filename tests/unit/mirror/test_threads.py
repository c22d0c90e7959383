"""Items that a thread makes ahead of their use: their order, their failure, how far ahead it is, and its end."""

import threading
from collections.abc import Generator
from contextlib import closing

import pytest

from rowen.mirror.threads import Ahead


class BrokenError(Exception):
    """An item cannot be made."""


Items = Generator[int, None, None]


def test_items_arrive_in_their_order_and_then_the_failure() -> None:
    def items() -> Items:
        yield from range(10)
        raise BrokenError

    with closing(Ahead(items(), 3)) as found:
        assert [next(found) for _ in range(10)] == list(range(10))
        for _ in range(2):
            with pytest.raises(BrokenError):
                next(found)


@pytest.mark.parametrize("count", [0, 2])
def test_items_without_a_failure_end(count: int) -> None:
    found = Ahead((each for each in range(count)), 1)
    assert list(found) == list(range(count))
    assert next(found, None) is None, "the end stays"


def test_some_items_are_made_while_one_is_in_use_and_no_more() -> None:
    made: list[int] = []
    ahead = threading.Semaphore(0)

    def items() -> Items:
        for each in range(10):
            made.append(each)
            ahead.release()
            yield each

    with closing(Ahead(items(), 2)) as found:
        assert next(found) == 0
        for _ in range(3):
            ahead.acquire()
        assert made == [0, 1, 2], "one is in use, and two are ready"
        assert next(found) == 1
        ahead.acquire()
        assert made == [0, 1, 2, 3]


def test_nothing_is_made_after_the_last_use_and_the_items_are_closed_where_they_are_made() -> None:
    made: list[int] = []
    closed_by: list[threading.Thread] = []
    begun, finish = threading.Event(), threading.Event()

    def items() -> Items:
        try:
            yield 0
            begun.set()
            finish.wait()
            for each in range(1, 10):
                made.append(each)
                yield each
        finally:
            closed_by.append(threading.current_thread())

    before = set(threading.enumerate())
    found = Ahead(items(), 1)
    assert next(found) == 0
    begun.wait()
    (thread,) = set(threading.enumerate()) - before
    found.close()
    assert next(found, None) is None, "nobody waits for an item that is never made"
    finish.set()
    thread.join()
    assert made == [1], "the one that had begun"
    assert closed_by == [thread]
