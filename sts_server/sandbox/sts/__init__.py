"""STS: roles are assumed here, by callers who prove themselves first."""
