"""The wire: what a Harvest request says and what its answer looks like."""
