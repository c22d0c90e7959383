"""Metrics for Prometheus.

Owns what is measured. Must not know keys, organizations or addresses: no label may name anyone. With several
workers, prometheus-client gathers their numbers in a folder that `rowen serve` names.
"""

import os
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector  # type: ignore[attr-defined,unused-ignore]  # untyped in some versions

from rowen.http.answers import Exchange

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST.encode()
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

_requests: Final = Histogram(
    "rowen_request_seconds",
    "How long requests took, by route, method and status.",
    ("route", "method", "status"),
    buckets=_BUCKETS,
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})

_children: dict[tuple[str, str, int], Histogram] = {}


def observe(exchange: Exchange, method: str, seconds: float) -> None:
    """Count an exchange."""
    key = (exchange.route, method, exchange.status)
    child = _children.get(key)
    if child is None:
        # A client chooses the method: an unbounded label would let it fill the memory.
        labels = (exchange.route or "other", method if method in _METHODS else "other", str(exchange.status))
        child = _requests.labels(*labels)
        if method in _METHODS:
            _children[key] = child
    child.observe(seconds)


def exposition() -> bytes:
    """Return all metrics in Prometheus's text format."""
    registry: CollectorRegistry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call,unused-ignore]  # the same
    return bytes(generate_latest(registry))
