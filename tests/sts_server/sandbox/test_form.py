"""Forms as they arrive: in any pieces, never whole, and never believed further than they go."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from sts_server.sandbox.errors import DisconnectedError
from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.oss.form import Form

TYPE = 'multipart/form-data; boundary="b"'
FIELD = b'--b\r\nContent-Disposition: form-data; name="Key"\r\n\r\na/${filename}\r\n'
FILE = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="C:\\dir\\\xe4\xb8\xad.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nline\r\n--bound\r\n\r\n"
)
LATER = b'\r\n--b\r\nContent-Disposition: form-data; name="later"\r\n\r\nx'
END = b"\r\n--b--"
CONTENT = b"line\r\n--bound\r\n\r\n"


def read(*pieces: bytes | None) -> tuple[dict[str, str], bytes, Form]:
    """Read a form that arrives in pieces; None is a client that goes away."""
    waiting = list(pieces)

    async def receive() -> MutableMapping[str, Any]:
        piece = waiting.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    async def whole() -> tuple[dict[str, str], bytes, Form]:
        form = Form(TYPE, receive)
        fields = dict(await form.fields())
        return fields, b"".join([piece async for piece in form.file()]), form

    return asyncio.run(whole())


@pytest.mark.parametrize("body", [FIELD + FILE + END, FIELD + FILE + LATER + END + b"\r\nepilogue"])
@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 10_000])
def test_any_pieces(body: bytes, step: int) -> None:
    fields, content, form = read(*(body[at : at + step] for at in range(0, len(body), step)))
    assert fields == {"key": "a/${filename}"}
    assert content == CONTENT
    assert (form.filename, form.file_type) == ("中.txt", "text/plain")


def test_a_file_is_handed_on_as_it_comes() -> None:
    """What the form holds of a file is what one message brought, however long the file."""
    sent = [FIELD + FILE, *([b"x" * 1000] * 50), END]
    waiting = list(sent)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def longest() -> int:
        form = Form(TYPE, receive)
        await form.fields()
        assert len(waiting) == len(sent) - 1
        return max([len(piece) async for piece in form.file()])

    assert asyncio.run(longest()) <= 1000


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ((b"",), "MalformedPOSTRequest"),
        ((FIELD,), "MalformedPOSTRequest"),
        ((FIELD + FILE,), "MalformedPOSTRequest"),
        ((FIELD + FILE + LATER,), "MalformedPOSTRequest"),
        ((FIELD + END,), "IncorrectNumberOfFilesInPOSTRequest"),
        ((FIELD + FIELD + FILE + END,), "InvalidArgument"),
        ((b"--b\r\nContent-Type: a/b\r\n\r\nx" + END,), "MalformedPOSTRequest"),
        ((FIELD.replace(b"Key", b"k" * 99) + b"x" * 70_000,), "FieldItemTooLong"),
        ((b"--b\r\n" + b"X-Long: " + b"x" * 70_000,), "MalformedPOSTRequest"),
    ],
)
def test_what_is_refused(pieces: tuple[bytes, ...], code: str) -> None:
    with pytest.raises(OssError) as caught:
        read(*pieces)
    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize("come", [b"", FIELD, FIELD + FILE])
def test_a_client_that_goes_away(come: bytes) -> None:
    with pytest.raises(DisconnectedError):
        read(come, None)


@pytest.mark.parametrize("kind", ["", "multipart/form-data", "multipart/form-data; boundary="])
def test_a_type_without_a_boundary(kind: str) -> None:
    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(OssError, match="MalformedPOSTRequest"):
        Form(kind, receive)
