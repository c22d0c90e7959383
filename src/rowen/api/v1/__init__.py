"""The operations of Harvest v1, a module for each resource."""

from rowen.api.v1 import interviews, records

__all__ = ["OPERATIONS", "interviews", "records"]

OPERATIONS = (*interviews.OPERATIONS, *records.OPERATIONS)
