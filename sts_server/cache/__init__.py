"""Where live leases are kept, one per key."""
