"""A download: one version of an object, in parts, verified, whole or not at all."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial as bound
from pathlib import Path
from threading import Event

from fastcrc import crc64

from sts_client.errors import ChecksumMismatch, ObjectChanged, PreconditionFailed
from sts_client.objects import Head, NotModified, Object, Objects, operations
from sts_client.transfer.attempts import attempt
from sts_client.transfer.crc import combined
from sts_client.transfer.landing import landing
from sts_client.transfer.partial import Partial, partial
from sts_client.transfer.place import Place
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


@dataclass(frozen=True, slots=True)
class Landed:
    """A file that has just come.

    Attributes:
        head: what OSS said about the object when its bytes began to come.
        found: the file, before anybody else could change it.
    """

    head: Head
    found: os.stat_result


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
    place = Place.at(target)
    if is_same(place, head):
        settings.on_progress(head.size)
        return Downloaded(head, place.path, transferred=False)
    fetch(objects, head, place, settings)
    return Downloaded(head, place.path, transferred=True)


def fetch_version(
    objects: Objects, key: str, etag: str, size: int, target: Place, settings: TransferSettings
) -> Landed:
    """Bring the version of an object that a listing shows; a small one takes a single request.

    Raises:
        ObjectChanged: it has another ETag by now, or was replaced while it was read.
        NoSuchKey: it is not there any more.
        ChecksumMismatch: what came is not what OSS has.
        OSError: of the local file.
    """
    if size <= settings.part_size:
        return attempt(bound(_fetch_whole, objects, key, etag, target, settings), settings.wait)
    with _pinned(key):
        head = objects.run(operations.head(key, _pin(etag)))
    assert isinstance(head, Head)  # noqa: S101 - no condition asks for a 304
    return fetch(objects, head, target, settings)


def fetch(
    objects: Objects, head: Head, target: str | os.PathLike[str] | Place, settings: TransferSettings
) -> Landed:
    """Bring the version of an object that a head speaks of; raises as `download` does."""
    place = Place.at(target)
    part_size = part_size_of(head.size, settings.part_size)
    whole = bound(_fetch_whole, objects, head.key, head.etag, place, settings)
    if place.is_special():
        return whole()  # once: what has been written there cannot be taken back
    if head.size <= part_size:
        return attempt(whole, settings.wait)
    with partial(place, head, part_size) as file:
        plan = spans(head.size, part_size)
        file.resume(plan, head.size)
        settings.on_progress(sum(span.length for span in plan if span.number in file.done))
        for round_ in range(1, _ROUNDS + 1):
            _fetch_parts(objects, head, plan, file, settings)
            crc = combined((file.done[span.number], span.length) for span in plan)
            if head.crc64 is None or crc == head.crc64:
                return Landed(head, file.land())
            # Which of them is damaged nobody knows: OSS has no sum of a part.
            file.start_over()
            if round_ < _ROUNDS:
                settings.on_progress(-head.size)
        file.discard()
        raise ChecksumMismatch(
            f"{head.key!r} arrived with CRC-64 {crc}, OSS has {head.crc64}: nothing was kept"
        )


def is_same(target: str | os.PathLike[str] | Place, head: Head) -> bool:
    """Return whether a file holds what the object does, by its length and CRC-64."""
    place = Place.at(target)
    found = place.found()
    if head.crc64 is None or found is None:
        return False
    if not stat.S_ISREG(found.st_mode) or found.st_size != head.size:
        return False
    # NONBLOCK: a pipe that takes its place just now must not hold us up.
    handle = place.open(os.O_RDONLY | os.O_NONBLOCK)
    try:
        return summed(handle) == head.crc64
    finally:
        os.close(handle)


def summed(handle: int) -> int:
    """Return the CRC-64 of what is left of an open file."""
    crc = 0
    while chunk := os.read(handle, _CHUNK):
        crc = crc64.xz(chunk, crc)
    return crc


def _fetch_whole(
    objects: Objects, key: str, etag: str, place: Place, settings: TransferSettings
) -> Landed:
    came = 0
    try:
        with _opened(objects, key, etag, None) as found, landing(place) as file:
            for chunk in _chunks(found):
                file.write(chunk)
                came += len(chunk)
                settings.on_progress(len(chunk))
            file.flush()
            return Landed(found.head, os.fstat(file.fileno()))
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
        if stop.is_set():
            raise Stopped
        if at == end:
            return
        with _opened(objects, head.key, head.etag, (at, end - 1)) as found:
            for chunk in _chunks(found):
                if stop.is_set():
                    raise Stopped
                file.write(chunk, at)
                crc = crc64.xz(chunk, crc)
                at += len(chunk)
                settings.on_progress(len(chunk))

    attempt(rest, settings.wait)
    file.complete(span, crc)


def _opened(objects: Objects, key: str, etag: str, span: tuple[int, int] | None) -> Object:
    """Open some bytes of the very version that has this ETag."""
    with _pinned(key):
        found = objects.get(key, _pin(etag), span)
    assert isinstance(found, Object)  # noqa: S101 - no condition asks for a 304
    return found


def _pin(etag: str) -> dict[str, str]:
    return {"If-Match": etag} if etag else {}


@contextmanager
def _pinned(key: str) -> Iterator[None]:
    """Say what it means when a pinned object is another one."""
    try:
        yield
    except PreconditionFailed as error:
        raise ObjectChanged(
            f"{key!r} was replaced while it was read: read it again",
            status=error.status,
            code=error.code,
            ec=error.ec,
            request_id=error.request_id,
        ) from None


def _chunks(found: Object) -> Iterator[bytes]:
    while chunk := found.read(_CHUNK):
        yield chunk
