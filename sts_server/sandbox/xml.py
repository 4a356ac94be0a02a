"""XML documents as OSS and STS write them: no namespace, no attributes, nothing but elements."""

import re
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

# Illegal in XML 1.0 even as references, and yet legal in object names; a carriage return would be
# read back as a line feed. References at least let a lenient reader see which character it was.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Element:
    """One element: a name around text, or around further elements.

    Args:
        name: The tag.
        content: Text, or children.
    """

    def __init__(self, name: str, content: "str | Iterable[Element]" = "") -> None:
        self.name = name
        self.content = content

    def __str__(self) -> str:
        inner = (
            CONTROL.sub(lambda found: f"&#{ord(found[0])};", escape(self.content))
            if isinstance(self.content, str)
            else "".join(map(str, self.content))
        )
        return f"<{self.name}>{inner}</{self.name}>"


def elements(texts: Mapping[str, str]) -> list[Element]:
    """Turn names and texts into elements, in order."""
    return [Element(name, text) for name, text in texts.items()]


def document(root: Element) -> bytes:
    """Render a whole document as UTF-8."""
    return f"{HEAD}{root}".encode(errors="replace")
