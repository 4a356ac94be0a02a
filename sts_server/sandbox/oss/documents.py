"""XML documents that come in: read whole, checked, and parsed; lenient where SDKs are."""

import hashlib
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable

from sts_server.sandbox.errors import DisconnectedError
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import malformed_xml
from sts_server.sandbox.oss.incoming import check_md5, content_md5, too_large

MAX_DOCUMENT_BYTES = 2 * 1024**2

# Control characters are illegal in XML, raw and as references, and yet legal in object names:
# oss2 writes them raw, others as references.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:(\d{1,3})|[xX]([0-9a-fA-F]{1,2}));")
SPACES = "\t\n\r "
FIRST_PRINTABLE = 32


async def read_body(call: Call, limit: int = MAX_DOCUMENT_BYTES) -> bytes:
    """Read a small body and check it against Content-MD5.

    Raises:
        OssError: It is too large, or not what Content-MD5 says.
        DisconnectedError: The client went away before the end.
    """
    md5 = content_md5(call.header)
    body = bytearray()
    more = True
    while more:
        message = await call.receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError("the body was cut short")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise too_large(len(body), limit)
    check_md5(call.header, md5, hashlib.md5(body, usedforsecurity=False).digest())
    return bytes(body)


def parse(body: bytes, root: str) -> ET.Element:
    """Parse a document.

    Args:
        body: The document as it arrived, UTF-8.
        root: The tag it must have.

    Raises:
        OssError: It is not well-formed, or another document.
    """
    try:
        text = body.decode()
        hide, show = _hiding(text)
        tree = ET.fromstring(CONTROL.sub(hide, text))
    except (UnicodeDecodeError, ET.ParseError, ValueError):
        raise malformed_xml("it cannot be parsed") from None
    for element in tree.iter():
        # Some clients declare a namespace that OSS does not look at.
        element.tag = str(element.tag).rpartition("}")[2]
        element.text = show(element.text or "")
    if tree.tag != root:
        raise malformed_xml(f"it is {tree.tag} and not {root}")
    return tree


def text_of(element: ET.Element, tag: str) -> str:
    """Give the text of a child, or nothing when it is missing."""
    return element.findtext(tag) or ""


def only(element: ET.Element, *tags: str, many: tuple[str, ...] = ()) -> None:
    """Refuse children that nobody will look at.

    Args:
        element: Their parent.
        tags: Those that it may have once.
        many: Those that it may have any number of times.

    Raises:
        OssError: There is another one.
    """
    counts = Counter(child.tag for child in element)
    for tag, count in counts.items():
        if tag not in many and (tag not in tags or count > 1):
            raise malformed_xml(f"{element.tag} has no {tag}, or not twice")


def _hiding(text: str) -> tuple[Callable[[re.Match[str]], str], Callable[[str], str]]:
    """Make a pair of functions: write control characters as ordinary text, and read them back."""
    sign = "~"
    while sign in text:
        sign += "~"
    hidden = re.compile(f"{sign}([0-9a-f]{{2}})")

    def hide(found: re.Match[str]) -> str:
        decimal, hexadecimal = found.groups()
        number = ord(found[0]) if len(found[0]) == 1 else 0
        if decimal or hexadecimal:
            number = int(decimal) if decimal else int(hexadecimal, 16)
        if number >= FIRST_PRINTABLE or chr(number) in SPACES:
            return found[0]
        return f"{sign}{number:02x}"

    return hide, lambda shown: hidden.sub(lambda found: chr(int(found[1], 16)), shown)
