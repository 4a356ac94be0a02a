"""A multipart form on its way in: its fields first, then its file, piece by piece (RFC 7578)."""

import logging
from collections import deque
from collections.abc import AsyncIterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from sts_server.sandbox.errors import DisconnectedError
from sts_server.sandbox.oss.answer import Receive
from sts_server.sandbox.oss.errors import OssError, invalid_argument

# A malformed form is the client's business, and is answered; the sandbox's log is about itself.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

MAX_FIELDS_BYTES = 64 * 1024  # a policy and a token are a few thousand bytes each
FILE = "file"


class Form:
    """One form. Ask for `fields` once, then go through `file` once.

    Args:
        content_type: The Content-Type of the request, which holds the boundary.
        receive: The ASGI receive channel.

    Attributes:
        filename: What the file was called where it came from, without folders.
        file_type: The Content-Type of the file's own part, or nothing.

    Raises:
        OssError: There is no boundary.
    """

    filename = ""
    file_type = ""

    def __init__(self, content_type: str, receive: Receive) -> None:
        _, options = parse_options_header(content_type)
        if not options.get(b"boundary"):
            raise malformed()
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self._header(data[start:end]),
                    "on_header_value": lambda data, start, end: self._value(data[start:end]),
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": lambda data, start, end: self._data(data[start:end]),
                    "on_part_end": self._part_end,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise malformed() from None
        self._receive = receive
        self._fields: dict[str, str] = {}
        self._headers: dict[str, str] = {}
        self._name_so_far = self._value_so_far = self._field_so_far = b""
        self._name = ""
        self._fields_bytes = 0
        self._file: deque[bytes] = deque()
        self._file_begun = self._file_ended = self._ended = self._body_ended = False

    async def fields(self) -> dict[str, str]:
        """Read on until the file begins; names in lower case.

        Raises:
            OssError: The form is malformed, too large, has a field twice, or has no file.
            DisconnectedError: The client went away.
        """
        while not self._file_begun:
            if self._ended:
                message = "A form has exactly one part called file."
                raise OssError(400, "IncorrectNumberOfFilesInPOSTRequest", message)
            await self._read()
        return self._fields

    async def file(self) -> AsyncIterator[bytes]:
        """Give the file in pieces, and then see the form to its end; later fields do not count.

        Raises:
            OssError: The form is malformed.
            DisconnectedError: The client went away.
        """
        while not self._ended or self._file:
            while self._file:
                yield self._file.popleft()
            if not self._ended:
                await self._read()

    async def _read(self) -> None:
        if self._body_ended:
            raise malformed()
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError("the form was cut short")
        self._body_ended = not message.get("more_body", False)
        try:
            self._parser.write(message.get("body", b""))
        except FormParserError:
            raise malformed() from None

    def _begin(self) -> None:
        self._headers = {}
        self._name_so_far = self._value_so_far = self._field_so_far = b""

    def _header(self, data: bytes) -> None:
        self._name_so_far += data

    def _value(self, data: bytes) -> None:
        self._value_so_far += data

    def _header_end(self) -> None:
        name = self._name_so_far.decode("latin-1").lower()
        self._headers[name] = self._value_so_far.decode("latin-1")  # as parse_options_header wants
        self._name_so_far = self._value_so_far = b""

    def _headers_end(self) -> None:
        kind, options = parse_options_header(self._headers.get("content-disposition", ""))
        if kind != b"form-data" or b"name" not in options:
            raise malformed()
        self._name = _text(options[b"name"]).lower()
        if self._name != FILE or self._file_begun:
            return
        self._file_begun = True
        self.filename = _text(options.get(b"filename", b"")).replace("\\", "/").rpartition("/")[2]
        self.file_type = _text(self._headers.get("content-type", "").strip().encode("latin-1"))

    def _data(self, data: bytes) -> None:
        if self._file_begun:
            if not self._file_ended:
                self._file.append(data)
            return
        self._fields_bytes += len(data)
        if self._fields_bytes > MAX_FIELDS_BYTES:
            raise OssError(400, "FieldItemTooLong", "The fields of the form are too long.")
        self._field_so_far += data

    def _part_end(self) -> None:
        if self._file_begun:
            self._file_ended = True
            return
        if self._name in self._fields:
            raise invalid_argument(self._name, "", "A form field occurs more than once.")
        try:
            self._fields[self._name] = self._field_so_far.decode()
        except UnicodeDecodeError:
            raise invalid_argument(self._name, "", "A form field is not UTF-8.") from None

    def _end(self) -> None:
        self._ended = True


def malformed() -> OssError:
    """Refuse what is no multipart form."""
    return OssError(
        400,
        "MalformedPOSTRequest",
        "The body of your POST request is not well-formed multipart/form-data.",
    )


def _text(raw: bytes) -> str:
    """Read UTF-8, or Latin-1 where that is what it is."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
