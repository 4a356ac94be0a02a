"""The two sides of a run: the objects below a prefix, and which names are fit to be on both."""

from collections.abc import Mapping
from dataclasses import dataclass

from sts_client.errors import BadAnswer, UsageError
from sts_client.mirror import names
from sts_client.mirror.manifest import Source
from sts_client.mirror.plan import Shown
from sts_client.objects import Entry, Objects, listed
from sts_client.objects.steps import present


@dataclass(frozen=True, slots=True)
class Below:
    """What is below a prefix.

    Attributes:
        shown: objects, by names that a file may have.
        markers: names of folder markers.
        refused: names that must not be files, each with the reason.
    """

    shown: Mapping[str, Shown]
    markers: tuple[str, ...]
    refused: Mapping[str, str]


def source_of(objects: Objects, prefix: str) -> Source:
    """Return what a manifest is about.

    Raises:
        UsageError: the prefix is no folder.
    """
    if prefix and (not prefix.endswith("/") or prefix.startswith("/")):
        raise UsageError("a prefix to mirror ends in / and does not begin with one, or is empty")
    lease = objects.run(present())
    return Source(lease.bucket, lease.region, prefix)


def objects_below(objects: Objects, prefix: str, longest: int) -> Below:
    """List what is below a prefix, and say which of it is fit to be files.

    Args:
        objects: of the bucket.
        prefix: that `source_of` let pass.
        longest: bytes that a name may have.

    Raises:
        BadAnswer: something is listed that is not below the prefix.
    """
    shown: dict[str, Shown] = {}
    markers = []
    refused = {}
    for entry in listed(objects, prefix):
        if not isinstance(entry, Entry) or not entry.key.startswith(prefix):
            raise BadAnswer("the listing shows what was not asked for: check the endpoint")
        if not (entry.etag.isascii() and entry.etag.isprintable()):
            raise BadAnswer("the listing has an ETag that can be no header: check the endpoint")
        name = entry.key.removeprefix(prefix)
        if names.is_marker(name):
            markers.append(name)
        elif reason := names.refusal_of(name, longest):
            refused[name] = reason
        else:
            shown[name] = Shown(entry.etag, entry.size, entry.is_link)
    return Below(shown, tuple(markers), refused)
