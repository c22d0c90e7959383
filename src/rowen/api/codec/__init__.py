"""Documents as they are stored and served, and the values in them."""
