"""The requests of threads: runs each operation's steps, one after the other, until its result."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import requests
import urllib3

from sts_client.credentials import Lease, Style
from sts_client.errors import StsClientError, TruncatedBody
from sts_client.objects import operations
from sts_client.objects.byte_range import ByteRange
from sts_client.objects.call import Call
from sts_client.objects.exchange import pause
from sts_client.objects.head import NotModified
from sts_client.objects.reading import Object
from sts_client.objects.signed_url import SignedUrl
from sts_client.objects.signer import Signer
from sts_client.objects.steps import (
    Close,
    Mistimed,
    Pause,
    Present,
    Read,
    Refused,
    Send,
    Step,
    Steps,
)
from sts_client.objects.transport import Transport
from sts_client.provider import Leases
from sts_client.signing import Query
from sts_client.source import bounded

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What `requests` gives, as operations read it."""

    response: requests.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self.response.headers


def wait(failures: int) -> None:
    """Wait before the next attempt, for a time that chance decides."""
    time.sleep(pause(failures, random.random()))  # noqa: S311 - it hides nothing


class Objects:
    """The objects of the bucket that a provider's leases name; safe to share between threads.

    Args:
        provider: leases come from here, anew for each request.
        endpoint: used in place of the lease's.
        style: used in place of the lease's.
        allow_http: accept an ``http://`` endpoint on another machine.
        timeout: seconds to wait for a connection, and for each part of an answer.
        patience: seconds to wait for the whole body of an answer that is no object.
        clock: returns seconds since the epoch.
        stopwatch: returns seconds that no correction of the clock changes.
        wait: waits before the next attempt, after so many have failed.

    Raises:
        UsageError: the endpoint is none, or would show the security token to the network, or the
            style is none.
    """

    def __init__(
        self,
        provider: Leases,
        *,
        endpoint: str | None = None,
        style: Style | None = None,
        allow_http: bool = False,
        timeout: tuple[float, float] = (5.0, 60.0),
        patience: float = 60.0,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.monotonic,
        wait: Callable[[int], None] = wait,
    ) -> None:
        self._signer = Signer(endpoint=endpoint, style=style, allow_http=allow_http, clock=clock)
        self._provider = provider
        self._endpoint = endpoint
        self._style = style
        self._allow_http = allow_http
        self._patience = patience
        self._stopwatch = stopwatch
        self._wait = wait
        self._timeout = timeout
        self._transport = Transport(timeout)

    def __reduce__(self) -> tuple[Callable[[Leases], "Objects"], tuple[Leases]]:
        made = partial(
            Objects,
            endpoint=self._endpoint,
            style=self._style,
            allow_http=self._allow_http,
            timeout=self._timeout,
            patience=self._patience,
        )
        return made, (self._provider,)

    def get(
        self, key: str, headers: Mapping[str, str], byte_range: ByteRange | None = None
    ) -> Object | NotModified:
        """GetObject. The body is read from the answer, see `Object`."""
        found = self.run(operations.get(key, headers, byte_range))
        if isinstance(found, NotModified):
            return found
        answer: Any = found.answer
        return Object(found.head, answer.response, whole=found.whole)

    def presign(
        self, method: str, key: str, query: Query, headers: Mapping[str, str], seconds: int
    ) -> SignedUrl:
        """Sign a URL for whoever sends just these headers; it ends with the lease at the latest."""
        return self._signer.link(self._provider.lease(), method, key, query, headers, seconds)

    def close(self) -> None:
        """Close idle connections; the next request opens new ones."""
        self._transport.close()

    def run(self, steps: Steps[T]) -> T:
        """Do what an operation asks for until it returns; raises what it raises."""
        try:
            step = next(steps)
            while True:
                try:
                    came = self._do(step)
                except StsClientError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as end:
            result: T = end.value
            return result

    def _do(self, step: Step) -> Any:
        match step:
            case Present():
                return self._provider.lease()
            case Send(call, lease):
                return _Answer(self._transport.send(self._prepared(call, lease)))
            case Read(answer, most):
                return self._read(answer.response, most)
            case Refused(access_key_id):
                return self._provider.refused(access_key_id)
            case Mistimed(lease):
                return self._provider.mistimed(lease)
            case Close(answer):
                return answer.response.close()
            case Pause(failures):
                return self._wait(failures)

    def _read(self, response: requests.Response, most: int) -> bytes:
        with response:
            try:
                return bounded(response, most, seconds=self._patience, stopwatch=self._stopwatch)
            except (urllib3.exceptions.HTTPError, OSError):
                raise TruncatedBody("the connection broke within an answer: try again") from None

    def _prepared(self, call: Call, lease: Lease) -> requests.PreparedRequest:
        signed = self._signer.signed(call, lease)
        prepared = requests.PreparedRequest()
        prepared.prepare_method(signed.method)
        # Set, not prepared: that would decode parts of the key and resolve its dots.
        prepared.url = signed.url
        prepared.prepare_headers(signed.headers)
        if call.payload is not None:
            body: Any = call.payload.chunks()  # which the library takes, its annotation does not
            prepared.body = body
        return prepared
