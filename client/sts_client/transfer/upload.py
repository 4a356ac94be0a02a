"""An upload: a file becomes an object, in parts where it is large, whole or not at all."""

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial as bound
from pathlib import Path
from threading import Event

from sts_client.errors import (
    AccessDenied,
    ChecksumMismatch,
    FileAlreadyExists,
    NoSuchUpload,
    PayloadError,
    StsClientError,
)
from sts_client.objects import Head, Objects, Payload, PutResult, operations
from sts_client.objects.operations import Part
from sts_client.objects.put_headers import FORBID_OVERWRITE
from sts_client.objects.steps import present
from sts_client.transfer.attempts import ATTEMPTS, attempt, may_pass
from sts_client.transfer.crc import combined
from sts_client.transfer.plan import Span, part_size_of, spans
from sts_client.transfer.settings import TransferSettings
from sts_client.transfer.slice import Slice
from sts_client.transfer.uploads import Note, noted
from sts_client.transfer.workers import Stopped, run_all


def upload(
    objects: Objects,
    path: str | os.PathLike[str],
    key: str,
    headers: Mapping[str, str],
    settings: TransferSettings,
) -> PutResult:
    """Make an object of a file.

    An upload in parts that fails is aborted; one that is noted on disk stays for the next attempt.

    Raises:
        FileAlreadyExists: the headers forbid to overwrite, and there is an object.
        ChecksumMismatch: OSS has stored something else.
        PayloadError: the file has changed meanwhile.
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        return upload_open(objects, file.fileno(), os.path.realpath(path), key, headers, settings)


def upload_open(
    objects: Objects,
    handle: int,
    path: str,
    key: str,
    headers: Mapping[str, str],
    settings: TransferSettings,
) -> PutResult:
    """Make an object of an open file; `path` is where notes say that it is. Raises as `upload`."""
    found = os.fstat(handle)
    part_size = part_size_of(found.st_size, settings.part_size)
    if found.st_size <= part_size:
        return _put_whole(objects, key, handle, found, headers, settings)
    terms: dict[str, object] = {
        "file": path,
        "size": found.st_size,
        "identity": list(_identity(found)),
        "part": part_size,
        "headers": dict(headers),
    }
    lease = objects.run(present())
    place = f"{lease.endpoint}/{lease.bucket}/{key}"
    with noted(settings.journal, place, terms) as note:
        work = _Upload(objects, key, handle, headers, settings, note)
        return work.run(spans(found.st_size, part_size), found)


def _put_whole(
    objects: Objects,
    key: str,
    handle: int,
    before: os.stat_result,
    headers: Mapping[str, str],
    settings: TransferSettings,
) -> PutResult:
    def unchanged() -> None:
        _expect_unchanged(key, handle, before)

    def put() -> PutResult:
        payload = Payload(Slice(handle, Span(1, 0, before.st_size), at_end=unchanged))
        return objects.run(operations.put(key, payload, headers))

    # Said twice, a put that only creates could meet the object that its first attempt made.
    result = put() if FORBID_OVERWRITE in headers else attempt(put, settings.wait)
    settings.on_progress(before.st_size)
    return result


def _identity(found: os.stat_result) -> tuple[int, ...]:
    """Give what changes with a file's content, also where its length and times are set by hand."""
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _expect_unchanged(key: str, handle: int, before: os.stat_result) -> None:
    if _identity(os.fstat(handle)) != _identity(before):
        raise PayloadError(f"the file for {key!r} was changed while it was uploaded")


class _Upload:
    """One upload in parts."""

    def __init__(
        self,
        objects: Objects,
        key: str,
        handle: int,
        headers: Mapping[str, str],
        settings: TransferSettings,
        note: Note,
    ) -> None:
        self._objects = objects
        self._key = key
        self._handle = handle
        self._headers = headers
        self._settings = settings
        self._note = note

    def run(self, plan: list[Span], before: os.stat_result) -> PutResult:
        """Upload what is missing and make an object of it."""
        try:
            self._begin(plan)
            self._upload_parts(plan)
            _expect_unchanged(self._key, self._handle, before)
            parts = [self._note.parts[span.number] for span in plan]
            crc = combined(
                (part.crc64 or 0, span.length) for part, span in zip(parts, plan, strict=True)
            )
            result = self._complete(parts, crc, before.st_size)
        except BaseException as error:
            if not self._note.lasting or isinstance(error, FileAlreadyExists | PayloadError):
                self._abort(error)
            raise
        self._note.forget()
        if result.crc64 is not None and result.crc64 != crc:
            raise ChecksumMismatch(
                f"OSS joined the parts of {self._key!r} to another CRC-64 than was sent: what is "
                f"there now is damaged, upload it again"
            )
        return result

    def _begin(self, plan: list[Span]) -> None:
        """Take up the upload that is noted, as far as OSS still has it, or begin a new one."""
        if self._note.upload_id:
            with suppress(NoSuchUpload):
                there = self._objects.run(operations.parts(self._key, self._note.upload_id))
                known = {part.number: (part.etag, part.size) for part in there}
                for span in plan:
                    part = self._note.parts.get(span.number)
                    if part is not None and known.get(span.number) != (part.etag, span.length):
                        del self._note.parts[span.number]
                return
        # With forbid-overwrite too, if it is asked for, so that nothing moves in vain.
        upload_id = self._objects.run(operations.initiate(self._key, self._headers))
        self._note.begin(upload_id)

    def _upload_parts(self, plan: list[Span]) -> None:
        stop = Event()
        missing = [span for span in plan if span.number not in self._note.parts]
        self._settings.on_progress(sum(it.length for it in plan) - sum(it.length for it in missing))
        tasks = (bound(self._upload_part, span, stop) for span in missing)
        run_all(tasks, threads=self._settings.threads, stop=stop)

    def _upload_part(self, span: Span, stop: Event) -> None:
        def put() -> Part:
            if stop.is_set():
                raise Stopped
            payload = Payload(Slice(self._handle, span))
            return self._objects.run(
                operations.upload_part(self._key, self._note.upload_id, span.number, payload)
            )

        self._note.confirm(attempt(put, self._settings.wait))
        self._settings.on_progress(span.length)

    def _complete(self, parts: list[Part], crc: int, size: int) -> PutResult:
        """Join the parts; where an answer is lost, look whether the object is there."""
        headers = {name: it for name, it in self._headers.items() if name == FORBID_OVERWRITE}
        failures = 0
        while True:
            try:
                return self._objects.run(
                    operations.complete(self._key, self._note.upload_id, parts, headers)
                )
            except StsClientError as error:
                ended = isinstance(error, FileAlreadyExists | NoSuchUpload)
                if ended and failures and (found := self._found(crc, size)):
                    return found
                failures += 1
                if failures >= ATTEMPTS or ended or not may_pass(error):
                    if ended and failures > 1:
                        error.add_note(f"{self._key!r} may be there: an answer was lost")
                    raise
            self._settings.wait(failures)

    def _found(self, crc: int, size: int) -> PutResult | None:
        try:
            head = attempt(
                lambda: self._objects.run(operations.head(self._key, {})), self._settings.wait
            )
        except AccessDenied:
            return None  # who may only put cannot look
        if not isinstance(head, Head) or (head.crc64, head.size) != (crc, size):
            return None
        return PutResult(head.etag, head.crc64, head.request_id, None)

    def _abort(self, error: BaseException) -> None:
        if not self._note.upload_id:
            return
        try:
            with suppress(NoSuchUpload):
                attempt(
                    lambda: self._objects.run(operations.abort(self._key, self._note.upload_id)),
                    self._settings.wait,
                )
        except StsClientError:
            error.add_note(f"the upload {self._note.upload_id} could not be aborted: do it by hand")
        else:
            self._note.forget()
