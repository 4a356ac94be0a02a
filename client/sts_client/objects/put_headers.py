"""What a write says about the object besides its bytes, as request headers: checked, then sent."""

from collections.abc import Iterable, Mapping
from mimetypes import MimeTypes

from sts_client.errors import UsageError
from sts_client.objects.address import check_key

_TYPES = MimeTypes()  # without the tables of this machine
FORBID_OVERWRITE = "x-oss-forbid-overwrite"


def put_headers(
    *,
    forbid_overwrite: bool = False,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the headers of a write.

    Raises:
        UsageError: a text cannot be a header's, or two metadata names are one to HTTP.
    """
    headers = {}
    if forbid_overwrite:
        headers[FORBID_OVERWRITE] = "true"
    if content_type is not None:
        headers["Content-Type"] = _header_text("content_type", content_type)
    return headers | _metadata_headers(metadata or {})


def copy_headers(
    *,
    forbid_overwrite: bool = False,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the headers of a copy, which keeps what its source says unless either is given.

    Raises:
        UsageError: as for `put_headers`.
    """
    headers = put_headers(
        forbid_overwrite=forbid_overwrite, content_type=content_type, metadata=metadata
    )
    if metadata is not None or content_type is not None:
        headers["x-oss-metadata-directive"] = "REPLACE"
    return headers


def guessed_type(key: str) -> str:
    """Return the media type that a name's ending stands for, on every machine the same.

    Raises:
        UsageError: OSS would not take the name.
    """
    return _TYPES.guess_type(check_key(key))[0] or "application/octet-stream"


def refuse_conditions(method: str, unsupported: Iterable[str]) -> None:
    """Say why a write takes no conditions but `forbid_overwrite`.

    Raises:
        UsageError: a condition was given.
        TypeError: some other argument was, which Python itself would have refused.
    """
    for name in unsupported:
        if name.startswith("if_"):
            raise UsageError(
                f"OSS knows no {name} when it writes: forbid_overwrite=True creates only what "
                f"is not there, and nothing replaces only what is unchanged"
            )
        raise TypeError(f"{method}() got an unexpected keyword argument {name!r}")


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
