"""An exchange: one call until its answer, with another lease or attempt where that helps."""

from contextlib import suppress

from sts_client.credentials import Lease
from sts_client.errors import BadAnswer, ConnectFailed, OssError, TimedOut, TruncatedBody
from sts_client.objects.call import NOT_MODIFIED, OK, Call
from sts_client.objects.refusal import LARGEST_BODY, STALE_LEASE, WRONG_TIME, refusal_of
from sts_client.objects.steps import (
    Answer,
    Close,
    Mistimed,
    Pause,
    Refused,
    Steps,
    present,
    read,
    send,
)

RETRIES = 2
"""How often a request is sent again at the most, after what the next attempt may not meet."""
FIRST_PAUSE = 0.2
"""Seconds before the first of them; each further pause may be twice as long."""
MOST_PAUSE = 5.0
"""Seconds between two attempts at the most."""

_SERVER_ERROR = 500
_TOO_MANY = 429


def exchange(call: Call) -> Steps[Answer]:
    """Send a call until there is an answer.

    If OSS does not accept the lease it is sent once more with another one. If OSS fails, or the
    connection breaks, and the call may be repeated, it is sent at most `RETRIES` times again. Data
    that can be read only once is sent only once.

    Raises:
        StsClientError: there is no answer, or one that is no success.
    """
    failures = 0
    renewed = False
    lease = yield from present()
    while True:
        try:
            return (yield from _attempt(call, lease))
        except OssError as error:
            if error.code in STALE_LEASE | {WRONG_TIME} and not renewed:
                renewed = True
                # Told in any case, so that whatever comes next has a lease that works.
                lease = yield from _another(error.code, lease)
                if not _rewound(call):
                    raise _only_once(error) from None
                continue
            if not _may_pass(error):
                raise
            failures += 1
            if not _again(call, failures):
                raise
        except ConnectFailed:
            failures += 1
            if not _again(call, failures):
                raise
            if failures == 1:
                # Most often a kept connection that the other side had just closed.
                continue
        yield Pause(failures)
        lease = yield from present()


def pause(failures: int, jitter: float) -> float:
    """Return the seconds before the next attempt: anything up to a span that doubles each time.

    Args:
        failures: attempts that have failed, at least 1.
        jitter: 0 to 1.
    """
    return float(min(FIRST_PAUSE * 2.0 ** min(failures - 1, 16), MOST_PAUSE)) * jitter


def settle(answer: Answer) -> Steps[None]:
    """Let go of an answer whose body does not matter; unread it would cost its connection.

    What it says is in its head, so a body that breaks off changes nothing.
    """
    with suppress(TimedOut, TruncatedBody):
        yield from read(answer, LARGEST_BODY)


def _attempt(call: Call, lease: Lease) -> Steps[Answer]:
    answer = yield from send(call, lease)
    if answer.status in call.success:
        return answer
    if answer.status == OK:
        yield Close(answer)
        raise BadAnswer(f"{call}: the range was ignored, a proxy may have taken it out")
    if answer.status == NOT_MODIFIED:
        yield Close(answer)
        raise BadAnswer(f"{call}: not modified, says the answer, and nobody had asked for that")
    body = b""
    with suppress(TimedOut, TruncatedBody):
        body = yield from read(answer, LARGEST_BODY)
    raise refusal_of(answer.status, answer.headers, body, str(call))


def _another(code: str, lease: Lease) -> Steps[Lease]:
    key = lease.credentials.access_key_id
    other: Lease = yield (Refused(key) if code in STALE_LEASE else Mistimed(lease))
    return other


def _may_pass(error: OssError) -> bool:
    return error.status >= _SERVER_ERROR or error.status == _TOO_MANY


def _again(call: Call, failures: int) -> bool:
    return failures <= RETRIES and call.repeatable and _rewound(call)


def _rewound(call: Call) -> bool:
    return call.payload is None or call.payload.rewind()


def _only_once(error: OssError) -> OssError:
    return type(error)(
        f"{error}; its data cannot be read a second time: put it again, there is a new lease",
        status=error.status,
        code=error.code,
        ec=error.ec,
        request_id=error.request_id,
    )
