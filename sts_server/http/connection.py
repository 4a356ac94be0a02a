"""One connection: uvicorn's, with the bounds on time, size and number that uvicorn lacks.

uvicorn closes a connection that is idle after an answer, and no other: one that never says a word,
drips a head, or never reads its answers stays for as long as its peer likes.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import ClassVar

import h11
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from sts_server.http import answers
from sts_server.http.crowd import Crowd
from sts_server.http.envelope import new_id, sealed
from sts_server.http.heads import LARGEST, MALFORMED, TOO_LARGE, TOO_SLOW, Fault, has_body
from sts_server.http.seldom import Seldom

_log = logging.getLogger(__name__)

_PIECE = 4096  # bytes read at a time: h11 measures no head that came whole, asyncio reads 256 KiB
_LINGER_BYTES = 1024 * 1024  # that are thrown away while a peer hears why it is cut short
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
    b"Cache-Control: no-store\r\nConnection: close\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a peer is given.

    Attributes:
        head: from the connection's begin, or from a head's first byte, to the end of that head.
        reading: without taking any of an answer that is waiting to be sent.
        linger: to hear a refusal while still sending.
        last_call: at the server's end, for a request that is on its way on an idle connection.
    """

    head: float = 10
    reading: float = 30
    linger: float = 2
    last_call: float = 0.3


class Connection(H11Protocol, asyncio.BufferedProtocol):
    """One connection; `bounded` gives it its crowd and its patience."""

    crowd: ClassVar[Crowd]
    patience: ClassVar[Patience]
    seldom: ClassVar[Seldom]

    _inside = False  # of the crowd
    _ending = False  # the server is
    _hung_up = False  # on our side: what still comes is thrown away
    _thrown_away = 0  # bytes
    _peer = ""
    _landing = bytearray()  # what is read next comes here
    _slow: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Let a peer in, or say that there is no room."""
        super().connection_made(transport)
        if self.client is None:
            # It reset the connection before we looked: there is nobody to count, or to answer.
            transport.abort()
            return
        self._peer = self.client[0]
        self._inside = self.crowd.enter(self._peer)
        if not self._inside:
            self.seldom.warn(
                "no room for a connection of %s: %d are open, one address may have %d"
                " (server.max_connections)",
                self._peer,
                len(self.crowd),
                self.crowd.of_one,
            )
            transport.write(_FULL)
            transport.close()
            return
        self._slow = self.loop.call_later(self.patience.head, self._too_slow)
        # Whatever cannot be sent at once pauses writing: closing waits for it, too, without end.
        transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a peer."""
        if self._inside:
            self._inside = False
            self.crowd.leave(self._peer)
        self._stop_slow()
        self._stop_stuck()
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio's wish
        """Make room for one piece: the next one is read when this one is dealt with."""
        self._landing = bytearray(_PIECE)
        return self._landing

    def buffer_updated(self, nbytes: int) -> None:
        """Take one piece."""
        self.data_received(bytes(self._landing[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Take what has come, but nothing more of a request that is refused for its body."""
        if self._hung_up or self._is_sending_body:
            self._thrown_away += len(data)
            if self._thrown_away > _LINGER_BYTES:
                self.transport.abort()
            return
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            if self._slow is None and not self._is_over:
                self._slow = self.loop.call_later(self.patience.head, self._too_slow)
        elif self._slow is not None:
            self._stop_slow()
        if self._ending:
            self._answer_last()

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks, uvicorn never answers
        """Answer a peer that has said all it will say, and then close."""
        if self._is_answering:
            self._answer_last()
        return self._is_answering

    def on_response_complete(self) -> None:
        """Go on with the next request, if this one had no body that might hide one."""
        if has_body(self.headers) and not self.transport.is_closing():
            self._hang_up()
        else:
            super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words
        """Answer what is no HTTP, even if that shows only while a request is being answered."""
        self.seldom.warn("what %s sent is no HTTP/1.1", self._peer)
        too_large = len(self.conn.trailing_data[0]) > LARGEST
        self._refuse(TOO_LARGE if too_large else MALFORMED)

    def pause_writing(self) -> None:
        """Give a peer that does not read some time to do so."""
        super().pause_writing()
        if self._stuck is None:
            self._stuck = self.loop.call_later(self.patience.reading, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the peer reads."""
        super().resume_writing()
        self._stop_stuck()

    def shutdown(self) -> None:
        """Answer what was asked, say that it was the last answer, and close."""
        self._ending = True
        if self._is_answering:
            self._answer_last()
        else:
            # A request may be on its way, from a peer that cannot know yet.
            self.loop.call_later(self.patience.last_call, self._close_if_idle)

    @property
    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete

    @property
    def _is_sending_body(self) -> bool:
        return self._is_answering and has_body(self.headers)

    @property
    def _is_over(self) -> bool:
        return self._hung_up or self.transport.is_closing()

    def _answer_last(self) -> None:
        if self._is_answering and self.cycle.keep_alive:
            self.cycle.keep_alive = False
            # As if the peer had asked for it: so uvicorn says it in the answer, too.
            self.cycle.scope["headers"].append(CLOSE_HEADER)  # type: ignore[attr-defined]  # a list, by uvicorn's hand

    def _close_if_idle(self) -> None:
        if not self._is_answering:
            self.transport.close()

    def _too_slow(self) -> None:
        self._slow = None
        if self._is_over or self._is_answering:
            return
        if self.conn.trailing_data[0]:
            self._refuse(TOO_SLOW)
        else:
            self.transport.close()

    def _refuse(self, fault: Fault) -> None:
        is_head = False
        if self._is_answering:
            # The answer under way is for a request that does not end as one.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            is_head = self.cycle.scope["method"] == "HEAD"
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            request_id = new_id()
            problem = answers.problem(
                fault.status,
                fault.code,
                title=fault.title,
                detail=fault.detail,
                request_id=request_id,
                headers={"Connection": "close"},
            )
            head = h11.Response(
                status_code=fault.status, headers=sealed(problem.raw_headers, request_id)
            )
            body = b"" if is_head else bytes(problem.body)
            for event in (head, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self._hang_up()

    def _hang_up(self) -> None:
        """Close our side and wait a little: closing at once would take the answer back (RST)."""
        self._hung_up = True
        self._unset_keepalive_if_required()
        self._stop_slow()
        self.flow.resume_reading()
        with contextlib.suppress(OSError):  # the peer may be gone already
            self.transport.write_eof()
        self.loop.call_later(self.patience.linger, self.transport.close)

    def _stop_slow(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _stop_stuck(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


def bounded(crowd: Crowd, patience: Patience) -> type[Connection]:
    """Make the class whose connections share a crowd."""

    class Bounded(Connection):
        pass

    Bounded.crowd = crowd
    Bounded.patience = patience
    Bounded.seldom = Seldom(_log)
    return Bounded
