"""The operations under /rowen/v1, which Harvest does not have, a module for each resource."""

from rowen.api.rowen import calendars, changes, conflicts, deliveries, plans, scorecards, webhooks

__all__ = ["OPERATIONS", "calendars", "changes", "conflicts", "deliveries", "plans", "scorecards", "webhooks"]

OPERATIONS = (
    *scorecards.OPERATIONS,
    *plans.OPERATIONS,
    *changes.OPERATIONS,
    *conflicts.OPERATIONS,
    *webhooks.OPERATIONS,
    *deliveries.OPERATIONS,
    *calendars.OPERATIONS,
)
