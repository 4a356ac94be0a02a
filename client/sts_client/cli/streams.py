"""Where the command line reads and writes: bytes as they are, lines so that no terminal obeys."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO, Never, Self, TextIO


@dataclass(frozen=True, slots=True)
class Streams:
    """Where bytes come from and go to."""

    stdin: BinaryIO
    stdout: BinaryIO
    stderr: BinaryIO

    @classmethod
    def of_process(cls) -> Self:
        """Return those of this process, of which some may be closed."""
        return cls(*(_bytes_of(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)))

    def say(self, line: str, *, aside: bool = False) -> None:
        """Write one line for people or programs to read, or beside what they read."""
        if aside:
            self.complain(line, bare=True)
            return
        self.stdout.write(f"{printable(line)}\n".encode())
        self.stdout.flush()

    def complain(self, text: str, *, bare: bool = False) -> None:
        """Write one line on standard error, if there is anywhere to write it.

        Args:
            text: any; its line breaks do not count.
            bare: without saying who says it.
        """
        who = "" if bare else "sts-client: "
        with suppress(OSError, ValueError):
            self.stderr.write(f"{who}{printable(' '.join(text.split()))}\n".encode())
            self.stderr.flush()

    @contextmanager
    def written(self) -> Iterator[BinaryIO]:
        """Give out standard output, all of which is on its way when the block has ended."""
        yield self.stdout
        self.stdout.flush()

    def abandon(self) -> None:
        """Forget what is not written yet: at its end Python would try again, and complain."""
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stdout.fileno())


class _Closed(io.BytesIO):
    """Stands for a stream that whoever started the process has closed."""

    def read(self, _size: int | None = -1, /) -> Never:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard input")

    def write(self, _data: object, /) -> Never:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")


def _bytes_of(stream: TextIO | None) -> BinaryIO:
    return _Closed() if stream is None else stream.buffer


def printable(text: str) -> str:
    """Return a text without what a terminal would act on."""
    # Names may hold line breaks and escape sequences, which a terminal would obey, and bytes that
    # are no UTF-8, which Python keeps as halves of surrogate pairs.
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
