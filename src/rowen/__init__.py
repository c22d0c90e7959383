"""Rowen: the interview schedule of a hiring team, self-hosted, speaking the Harvest API.

Owns the version, as PEP 440 writes it. Between two releases it is the next release with `.dev0` at the end, so that
installers and clients can distinguish unreleased code from the last release; see "Releasing" in CONTRIBUTING.md.
"""

__version__ = "0.2.0.dev0"
