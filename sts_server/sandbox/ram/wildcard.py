"""RAM wildcards: `*` is any run of characters, `?` is any one, and nothing can be escaped."""

import re


def _piece(text: str) -> str:
    return "".join("." if char == "?" else re.escape(char) for char in text)


def wildcard(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """Compile a RAM pattern; use `fullmatch` on the result.

    Every run between two stars sits in an atomic group and takes its first hit for good. That is
    all a wildcard match needs, and it leaves the engine nothing to go back to: a hostile policy of
    many stars costs pattern length times text length, never an exponent.

    Args:
        pattern: The pattern as the policy writes it.
        ignore_case: Whether letters match in either case.
    """
    first, *rest = pattern.split("*")
    source = _piece(first)
    if rest:
        middle = "".join(f"(?>.*?{_piece(part)})" for part in rest[:-1] if part)
        source += f"{middle}.*{_piece(rest[-1])}"
    return re.compile(source, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
