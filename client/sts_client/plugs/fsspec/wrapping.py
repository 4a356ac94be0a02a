"""What stands before a file that is written: text and compression, which end as the file does."""

import io
from contextlib import suppress
from types import TracebackType
from typing import Any


class TextFile(io.TextIOWrapper):
    """Text for a file that is written: by an exception it is left as that file is."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
            return
        file: Any = self.buffer
        file.discard()
        with suppress(ValueError):  # what it still holds has nowhere to go
            self.close()


class PackedFile(io.BufferedIOBase):
    """Compresses into a file, and closes it, which fsspec's own leave to the garbage collector.

    Args:
        packing: compresses what is written to it, into the file.
        file: what it goes to.
    """

    def __init__(self, packing: Any, file: Any) -> None:
        super().__init__()
        self._packing = packing
        self._file = file

    def writable(self) -> bool:
        """Return that it can be written."""
        return True

    def write(self, data: Any) -> int:
        """Compress some bytes."""
        count: int = self._packing.write(data)
        return count

    def close(self) -> None:
        """End the compression, and then the file."""
        if self.closed:
            return
        try:
            self._packing.close()
            self._file.close()
        except BaseException:
            self._file.discard()
            raise
        finally:
            super().close()

    def discard(self) -> None:
        """Leave nothing."""
        self._file.discard()
        with suppress(ValueError):  # what it still holds has nowhere to go
            self.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def __del__(self) -> None:
        if not self.closed:
            self.discard()
