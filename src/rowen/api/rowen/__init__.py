"""The operations under /rowen/v1, which Harvest does not have, a module for each resource."""

from rowen.api.rowen import changes, conflicts, deliveries, scorecards, webhooks

__all__ = ["OPERATIONS", "changes", "conflicts", "deliveries", "scorecards", "webhooks"]

OPERATIONS = (
    *scorecards.OPERATIONS,
    *changes.OPERATIONS,
    *conflicts.OPERATIONS,
    *webhooks.OPERATIONS,
    *deliveries.OPERATIONS,
)
