"""Webhooks: signing and sending messages to public addresses, and emptying the outbox.

How often a delivery is attempted is a rule in `app/delivery_attempts.py`.
"""
