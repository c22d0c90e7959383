"""The operations of Harvest v2, a module for each resource."""

from rowen.api.v2 import interviews

__all__ = ["OPERATIONS", "interviews"]

OPERATIONS = interviews.OPERATIONS
