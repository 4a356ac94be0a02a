"""One connection: what a slow, a silent, a greedy or a crowding peer gets, through real sockets."""

import socket
import struct
import time
from asyncio import BufferedProtocol, new_event_loop
from contextlib import ExitStack
from dataclasses import replace

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from sts_server.http.connection import Connection, Patience
from sts_server.http.crowd import Crowd
from sts_server.http.peers import Peers
from sts_server.serving import open_listener, server_config
from tests.sts_server.http.house import House, exchange, heard, one_answer, running, serving
from tests.sts_server.parts import ALICE_KEY

HASTY = Patience(head=0.3, reading=0.3, linger=0.3, last_call=0)
ASK = b"GET /v1/credentials/uploads HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n"
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


def test_who_says_nothing_is_let_go() -> None:
    with running(patience=HASTY) as house, house.connect() as silent:
        begun = time.perf_counter()
        assert heard(silent) == b""
        assert 0.2 < time.perf_counter() - begun < 5


@pytest.mark.parametrize("before", [b"", ALIVE])
def test_a_head_that_drips_is_cut_off(before: bytes) -> None:
    """Each drop is in time; the head is not."""
    with running(patience=HASTY) as house, house.connect() as slow:
        slow.settimeout(0.05)
        slow.sendall(before)
        said = b""
        begun = time.perf_counter()
        while time.perf_counter() - begun < 5 and b" 408 " not in said:
            slow.sendall(b"G")
            try:
                said += slow.recv(65536)
            except TimeoutError:
                continue
        said += heard(slow)
        assert b"HTTP/1.1 408 " in said
        assert b"RequestTimeout" in said
        assert said.count(b"HTTP/1.1 200 ") == (1 if before else 0)


def test_a_kept_connection_is_not_hurried_by_the_head_it_had() -> None:
    with running(patience=HASTY) as house, house.connect() as kept:
        for _ in range(3):
            kept.sendall(ALIVE)
            assert one_answer(kept).startswith(b"HTTP/1.1 200 ")
            time.sleep(0.4)  # more than a head may take


def test_a_request_may_take_longer_than_its_head() -> None:
    with running(patience=HASTY, latency=0.8) as house, house.connect() as patient:
        patient.sendall(ASK % ALICE_KEY.encode())
        assert one_answer(patient).startswith(b"HTTP/1.1 200 ")


def test_a_body_is_never_waited_for() -> None:
    with running(patience=HASTY) as house, house.connect() as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        answer = heard(slow)
        assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_without_end_is_cut_off_and_the_refusal_is_heard() -> None:
    with running(patience=replace(HASTY, linger=30)) as house, house.connect() as greedy:
        greedy.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        assert one_answer(greedy).startswith(b"HTTP/1.1 413 ")
        with pytest.raises(ConnectionError):
            greedy.sendall(b"x" * 50_000_000)


@pytest.mark.parametrize("before", [b"", ALIVE])
def test_a_body_is_not_read_on_once_its_request_is_refused(house: House, before: bytes) -> None:
    """Each of its chunks would cost as much as a request. That the last is none is never seen."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = exchange(house, before + head + b"1\r\na\r\n" * 4000 + b"zz\r\n")
    assert answer.count(b"HTTP/1.1 200 ") == (1 if before else 0)
    assert answer.count(b"HTTP/1.1 413 ") == 1
    assert b"HTTP/1.1 400 " not in answer


def test_a_pipeline_waits_outside() -> None:
    """What asyncio reads at once, a quarter of a megabyte, would be held for each connection."""
    config = server_config(lambda *_: None)  # type: ignore[arg-type]  # never called
    assert isinstance(config.http, type)
    assert issubclass(config.http, Connection)
    assert issubclass(config.http, BufferedProtocol)  # else asyncio does not ask
    loop = new_event_loop()
    assert len(config.http(config, ServerState(), {}, loop).get_buffer(-1)) == 4096
    loop.close()


async def answer_all(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without a look at who asks."""
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
    else:
        assert scope["client"] is not None
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


@pytest.mark.parametrize("reset", [True, False])
def test_who_has_left_before_we_looked_leaves_no_trace(
    caplog: pytest.LogCaptureFixture, reset: bool
) -> None:
    """A reset takes the peer's name away; after a mere end, our answer is what brings the reset."""
    listener = open_listener("127.0.0.1:0")
    for _ in range(10):
        with socket.create_connection(listener.getsockname(), timeout=20) as gone:
            gone.sendall(b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            if reset:
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with (
        serving(answer_all, patience=HASTY, listener=listener),
        socket.create_connection(listener.getsockname(), timeout=20) as last,
    ):
        last.sendall(ALIVE)
        assert last.recv(65536).startswith(b"HTTP/1.1 204 ")
    assert caplog.records == []


def test_who_does_not_read_is_let_go() -> None:
    async def long(send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
        else:
            await long(send)

    with serving(app, patience=HASTY) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as deaf:
            deaf.sendall(ALIVE)
            time.sleep(1)
            # What was on its way comes, and then no more.
            assert len(heard(deaf)) < 50_000_000


def ask_on(connection: socket.socket) -> None:
    """Ask until there is no more room on the way, and then wait."""
    while True:
        connection.sendall(ALIVE * 1000)


def test_who_asks_on_and_reads_no_answer_is_let_go() -> None:
    with running("max_connections = 10", patience=HASTY) as house, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        deaf.settimeout(20)
        deaf.connect(("127.0.0.1", int(house.url.rpartition(":")[2])))
        with pytest.raises(ConnectionError):
            ask_on(deaf)


def test_a_malformed_end_of_a_request_leaves_no_trace_in_the_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The head is answered as the body turns out to be nonsense: neither disturbs the other."""
    head = b"GET /v1/credentials/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for rest in (b"zz\r\n", b"5\r\nhelloXX", b"-1\r\n\r\n"):
        answer = exchange(house, head + rest)
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))
        assert answer.count(b"HTTP/1.1 ") == 1
    answer = exchange(house, head.replace(b"GET", b"HEAD") + b"zz\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"\r\n\r\n")
    assert "Traceback" not in caplog.text
    assert "Exception" not in caplog.text


def test_nonsense_is_one_line_in_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(30):
        assert exchange(house, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        exchange(
            house, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
    assert len(caplog.records) == 1


def is_alive(connection: socket.socket) -> bool:
    connection.sendall(ALIVE)
    return one_answer(connection).startswith(b"HTTP/1.1 200 ")


def test_one_address_holds_a_tenth_of_the_places(caplog: pytest.LogCaptureFixture) -> None:
    with running("proxies = []\nmax_connections = 30") as house, ExitStack() as held:
        first, *others = [held.enter_context(house.connect()) for _ in range(3)]
        assert all(is_alive(connection) for connection in (first, *others))
        for _ in range(5):
            with house.connect() as fourth:
                answer = heard(fourth)
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert b"\r\nRetry-After: " in answer
        first.close()
        # The place is free as soon as the server has seen it.
        for _ in range(50):
            if exchange(house, ALIVE).startswith(b"HTTP/1.1 200 "):
                break
            time.sleep(0.05)
        else:
            pytest.fail("no place became free")
        assert all(is_alive(connection) for connection in others)
    assert sum("no room for a connection" in line for line in caplog.messages) == 1


def test_a_full_house_takes_nobody_in_and_goes_on() -> None:
    with running("max_connections = 10") as house, ExitStack() as opened:
        held = [opened.enter_context(house.connect()) for _ in range(10)]
        assert all(is_alive(connection) for connection in held)
        assert exchange(house, b"").startswith(b"HTTP/1.1 503 ")
        assert all(is_alive(connection) for connection in held)


def test_a_crowd_forgets_who_left() -> None:
    crowd = Crowd(100, Peers(["127.0.0.1"]))
    assert [crowd.enter("10.0.0.1") for _ in range(11)] == [True] * 10 + [False]
    assert [crowd.enter("127.0.0.1") for _ in range(91)] == [True] * 90 + [False]
    assert not crowd.enter("10.0.0.2")
    crowd.leave("10.0.0.1")
    assert crowd.enter("10.0.0.2")
    assert len(crowd) == 100
    for _ in range(9):
        crowd.leave("10.0.0.1")
    for _ in range(90):
        crowd.leave("127.0.0.1")
    crowd.leave("10.0.0.2")
    assert len(crowd) == 0
