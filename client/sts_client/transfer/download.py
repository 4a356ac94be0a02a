"""A download: one version of an object, in parts, verified, whole or not at all."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial as bound
from pathlib import Path
from threading import Event

from fastcrc import crc64

from sts_client.errors import ChecksumMismatch, ObjectChanged, PreconditionFailed
from sts_client.objects import Head, NotModified, Object, Objects, operations
from sts_client.transfer.attempts import attempt
from sts_client.transfer.crc import combined
from sts_client.transfer.landing import landing, place_of
from sts_client.transfer.partial import Partial, partial
from sts_client.transfer.plan import Span, part_size_of, spans
from sts_client.transfer.settings import TransferSettings
from sts_client.transfer.workers import Stopped, run_all

_CHUNK = 1024 * 1024
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that is what the object is.

    Attributes:
        head: what OSS says about the object.
        path: the file.
        transferred: False if it was the same before, and nothing moved.
    """

    head: Head
    path: Path
    transferred: bool


def download(
    objects: Objects,
    key: str,
    target: str | os.PathLike[str],
    conditions: Mapping[str, str],
    settings: TransferSettings,
) -> Downloaded | NotModified:
    """Bring an object into a file.

    Raises:
        ObjectChanged: it was replaced or deleted while it was read.
        ChecksumMismatch: what came is not what OSS has, twice.
        OSError: of the local file.
    """
    head = objects.run(operations.head(key, conditions))
    if isinstance(head, NotModified):
        return head
    path = place_of(target)
    if is_same(path, head):
        settings.on_progress(head.size)
        return Downloaded(head, path, transferred=False)
    fetch(objects, head, path, settings)
    return Downloaded(head, path, transferred=True)


def fetch(objects: Objects, head: Head, path: Path, settings: TransferSettings) -> None:
    """Bring the version of an object that a head speaks of; raises as `download` does."""
    part_size = part_size_of(head.size, settings.part_size)
    if path.exists() and not path.is_file():
        # A pipe or a device: what has been written there cannot be taken back.
        _fetch_whole(objects, head, path, settings)
        return
    if head.size <= part_size:
        attempt(bound(_fetch_whole, objects, head, path, settings), settings.wait)
        return
    with partial(path, head, part_size) as file:
        plan = spans(head.size, part_size)
        file.resume(plan, head.size)
        settings.on_progress(sum(span.length for span in plan if span.number in file.done))
        for round_ in range(1, _ROUNDS + 1):
            _fetch_parts(objects, head, plan, file, settings)
            crc = combined((file.done[span.number], span.length) for span in plan)
            if head.crc64 is None or crc == head.crc64:
                file.land()
                return
            # Which of them is damaged nobody knows: OSS has no sum of a part.
            file.start_over()
            if round_ < _ROUNDS:
                settings.on_progress(-head.size)
        file.discard()
        raise ChecksumMismatch(
            f"{head.key!r} arrived with CRC-64 {crc}, OSS has {head.crc64}: nothing was kept"
        )


def is_same(path: Path, head: Head) -> bool:
    """Return whether a file holds what the object does, by its length and CRC-64."""
    if head.crc64 is None or not path.is_file() or path.stat().st_size != head.size:
        return False
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            crc = crc64.xz(chunk, crc)
    return crc == head.crc64


def _fetch_whole(objects: Objects, head: Head, path: Path, settings: TransferSettings) -> None:
    came = 0
    try:
        with _opened(objects, head, None) as found, landing(path) as file:
            for chunk in _chunks(found):
                file.write(chunk)
                came += len(chunk)
                settings.on_progress(len(chunk))
    except BaseException:
        settings.on_progress(-came)
        raise


def _fetch_parts(
    objects: Objects, head: Head, plan: list[Span], file: Partial, settings: TransferSettings
) -> None:
    stop = Event()
    tasks = (
        bound(_fetch_part, objects, head, span, file, settings, stop)
        for span in plan
        if span.number not in file.done
    )
    run_all(tasks, threads=settings.threads, stop=stop)


def _fetch_part(
    objects: Objects,
    head: Head,
    span: Span,
    file: Partial,
    settings: TransferSettings,
    stop: Event,
) -> None:
    crc, at, end = 0, span.first, span.first + span.length

    def rest() -> None:
        """Go on where the attempt before broke off."""
        nonlocal crc, at
        if at == end:
            return
        with _opened(objects, head, (at, end - 1)) as found:
            for chunk in _chunks(found):
                if stop.is_set():
                    raise Stopped
                file.write(chunk, at)
                crc = crc64.xz(chunk, crc)
                at += len(chunk)
                settings.on_progress(len(chunk))

    attempt(rest, settings.wait)
    file.complete(span, crc)


def _opened(objects: Objects, head: Head, span: tuple[int, int] | None) -> Object:
    """Open some bytes of the very version that the head speaks of."""
    pinned = {"If-Match": head.etag} if head.etag else {}
    try:
        found = objects.get(head.key, pinned, span)
    except PreconditionFailed as error:
        raise ObjectChanged(
            f"{head.key!r} was replaced while it was read: read it again",
            status=error.status,
            code=error.code,
            ec=error.ec,
            request_id=error.request_id,
        ) from None
    assert isinstance(found, Object)  # noqa: S101 - no condition asks for a 304
    return found


def _chunks(found: Object) -> Iterator[bytes]:
    while chunk := found.read(_CHUNK):
        yield chunk
