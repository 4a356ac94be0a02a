"""XML documents of OSS: a few names and texts, written and read."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Never
from xml.etree import ElementTree as ET

from sts_client.errors import BadAnswer


def element(name: str, *inside: str) -> str:
    """Write an element around what is already written."""
    return f"<{name}>{''.join(inside)}</{name}>"


def text(name: str, value: str) -> str:
    """Write an element around a text.

    Control characters, which keys may hold, become references: the official SDKs do the same, and
    OSS reads them.
    """
    return element(name, "".join(_letter(letter) for letter in value))


def document(name: str, inside: Iterable[str]) -> bytes:
    """Write a whole document."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{element(name, *inside)}'.encode()


def tree(body: bytes, root: str) -> ET.Element:
    """Read a document whose root has that name; raises ET.ParseError, LookupError or ValueError."""
    element = ET.fromstring(body, ET.XMLParser(target=_Builder()))
    if element.tag != root:
        raise ValueError(element.tag)
    return element


def parsed(body: bytes, root: str, what: str) -> ET.Element:
    """Read a document.

    Raises:
        BadAnswer: it is none, or another; `what` was asked for.
    """
    with suppress(ET.ParseError, LookupError, ValueError):
        return tree(body, root)
    raise BadAnswer(f"{what}: the answer is not the XML that OSS sends: check the endpoint")


def found(element: ET.Element, path: str, what: str) -> str:
    """Give the text at a path; raises BadAnswer if there is none."""
    value = element.findtext(path)
    if value is None:
        raise BadAnswer(f"{what}: the answer lacks {path}")
    return value


class _Builder(ET.TreeBuilder):
    """Builds a tree, unless the document defines a type of its own.

    OSS's never do. One that does may define entities too, and a few of these, each made of many of
    another, fill the memory.
    """

    def doctype(self, name: str, _public_id: str | None, _system_id: str | None) -> Never:
        raise ValueError(name)


def _letter(letter: str) -> str:
    if letter in "&<>":
        return {"&": "&amp;", "<": "&lt;", ">": "&gt;"}[letter]
    # A line break or tab would be read as something else, or not at all.
    return f"&#{ord(letter)};" if letter < " " else letter
