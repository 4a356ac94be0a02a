"""The ways to prove who is calling: one file each."""
