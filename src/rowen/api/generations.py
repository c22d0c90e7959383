"""The generations of the Harvest API that one server speaks.

Owns their names. They differ in credentials, in the windows of rate limits and in the form of errors. Must not know an
operation.
"""

from enum import StrEnum


class Generation(StrEnum):
    """A generation of the API: that of an operation decides who may call it, and the form of its errors."""

    V1 = "v1"
    """Harvest v1 and v2, and Rowen's own calls: API keys, windows of 10 seconds (contract section 3)."""

    V3 = "v3"
    """Harvest v3: bearer tokens, windows of 30 seconds (contract section 11)."""
