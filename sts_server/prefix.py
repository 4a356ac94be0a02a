"""A prefix: which names of a bucket a right reaches, and what is safe in one."""

import re
import unicodedata

_SAFE_VALUE = re.compile(r"[A-Za-z0-9._@+=,:|~-]{1,64}")
_LONGEST_KEY = 1023  # bytes of UTF-8 (Alibaba Cloud, "PutObject")
_UNSAFE_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format, surrogate, line, paragraph


def is_folder(prefix: str) -> bool:
    """Whether a prefix reaches every name below it, rather than one exact object.

    The empty prefix is the whole bucket.
    """
    return prefix == "" or prefix.endswith("/")


def is_safe_value(value: str) -> bool:
    """Whether a value that is not ours may be put into a template.

    It must be plain letters that RAM, OSS and a path all read as nothing more.
    """
    return _SAFE_VALUE.fullmatch(value) is not None and value not in (".", "..")


def prefix_problem(prefix: str) -> str | None:
    """Tell what makes a prefix unsafe, or None.

    RAM patterns know no escape, so what could be read as a pattern is refused and never repaired.
    Neither is a prefix mended that two readers could understand as two paths.
    """
    if prefix.startswith(("/", "\\")):
        return "starts with a slash"
    if any(sign in prefix for sign in ("*", "?", "${")):
        return "holds '*', '?' or '${', which RAM could read as a pattern"
    if any(unicodedata.category(letter) in _UNSAFE_CATEGORIES for letter in prefix):
        return "holds a control or invisible character"
    segments = prefix.removesuffix("/").split("/")
    if prefix and "" in segments:
        return "holds an empty segment ('//')"
    if "." in segments or ".." in segments:
        return "holds a '.' or '..' segment"
    if len(prefix.encode()) > _LONGEST_KEY:
        return f"is longer than {_LONGEST_KEY} bytes"
    return None
