"""The operations of Harvest v1, a module for each resource."""

from rowen.api.v1 import candidates, interviews, jobs, records, users

__all__ = ["OPERATIONS", "candidates", "interviews", "jobs", "records", "users"]

OPERATIONS = (*interviews.OPERATIONS, *records.OPERATIONS, *jobs.OPERATIONS, *users.OPERATIONS, *candidates.OPERATIONS)
