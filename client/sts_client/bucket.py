"""The face: a bucket as a user holds it, opened by `connect` without a word to the network."""

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Never, NoReturn, Self, overload

from sts_client import conditions
from sts_client.conditions import ETag, HttpDate
from sts_client.credentials import Style
from sts_client.errors import BadAnswer, UsageError
from sts_client.objects import (
    ByteRange,
    Data,
    Entry,
    Folder,
    Head,
    NotModified,
    Object,
    Objects,
    PutResult,
)
from sts_client.provider import Provider
from sts_client.source import Token, VendingServer, Wish


def connect(
    server: str,
    *,
    grant: str,
    token: Token,
    prefix: str | None = None,
    actions: Sequence[str] | None = None,
    duration: int | None = None,
    endpoint: str | None = None,
    style: Style | None = None,
    allow_http: bool = False,
) -> "Bucket":
    """Return the bucket that a grant opens. Nothing is sent before the first request needs it.

    Args:
        server: address of the vending server, such as ``https://sts.example.com``.
        grant: name of a right in that server's configuration.
        token: the bearer token, or a function that returns the present one.
        prefix: asks for less than the grant: a folder ending in ``/``, or one exact object.
        actions: asks for less than the grant: some of ``get``, ``put``, ``list``, ``delete``.
        duration: seconds that leases should live.
        endpoint: reaches OSS here and not where the lease says: inside a VPC, or accelerated.
        style: addresses the bucket so and not as the lease says.
        allow_http: accept ``http://`` to other machines, which shows secrets to the network.

    Raises:
        UsageError: an argument cannot be right.
    """
    wish = Wish(grant, prefix, actions, duration)
    source = VendingServer(server, wish, token=token, allow_http=allow_http)
    provider = Provider(source)
    objects = Objects(provider, endpoint=endpoint, style=style, allow_http=allow_http)
    return Bucket(provider, objects)


class Bucket:
    """A bucket, as far as its grant reaches; safe to share between threads.

    What can go wrong arrives as `StsClientError`; what the caller's own file or iterator raised
    while it was uploaded is the cause of a `PayloadError`.

    Attributes:
        provider: the leases behind it, for programs that need the credentials themselves.
    """

    def __init__(self, provider: Provider, objects: Objects) -> None:
        self.provider = provider
        self._objects = objects

    def __repr__(self) -> str:
        return f"Bucket({self.provider!r})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a Bucket is not pickled or copied: connect once per process")

    @overload
    def get(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_unmodified_since: HttpDate | None = None,
        byte_range: ByteRange | None = None,
    ) -> Object: ...

    @overload
    def get(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
        byte_range: ByteRange | None = None,
    ) -> Object | NotModified: ...

    def get(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
        byte_range: ByteRange | None = None,
    ) -> Object | NotModified:
        """Read an object, or part of it, if all conditions hold.

        Args:
            key: its name within the bucket, not encoded.
            if_match: entity tag that it must have, else `PreconditionFailed`.
            if_none_match: entity tag that it must not have, else `NotModified` is returned.
            if_modified_since: it must have been written later, else `NotModified` is returned.
            if_unmodified_since: it must not have been written later, else `PreconditionFailed`.
            byte_range: first and last byte, the last may be None.

        Raises:
            NoSuchKey: there is no such object.
            PreconditionFailed: as said above.
        """
        headers = conditions.headers(
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
        )
        return self._objects.get(key, headers, byte_range)

    @overload
    def head(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_unmodified_since: HttpDate | None = None,
    ) -> Head: ...

    @overload
    def head(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
    ) -> Head | NotModified: ...

    def head(
        self,
        key: str,
        *,
        if_match: ETag | None = None,
        if_none_match: ETag | None = None,
        if_modified_since: HttpDate | None = None,
        if_unmodified_since: HttpDate | None = None,
    ) -> Head | NotModified:
        """Return what `get` would say about an object, without its bytes; same conditions."""
        headers = conditions.headers(
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
        )
        return self._objects.head(key, headers)

    def put(
        self,
        key: str,
        data: Data,
        *,
        forbid_overwrite: bool = False,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **unsupported: Never,
    ) -> PutResult:
        """Write an object.

        Args:
            key: its name within the bucket, not encoded.
            data: bytes, a file opened in binary (sent from where it stands), or an iterable of
                bytes, which cannot be sent a second time if a lease dies meanwhile.
            forbid_overwrite: only create; two writers at once cannot both win. OSS does not heed
                it in a bucket that has, or had, versioning.
            content_type: stored with it; without it OSS takes application/octet-stream.
            metadata: stored with it; visible ASCII, names without ``x-oss-meta-`` and in any case.
            unsupported: nothing; conditions given here are refused with the reason.

        Raises:
            FileAlreadyExists: `forbid_overwrite` and there is one.
            ChecksumMismatch: OSS stored other bytes than were sent.
        """
        for name in unsupported:
            if name.startswith("if_"):
                raise UsageError(
                    f"OSS knows no {name} when it writes: forbid_overwrite=True creates only what "
                    f"is not there, and nothing replaces only what is unchanged"
                )
            raise TypeError(f"put() got an unexpected keyword argument {name!r}")
        headers = {}
        if forbid_overwrite:
            headers["x-oss-forbid-overwrite"] = "true"
        if content_type is not None:
            headers["Content-Type"] = _header_text("content_type", content_type)
        headers |= _metadata_headers(metadata or {})
        return self._objects.put(key, data, headers)

    def delete(self, key: str) -> None:
        """Delete an object. One that is not there is no error."""
        self._objects.delete(key)

    def list(
        self, prefix: str | None = None, *, delimiter: str | None = None
    ) -> Iterator[Entry | Folder]:
        """Yield what a prefix holds, by name; each page is fetched when it is reached.

        Args:
            prefix: how names begin, or None for the lease's own prefix.
            delimiter: such as ``/``: names that go on behind it are one `Folder`.
        """
        token = None
        seen: set[str] = set()
        while True:
            page = self._objects.page(prefix, delimiter, token)
            yield from page.entries
            token = page.next_token
            if token is None:
                return
            if token in seen:
                raise BadAnswer("the listing goes in a circle: check the endpoint")
            seen.add(token)

    def close(self) -> None:
        """Close idle connections."""
        self._objects.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _metadata_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in metadata.items():
        header = f"x-oss-meta-{_header_name(name)}"
        if header in found:
            # To HTTP they are one: the second would silently replace the first.
            raise UsageError(f"two metadata names differ from {name!r} in nothing but capitals")
        found[header] = _header_text(f"metadata {name!r}", value)
    return found


def _header_name(name: object) -> str:
    text = name.replace("-", "") if isinstance(name, str) else ""
    if not isinstance(name, str) or not text.isascii() or not text.isalnum():
        raise UsageError("a metadata name consists of ASCII letters, digits and hyphens")
    return name.lower()


def _header_text(what: str, text: object) -> str:
    # A line break would start a header of its own; anything beyond ASCII arrives as a guess.
    fits = isinstance(text, str) and text.isascii() and text.isprintable()
    if isinstance(text, str) and fits and text and text == text.strip():
        return text
    raise UsageError(f"{what} must be visible ASCII text: percent-encode what is not")
