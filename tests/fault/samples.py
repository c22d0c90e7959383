"""What the sound database holds."""

from typing import Final

from tests.support.records import canonical, record

RECORDS: Final = [record(identifier) for identifier in range(1, 2_001)]
LAST_PAGE: Final = b"[" + b",".join(map(canonical, RECORDS[1500:])) + b"]"
"""The fourth page of 500, as served: one that no request before it has read."""
