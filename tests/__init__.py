"""The tests: the contract from the outside, the rules from the inside, and what happens when things break."""
