"""The vending server: proves who is calling, decides what they may have, vends a short lease."""
