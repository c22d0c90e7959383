"""Query strings and request bodies."""
