"""The records of the sound database that tests of faults copy and damage."""

from typing import Final

from tests.support.records import canonical, record

RECORDS: Final = [record(identifier) for identifier in range(1, 2_001)]
LAST_PAGE: Final = b"[" + b",".join(map(canonical, RECORDS[1500:])) + b"]"
"""The fourth page of 500, as served, which no earlier request has read."""
