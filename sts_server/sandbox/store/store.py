"""The store: objects that appear whole, are read whole, and leave nothing behind.

The index has one thread of its own, so its calls are one after another: that is what makes a
write that forbids overwriting atomic. A file is opened in that same thread, right after its
record was found, and removed only once no record names it: a reader that has begun keeps the
bytes it began with. The event loop never waits for a disk.
"""

import asyncio
import fcntl
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from sts_server.sandbox.clock import Clock
from sts_server.sandbox.errors import AlreadyExistsError, SettingError
from sts_server.sandbox.store.body import Body, CreateFile, create_file
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.record import Digest, Record

Result = TypeVar("Result")
DISK_THREADS = 8


class Upload:
    """A body that is arriving; nobody sees it until it is committed."""

    def __init__(self, store: "Store", body: Body) -> None:
        self._store = store
        self._body = body
        self._digest: Digest | None = None
        self._writing: asyncio.Future[tuple[None, None]] | None = None

    async def write(self, data: bytes) -> None:
        """Append bytes; they are written and hashed while the next ones arrive.

        Raises:
            DiskFullError: The disk took no more of what was given before.
        """
        await self._settle()
        self._writing = asyncio.gather(
            self._store.on_disk(partial(self._body.write, data)),
            self._store.on_disk(partial(self._body.digest, data)),
        )

    async def finish(self) -> Digest:
        """End the body and give its size and checksums.

        Raises:
            DiskFullError: The disk takes no more.
        """
        await self._settle()
        self._digest = await self._store.on_disk(self._body.finish)
        return self._digest

    async def commit(
        self, bucket: str, key: str, headers: Mapping[str, str], *, forbid_overwrite: bool
    ) -> Record:
        """Make the finished body visible under a key, in one transaction.

        Args:
            bucket: An existing bucket.
            key: The object name.
            headers: What is stored beside the body.
            forbid_overwrite: Whether an object that has the key wins over this one.

        Raises:
            AlreadyExistsError: The key is taken and must not be overwritten.
        """
        digest = self._digest or await self.finish()
        record = Record(key, self._body.path.name, digest, self._store.timestamp(), headers)
        await self._store.commit(bucket, record, forbid_overwrite=forbid_overwrite)
        return record

    async def discard(self) -> None:
        """Remove the bytes, unless a commit that was under way has made an object of them."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._store.drop(self._body)

    async def _settle(self) -> None:
        if self._writing is not None:
            await self._writing
            self._writing = None


class Store:
    """Buckets and objects in one folder.

    Args:
        folder: The data folder; made when missing, held by a lock while the store is open.
        clock: Its virtual time becomes `Last-Modified`.
        durable: Whether a finished write survives a power cut; pointless in a throwaway folder.
        create: Makes the file of a new body.

    Raises:
        SettingError: The folder cannot be used, or another process holds it.
    """

    def __init__(
        self, folder: Path, clock: Clock, *, durable: bool = True, create: CreateFile = create_file
    ) -> None:
        self._clock = clock
        self._durable = durable
        self._create = create
        self._bodies = folder / "bodies"
        try:
            self._bodies.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder / "lock")
        except OSError as error:
            raise SettingError(f"the data folder {folder} cannot be used: {error}") from error
        self._index_thread = ThreadPoolExecutor(1, "index")
        self._disk_threads = ThreadPoolExecutor(DISK_THREADS, "disk")
        opened = self._index_thread.submit(Index, folder / "index.sqlite", durable=durable)
        self._index = opened.result()
        self._index_thread.submit(self._sweep).result()
        self._buckets = set(self._index_thread.submit(self._index.buckets).result())

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

    def add_bucket(self, name: str) -> None:
        """Make a bucket; blocking, meant for start-up."""
        self._index_thread.submit(self._index.add_bucket, name, self._clock.now()).result()
        self._buckets.add(name)

    @asynccontextmanager
    async def receive(self) -> AsyncIterator[Upload]:
        """Open a new body; leaving without a commit removes every byte of it.

        Raises:
            DiskFullError: The disk takes no new file.
        """
        body = Body(self._bodies / secrets.token_hex(16), self._create, durable=self._durable)
        upload = Upload(self, body)
        try:
            await self.on_disk(body.open)
            yield upload
        except BaseException:
            # Shielded: a cancelled request must not leave its bytes behind either.
            await asyncio.shield(upload.discard())
            raise

    async def commit(self, bucket: str, record: Record, *, forbid_overwrite: bool) -> None:
        """Write a record whose file is complete, and remove the file it replaces.

        Raises:
            AlreadyExistsError: The key is taken and must not be overwritten.
        """

        def replace() -> Record | None:
            old = self._index.find(bucket, record.key)
            if old and forbid_overwrite:
                raise AlreadyExistsError(record.key)
            self._index.put(bucket, record)
            return old

        # Shielded: a cancelled request must not leave the replaced file behind.
        await asyncio.shield(self._remove_after(replace))

    async def drop(self, body: Body) -> None:
        """Discard a body that became no object; asked in turn, behind a commit of the same body."""

        def drop() -> None:
            if not self._index.names(body.path.name):
                body.discard()

        await self._on_index(drop)

    async def open(self, bucket: str, key: str) -> tuple[Record, BinaryIO] | None:
        """Find an object and open its body, or None; the caller closes the file."""

        def find() -> tuple[Record, BinaryIO] | None:
            record = self._index.find(bucket, key)
            if record is None:
                return None
            return record, (self._bodies / record.file).open("rb", buffering=0)

        return await self._on_index(find)

    async def delete(self, bucket: str, key: str) -> None:
        """Remove an object; a missing one is no error."""

        def remove() -> Record | None:
            old = self._index.find(bucket, key)
            self._index.delete(bucket, key)
            return old

        await asyncio.shield(self._remove_after(remove))

    async def query(self, ask: Callable[[Index], Result]) -> Result:
        """Run a reading question against the index, in its thread."""
        return await self._on_index(partial(ask, self._index))

    async def on_disk(self, work: Callable[[], Result]) -> Result:
        """Run blocking file work off the event loop."""
        return await _run(self._disk_threads, work)

    async def _on_index(self, work: Callable[[], Result]) -> Result:
        return await _run(self._index_thread, work)

    async def _remove_after(self, change: Callable[[], Record | None]) -> None:
        gone = await self._on_index(change)
        if gone is not None:
            await self.on_disk(partial((self._bodies / gone.file).unlink, missing_ok=True))

    def _sweep(self) -> None:
        """Remove bodies that no record names: what a crash left of unfinished writes."""
        known = self._index.files()
        for path in self._bodies.iterdir():
            if path.name not in known:
                path.unlink()


async def _run(executor: Executor, work: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(executor, work)


def _locked(path: Path) -> BinaryIO:
    lock = path.open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise SettingError(f"another sandbox uses the data folder {path.parent}") from None
    return lock
