"""Headers of requests and responses: links, conditions, idempotency keys."""
