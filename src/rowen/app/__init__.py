"""The use cases of a schedule, one function each, and the ports that they need."""
