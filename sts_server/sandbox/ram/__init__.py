"""RAM policies: documents in, decisions out. Pure: no I/O, no clock, no framework."""
