"""The vending server: proves who is calling, decides what they may have, vends a short lease."""

__version__ = "0.1.0"
