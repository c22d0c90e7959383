"""The peers that Rowen is compared with, each written or set up as its own users would do it."""
