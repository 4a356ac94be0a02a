"""The house of the command line's tests: one run of it, and a cloud that says what a test wants."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sts_client.cli import Streams, main
from tests.sts_client.stage import BEARER, SECRETS, Answer, Asked, json_answer, lease_body, serving

LISTING = b"""
<ListBucketResult>
  <EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>
  <Contents>
    <Key>a%1B%5B2Jb</Key><LastModified>2025-12-01T08:30:00.000Z</LastModified>
    <ETag>"5B3C"</ETag><Size>3</Size><StorageClass>Standard</StorageClass>
  </Contents>
  <CommonPrefixes><Prefix>folder/</Prefix></CommonPrefixes>
</ListBucketResult>
"""


class Run:
    """What one command did."""

    def __init__(
        self,
        url: str,
        *argv: str,
        stdin: bytes = b"",
        token: str = BEARER,
        secrets: bool = True,
        tty: bool = False,
    ) -> None:
        kind = Terminal if tty else io.BytesIO
        streams = Streams(io.BytesIO(stdin), kind(), kind())
        environ = {"OSS_STS_SERVER": url, "OSS_STS_GRANT": "uploads", "OSS_STS_TOKEN": token}
        self.code = main(argv, environ, streams)
        self.out = b"" if streams.stdout.closed else streams.stdout.getvalue()  # type: ignore[attr-defined]  # BytesIO
        self.err = streams.stderr.getvalue().decode()  # type: ignore[attr-defined]  # BytesIO
        assert not secrets or not any(secret in f"{self.err}{self.out!r}" for secret in SECRETS)
        assert tty or self.err.count("\n") == (1 if self.err else 0)


class Terminal(io.BytesIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


@contextmanager
def cloud(oss: Callable[[Asked], Answer]) -> Iterator[tuple[str, list[Asked]]]:
    """Serve leases and OSS; yield the vending server's address and what OSS was asked."""
    with serving(oss) as stage:
        body = lease_body(
            Endpoint=stage.url,
            Style="path",
            LastUpdated="2025-12-01T08:30:00Z",
            Expiration="2099-12-01T08:30:00Z",
            RefreshAfter="2099-12-01T08:00:00Z",
        )
        with serving(lambda _: json_answer(body)) as vending:
            yield vending.url, stage.asked


def status(code: int) -> Callable[[Asked], Answer]:
    return lambda _: Answer(code)


def refusing(code: str, number: int) -> Callable[[Asked], Answer]:
    return lambda _: Answer(number, {}, f"<Error><Code>{code}</Code></Error>".encode())
