"""Metrics of mirrors for Prometheus.

Owns their names, and what each is of a mirror's state. Must not know how a mirror works. Its process is another one:
the numbers are those that it stored last. The label `organization` names the mirrored organization, and nobody else.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rowen.app.account_writes import WriteState
from rowen.app.mirror import MirrorState
from rowen.interviews.moments import Instant

_Value = Callable[[MirrorState, Instant], float | None]

_GAUGES: Final[Sequence[tuple[str, str, _Value]]] = (
    (
        "lag_seconds",
        "How long ago everything was as in the account.",
        lambda state, now: _since(state.mirror.followed_at, now),
    ),
    (
        "loaded",
        "Whether everything was read once.",
        lambda state, _: state.mirror.loaded_at is not None,
    ),
    (
        "failing",
        "Whether the last round failed.",
        lambda state, _: state.mirror.error_at is not None,
    ),
    (
        "last_success_timestamp_seconds",
        "When the last round began that succeeded.",
        lambda state, _: _seconds(state.mirror.followed_at),
    ),
    (
        "last_failure_timestamp_seconds",
        "When the last round failed, if none has succeeded since.",
        lambda state, _: _seconds(state.mirror.error_at),
    ),
    (
        "last_sweep_timestamp_seconds",
        "When all ids were last compared with the account's.",
        lambda state, _: _seconds(_swept_at(state)),
    ),
)
_COUNTERS: Final = (
    ("requests", "requests", "How many pages were requested of the account."),
    ("throttled_requests", "throttled", "How many requests were too many for the account (429)."),
    ("rows_read", "rows", "How many rows were read."),
    ("rows_unusable", "unusable", "How many rows could not be read."),
    ("records_written", "written", "How many records were written."),
    ("records_failed", "failed", "How many records could not be written."),
)


class MirrorCollector(Collector):
    """Collects the metrics of these mirrors as of a moment."""

    def __init__(self, states: Sequence[MirrorState], now: Instant) -> None:
        self._states = states
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Return the metrics; nothing if there are no mirrors."""
        if not self._states:
            return
        for name, text, value_of in _GAUGES:
            gauge = GaugeMetricFamily(f"rowen_mirror_{name}", text, labels=("organization",))
            for state in self._states:
                value = value_of(state, self._now)
                if value is not None:
                    gauge.add_metric((state.organization,), value)
            yield gauge
        for name, counted, text in _COUNTERS:
            counter = CounterMetricFamily(f"rowen_mirror_{name}", text, labels=("organization",))
            for state in self._states:
                counter.add_metric((state.organization,), state.mirror.counters.get(counted, 0))
            yield counter
        yield _gauge_of(
            "rows",
            "How many rows of the account are held.",
            "resource",
            ((state, each.resource, each.held) for state in self._states for each in state.positions),
        )
        yield _gauge_of(
            "client_writes",
            "How many writes of clients are in this state; those that ended count for two days.",
            "state",
            (
                (state, each, state.writes.get(each, 0))
                for state in self._states
                if state.mirror.write_through
                for each in WriteState
            ),
        )


def _gauge_of(name: str, text: str, label: str, values: Iterable[tuple[MirrorState, str, int]]) -> Metric:
    gauge = GaugeMetricFamily(f"rowen_mirror_{name}", text, labels=("organization", label))
    for state, kind, value in values:
        gauge.add_metric((state.organization, kind), value)
    return gauge


def _swept_at(state: MirrorState) -> int | None:
    """Return when the list was swept whose sweep is longest ago; None if one never was."""
    found = [each.swept_at for each in state.positions]
    return None if not found or None in found else min(each for each in found if each is not None)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _since(milliseconds: int | None, now: Instant) -> float | None:
    return None if milliseconds is None else max(0, now - milliseconds) / 1000
