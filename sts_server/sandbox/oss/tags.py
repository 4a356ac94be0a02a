"""Tags of objects and of buckets, and their limits. Pure.

Sources: OSS, "PutObjectTagging", "PutBucketTags".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sts_server.sandbox.oss.documents import only, parse, text_of
from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.xml import Element, elements


@dataclass(frozen=True)
class Limits:
    """What tags may be.

    Attributes:
        count: How many there may be.
        key: Bytes of a key, which is never empty.
        value: Bytes of a value.
        legal: What keys and values match, `(?!` of what they must not begin with included.
    """

    count: int
    key: int
    value: int
    legal: re.Pattern[str]


OF_OBJECT = Limits(10, 128, 256, re.compile(r"[a-zA-Z0-9 +\-=._:/]*"))
OF_BUCKET = Limits(20, 64, 128, re.compile(r"(?!http://|https://|(?i:aliyun))[^\x00-\x1f\x7f]*"))


def check_tags(pairs: Iterable[tuple[str, str]], limits: Limits = OF_OBJECT) -> dict[str, str]:
    """Make a set of tags.

    Args:
        pairs: Keys and values, in order.
        limits: What they may be.

    Raises:
        OssError: There are too many, one occurs twice, is too long, or holds what tags may not.
    """
    listed = list(pairs)
    tags = dict(listed)
    if len(tags) != len(listed):
        raise invalid_tag("A tag occurs more than once.")
    if len(tags) > limits.count:
        raise invalid_tag(f"There are at most {limits.count} tags.")
    for key, value in tags.items():
        if not 0 < _size(key) <= limits.key or _size(value) > limits.value:
            raise invalid_tag("The key or the value of a tag is too long, or the key is empty.")
        if not limits.legal.fullmatch(key) or not limits.legal.fullmatch(value):
            raise invalid_tag("A tag holds what tags may not.")
    return tags


def read_tags(body: bytes, limits: Limits = OF_OBJECT) -> dict[str, str]:
    """Read a document of tags.

    Raises:
        OssError: It is malformed, or the tags are not what they may be.
    """
    tree = parse(body, "Tagging")
    only(tree, "TagSet")
    pairs = []
    for tag_set in tree:
        only(tag_set, many=("Tag",))
        for tag in tag_set:
            only(tag, "Key", "Value")
            pairs.append((text_of(tag, "Key"), text_of(tag, "Value")))
    return check_tags(pairs, limits)


def tags_element(tags: Mapping[str, str]) -> Element:
    """Write a document of tags."""
    listed = [Element("Tag", elements({"Key": k, "Value": v})) for k, v in tags.items()]
    return Element("Tagging", [Element("TagSet", listed)])


def invalid_tag(message: str) -> OssError:
    """Refuse a set of tags."""
    return OssError(400, "InvalidTag", message)


def _size(text: str) -> int:
    return len(text.encode(errors="surrogateescape"))
