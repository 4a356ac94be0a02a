"""Lines that are appended to an open file without ever waiting for whoever reads it."""

import errno
import logging
import os
import select

_PIECE = 4096  # bytes: what a pipe that can be written to takes at once (pipe(7), PIPE_BUF)


class Lines:
    """Appends lines. A reader who stopped reading must not stop the server."""

    def __init__(self, file: int) -> None:
        """Write to an open file descriptor."""
        self._file = file
        self._torn = False
        self._room = select.poll()
        self._room.register(file, select.POLLOUT)

    def write(self, line: str) -> None:
        """Append one line. All of it stands in the file when this returns.

        Raises:
            OSError: it does not: the reader of a pipe does not keep up, or the disk is full.
        """
        text = f"{line}\n".encode()
        if self._torn:
            # What is left of the line before would swallow this one.
            text = b"\n" + text
        for start in range(0, len(text), _PIECE):
            self._put(text[start : start + _PIECE])
        self._torn = False

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _put(self, piece: bytes) -> None:
        if not self._room.poll(0):
            raise BlockingIOError(errno.EAGAIN, "whoever reads it does not keep up")
        self._torn = True
        if os.write(self._file, piece) != len(piece):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class LineHandler(logging.Handler):
    """Logs to lines; what cannot be written is lost, since nobody is there to be told."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            self._lines.write(self.format(record))
        except OSError:
            return
