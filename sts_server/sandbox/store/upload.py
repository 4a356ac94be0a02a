"""A body that is arriving, or being put together; nobody sees it until it is committed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from sts_server.sandbox.store.body import Body
from sts_server.sandbox.store.record import Digest

COPY_BYTES = 1024**2


class OnDisk(Protocol):
    """Runs blocking file work off the event loop."""

    async def __call__(self, work: Callable[[], Any], /) -> Any:
        """Run it and give its result."""


class Upload:
    """A new file, and what is known of its bytes.

    Args:
        body: The file.
        on_disk: Runs file work.
        drop: Discards a body, unless a record names it.
    """

    def __init__(
        self, body: Body, on_disk: OnDisk, drop: Callable[[Body], Awaitable[None]]
    ) -> None:
        self._body = body
        self._on_disk = on_disk
        self._drop = drop
        self._writing: asyncio.Future[tuple[None, None]] | None = None

    @property
    def name(self) -> str:
        """The name of the file."""
        return self._body.path.name

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._body.path

    async def write(self, data: bytes) -> None:
        """Append bytes; they are written and hashed while the next ones arrive.

        Raises:
            DiskFullError: The disk took no more of what was given before.
        """
        await self._settle()
        self._writing = asyncio.gather(
            self._on_disk(partial(self._body.write, data)),
            self._on_disk(partial(self._body.digest, data)),
        )

    async def gather(self, files: Iterable[Path]) -> None:
        """Append whole files, unhashed: their checksums are known and are combined.

        Raises:
            FileNotFoundError: A file has been removed meanwhile.
            DiskFullError: The disk takes no more.
        """
        for path in files:
            await self._on_disk(partial(self._append, path))

    async def finish(self) -> Digest:
        """End the body and give size and checksums of what was written with `write`.

        Raises:
            DiskFullError: The disk takes no more.
        """
        await self._settle()
        digest: Digest = await self._on_disk(self._body.finish)
        return digest

    async def discard(self) -> None:
        """Remove the bytes, unless a commit that was under way has made an object of them."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._drop(self._body)

    def _append(self, path: Path) -> None:
        with path.open("rb", buffering=0) as file:
            while data := file.read(COPY_BYTES):
                self._body.write(data)

    async def _settle(self) -> None:
        if self._writing is not None:
            await self._writing
            self._writing = None
