"""Asks STS for temporary keys, with a key of our own; no other call leaves the house."""
