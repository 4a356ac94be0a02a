"""The body of an answer, with an end in bytes and in seconds."""

from collections.abc import Callable

import requests

from sts_client.errors import TimedOut


def bounded(
    answer: requests.Response, most: int, *, seconds: float, stopwatch: Callable[[], float]
) -> bytes:
    """Return a body, or what it begins with.

    Not decoded: nothing here asks for compression, and a bomb stays small.

    Args:
        answer: its body unread.
        most: bytes to read.
        seconds: all of it has to come within; the time-out of a socket begins anew with each byte.
        stopwatch: returns seconds since whenever.

    Raises:
        TimedOut: it has not come by then.
    """
    body = bytearray()
    end = stopwatch() + seconds
    # Until nothing comes: only then does the library notice that a body ended early.
    while len(body) < most:
        chunk: bytes = answer.raw.read1(most - len(body), decode_content=False)
        if not chunk:
            break
        body += chunk
        if stopwatch() > end:
            raise TimedOut.endless(seconds)
    return bytes(body)
