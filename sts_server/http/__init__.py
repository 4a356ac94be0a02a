"""The HTTP face: routes, answers, problems."""
