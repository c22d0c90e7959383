"""What Rowen is measured beside, each written or set up as its friends would."""
