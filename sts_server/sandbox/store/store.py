"""The store: objects that appear whole, are read whole, and leave nothing behind.

The index has one thread of its own, so its calls are one after another: that is what makes a
write that forbids overwriting atomic. A file is opened in that same thread, right after its
record was found, and removed only once no record names it: a reader that has begun keeps the
bytes it began with. The event loop never waits for a disk.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from sts_server.sandbox.clock import Clock
from sts_server.sandbox.errors import SettingError
from sts_server.sandbox.store.bodies import Bodies
from sts_server.sandbox.store.body import Body, CreateFile, create_file
from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.lock import locked
from sts_server.sandbox.store.overwrite import refuse_overwrite
from sts_server.sandbox.store.record import Record
from sts_server.sandbox.store.upload import Upload

Result = TypeVar("Result")
DISK_THREADS = 8


class Store:
    """Buckets and objects in one folder.

    Args:
        folder: The data folder; made when missing, held by a lock while the store is open.
        clock: Its virtual time becomes `Last-Modified`.
        durable: Whether a finished write survives a power cut; pointless in a throwaway folder.
        create: Makes the file of a new body.

    Attributes:
        bodies: The files of the bodies.

    Raises:
        SettingError: The folder cannot be used, or another process holds it.
    """

    def __init__(
        self, folder: Path, clock: Clock, *, durable: bool = True, create: CreateFile = create_file
    ) -> None:
        self._clock = clock
        self._durable = durable
        self._create = create
        self.bodies = Bodies(folder / "bodies", durable=durable)
        try:
            self.bodies.make()
            self._lock = locked(folder / "lock")
        except OSError as error:
            raise SettingError(f"the data folder {folder} cannot be used: {error}") from error
        self._index_thread = ThreadPoolExecutor(1, "index")
        self._disk_threads = ThreadPoolExecutor(DISK_THREADS, "disk")
        try:
            opened = self._index_thread.submit(Index, folder / "index.sqlite", durable=durable)
            self._index = opened.result()
        except BaseException:
            self._index_thread.shutdown()
            self._disk_threads.shutdown()
            self._lock.close()
            raise
        self._index_thread.submit(lambda: self.bodies.sweep(self._index.files())).result()
        known = self._index_thread.submit(self._index.buckets.all).result()
        self._buckets = {bucket.name: bucket for bucket in known}

    def close(self) -> None:
        """Wait for what is under way and let go of the folder."""
        self._disk_threads.shutdown()
        self._index_thread.submit(self._index.close).result()
        self._index_thread.shutdown()
        self._lock.close()

    def timestamp(self) -> datetime:
        """Give the moment that a write finished now is stamped with."""
        return self._clock.now().replace(microsecond=0)

    def has_bucket(self, name: str) -> bool:
        """Say whether a bucket exists."""
        return name in self._buckets

    def bucket(self, name: str) -> Bucket | None:
        """Give a bucket as it is set now."""
        return self._buckets.get(name)

    def add_bucket(self, name: str, *, acl: str = "private") -> None:
        """Make a bucket, or leave the one that exists; blocking, meant for start-up."""
        self.add(Bucket(name, self.timestamp(), acl))

    def add(self, bucket: Bucket) -> None:
        """Make a bucket that is set up already, as `add_bucket` does."""
        if bucket.name not in self._buckets:
            self._index_thread.submit(self._index.buckets.put, bucket).result()
            self._buckets[bucket.name] = bucket

    async def set_bucket(
        self, name: str, change: Callable[[Bucket], Bucket], *, make: bool = False
    ) -> None:
        """Change a bucket in one step.

        Args:
            name: Its name.
            change: Turns the bucket as it is, or a new one, into what it shall be.
            make: Whether one that does not exist is made, and not left so.
        """

        def write() -> None:
            old = self._index.buckets.find(name)
            if old is None and make:
                old = Bucket(name, self.timestamp())
            if old is not None:
                bucket = change(old)
                self._index.buckets.put(bucket)
                self._buckets[name] = bucket

        await asyncio.shield(self._on_index(write))

    async def remove_bucket(self, name: str) -> bool:
        """Remove a bucket; False when it is not empty and so stays."""

        def remove() -> bool:
            removed = self._index.buckets.delete(name)
            if removed:
                self._buckets.pop(name, None)
            return removed

        return await asyncio.shield(self._on_index(remove))

    @asynccontextmanager
    async def receive(self) -> AsyncIterator[Upload]:
        """Open a new body; leaving without a commit removes every byte of it.

        Raises:
            DiskFullError: The disk takes no new file.
        """
        body = Body(self.bodies.new(), self._create, durable=self._durable)
        upload = Upload(body, self.on_disk, self._drop)
        try:
            await self.on_disk(body.open)
            yield upload
        except BaseException:
            # Shielded: a cancelled request must not leave its bytes behind either.
            await asyncio.shield(upload.discard())
            raise

    async def commit(
        self, bucket: str, upload: Upload, record: Record, *, forbid_overwrite: bool = False
    ) -> Record:
        """Make an upload that is finished an object, and remove the file it replaces.

        Args:
            bucket: An existing bucket.
            upload: The bytes.
            record: What is said of them; its file is filled in.
            forbid_overwrite: Whether an object that has the key wins over this one.

        Returns:
            The object as it was written.

        Raises:
            AlreadyExistsError: The key is taken and must not be overwritten.
        """
        return await self.put(
            bucket, replace(record, file=upload.name), forbid_overwrite=forbid_overwrite
        )

    async def put(self, bucket: str, record: Record, *, forbid_overwrite: bool = False) -> Record:
        """Write a record whose file is complete, or that has none, as `commit` does."""

        def write(index: Index) -> tuple[Record, list[str]]:
            refuse_overwrite(index, bucket, record.key, forbid=forbid_overwrite)
            return index.put(bucket, record)

        return await self.change(write)

    async def change(self, work: Callable[[Index], tuple[Result, Iterable[str]]]) -> Result:
        """Write to the index in one transaction, then remove the files that it no longer names.

        Args:
            work: What is written; gives a result and the names of files.
        """

        def write() -> tuple[Result, Iterable[str]]:
            with self._index.transaction():
                return work(self._index)

        async def run() -> Result:
            result, gone = await self._on_index(write)
            for file in gone:
                await self.on_disk(partial(self.bodies.path(file).unlink, missing_ok=True))
            return result

        # Shielded: a cancelled request must not leave the replaced file behind.
        return await asyncio.shield(run())

    async def open(
        self, bucket: str, key: str, version: str = ""
    ) -> tuple[Record, BinaryIO] | None:
        """Find an object and open its body, or None; the caller closes the file.

        What has no body, a symbolic link or a delete marker, comes with an empty one.
        """

        def find() -> tuple[Record, BinaryIO] | None:
            record = self._index.find(bucket, key, version)
            if record is None:
                return None
            if not record.file:
                return record, io.BytesIO()
            return record, self.bodies.path(record.file).open("rb", buffering=0)

        return await self._on_index(find)

    async def delete(self, bucket: str, key: str, version: str = "") -> Record | None:
        """Remove an object or a version of it, as `Index.delete` does."""
        now = self.timestamp()
        return await self.change(lambda index: index.delete(bucket, key, version, now))

    async def clear(self, buckets: Iterable[Bucket]) -> None:
        """Begin anew with empty buckets; bodies that are still arriving stay.

        Args:
            buckets: As they shall be.
        """
        anew = {bucket.name: bucket for bucket in buckets}

        def write(index: Index) -> tuple[None, Iterable[str]]:
            gone = index.files()
            index.clear(anew.values())
            self._buckets = dict(anew)
            return None, gone

        await self.change(write)

    async def query(self, ask: Callable[[Index], Result]) -> Result:
        """Run a reading question against the index, in its thread."""
        return await self._on_index(partial(ask, self._index))

    async def on_disk(self, work: Callable[[], Result]) -> Result:
        """Run blocking file work off the event loop."""
        return await _run(self._disk_threads, work)

    async def _on_index(self, work: Callable[[], Result]) -> Result:
        return await _run(self._index_thread, work)

    async def _drop(self, body: Body) -> None:
        """Discard a body that became no object; asked in turn, behind a commit of the same body."""

        def drop() -> None:
            if not self._index.names(body.path.name):
                body.discard()

        await self._on_index(drop)


async def _run(executor: Executor, work: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(executor, work)
