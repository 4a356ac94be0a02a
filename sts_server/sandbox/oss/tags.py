"""Object tags and their limits (OSS: "PutObjectTagging"). Pure."""

import re
from collections.abc import Iterable

from sts_server.sandbox.oss.errors import OssError

MAX_TAGS = 10
MAX_KEY = 128
MAX_VALUE = 256
LEGAL = re.compile(r"[a-zA-Z0-9 +\-=._:/]*")


def check_tags(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Make a set of tags.

    Args:
        pairs: Keys and values, in order.

    Raises:
        OssError: There are too many, one occurs twice, is too long, or holds a character that
            tags may not.
    """
    listed = list(pairs)
    tags = dict(listed)
    if len(tags) != len(listed):
        raise invalid_tag("A tag occurs more than once.")
    if len(tags) > MAX_TAGS:
        raise invalid_tag(f"An object has at most {MAX_TAGS} tags.")
    for key, value in tags.items():
        if not 0 < len(key) <= MAX_KEY or len(value) > MAX_VALUE:
            raise invalid_tag("The key or the value of a tag is too long, or the key is empty.")
        if not LEGAL.fullmatch(key) or not LEGAL.fullmatch(value):
            raise invalid_tag("A tag holds a character that tags may not.")
    return tags


def invalid_tag(message: str) -> OssError:
    """Refuse a set of tags."""
    return OssError(400, "InvalidTag", message)
