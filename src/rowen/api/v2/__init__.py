"""The operations of Harvest v2, a module for each resource."""

from rowen.api.v2 import interviews, users

__all__ = ["OPERATIONS", "interviews", "users"]

OPERATIONS = (*interviews.OPERATIONS, *users.OPERATIONS)
