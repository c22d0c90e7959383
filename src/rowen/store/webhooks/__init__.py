"""Webhook subscriptions, the outbox, and deliveries."""
