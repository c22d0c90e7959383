"""Metrics for Prometheus.

Owns what is measured of requests. Must not know keys, organizations or addresses: no label may identify anyone; only
mirrors are named after their organization (`mirror_metrics.py`). With several
workers, prometheus-client adds up their numbers in a folder that `rowen serve` names.
"""

import os
from collections.abc import Mapping
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector  # type: ignore[attr-defined,unused-ignore]  # untyped in some versions
from prometheus_client.registry import Collector

from rowen.http.responses import RequestContext

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST.encode()
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

_requests: Final = Histogram(
    "rowen_request_seconds",
    "How long requests took, by route, method and status.",
    ("route", "method", "status"),
    buckets=_BUCKETS,
)
_connections: Final = Gauge("rowen_connections", "How many connections are open.", multiprocess_mode="livesum")
_closed_connections: Final = Counter(
    "rowen_connections_closed", "How many connections were closed for exceeding a limit.", ("reason",)
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})

_children: dict[tuple[str, str, int], Histogram] = {}


def observe(context: RequestContext, method: str, seconds: float) -> None:
    """Count a request."""
    key = (context.route, method, context.status)
    child = _children.get(key)
    if child is None:
        # Clients choose the method: an unbounded label would let them fill the memory.
        labels = (context.route or "other", method if method in _METHODS else "other", str(context.status))
        child = _requests.labels(*labels)
        if method in _METHODS:
            _children[key] = child
    child.observe(seconds)


def observe_connections(opened: int, closed: Mapping[str, int]) -> None:
    """Record the number of open connections, and count closed ones by reason."""
    _connections.set(opened)
    for reason, number in closed.items():
        _closed_connections.labels(reason).inc(number)


def exposition(*others: Collector) -> bytes:
    """Return all metrics in Prometheus's text format, with those that others collect in this process."""
    registry: CollectorRegistry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call,unused-ignore]  # the same
    beside = CollectorRegistry()
    for each in others:
        beside.register(each)
    return bytes(generate_latest(registry)) + bytes(generate_latest(beside))
