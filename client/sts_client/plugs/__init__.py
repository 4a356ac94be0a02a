"""Leases inside other SDKs: one module for each, imported only by those who have that SDK."""
