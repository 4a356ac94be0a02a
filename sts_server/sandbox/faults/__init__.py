"""Faults on demand: rules that say which request goes wrong, and how."""
