"""What all listings share: page sizes, the encoding of names, owners and moments. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sts_server.sandbox.oss.errors import invalid_argument
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.xml import Element, elements

MAX_ENTRIES = 1000
SMALL_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Names:
    """How names are written in one answer.

    Attributes:
        encoding: `url`, or empty for names as they are.
    """

    encoding: str

    def element(self, tag: str, text: str) -> Element:
        """Write a name."""
        return Element(tag, quote(text, safe="") if self.encoding else text)

    def declared(self) -> list[Element]:
        """Say how names are encoded, if they are."""
        return [Element("EncodingType", self.encoding)] if self.encoding else []


def names_of(request: OssRequest) -> Names:
    """Read `encoding-type`.

    Raises:
        OssError: It is not `url`.
    """
    encoding = request.query.get("encoding-type", "")
    if encoding not in ("", "url"):
        raise invalid_argument("encoding-type", encoding, "The only encoding type is url.")
    return Names(encoding)


def number_of(text: str, least: int, most: int) -> int | None:
    """Read a small number, or None for what is none, too small or too large."""
    if not SMALL_NUMBER.fullmatch(text):
        return None
    number = int(text)
    return number if least <= number <= most else None


def limit_of(request: OssRequest, parameter: str, default: int = MAX_ENTRIES) -> int:
    """Read the size of a page.

    Args:
        request: The request.
        parameter: `max-keys`, `max-uploads` or `max-parts`.
        default: What counts without it.

    Raises:
        OssError: It is not 1 to 1000.
    """
    text = request.query.get(parameter)
    if text is None:
        return default
    limit = number_of(text, 1, MAX_ENTRIES)
    if limit is None:
        raise invalid_argument(
            parameter, text, f"{parameter} is 1 to {MAX_ENTRIES}.", "0017-00000225"
        )
    return limit


def owner_element(owner: str) -> Element:
    """Write the owner of a bucket or an object."""
    return Element("Owner", elements({"ID": owner, "DisplayName": owner}))


def xml_time(moment: datetime) -> str:
    """Write a moment as OSS does in documents."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def xml_bool(value: bool) -> str:  # noqa: FBT001 - the one thing it is about
    """Write a truth."""
    return "true" if value else "false"
