"""Serving: where it listens, what it tells, and what it does not let a peer do."""

import resource
import socket

import pytest

from sts_server.serving import address_of, affordable, open_listener, server_config


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_no_answer_waits_for_an_acknowledgement(host: str) -> None:
    with open_listener(f"{host}:0") as listener:
        address = (host.strip("[]"), listener.getsockname()[1])
        with socket.create_connection(address), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("listen", "told"),
    [
        ("127.0.0.1:0", "http://127.0.0.1:"),
        ("[::1]:0", "http://[::1]:"),
        ("0.0.0.0:0", "http://127.0.0.1:"),
        ("[::]:0", "http://[::1]:"),
    ],
)
def test_the_address_it_tells_can_be_used_here(listen: str, told: str) -> None:
    with open_listener(listen) as listener:
        assert address_of(listen, listener) == f"{told}{listener.getsockname()[1]}"


def test_every_bound_is_set() -> None:
    config = server_config(lambda *_: None)  # type: ignore[arg-type]  # never called
    assert config.h11_max_incomplete_event_size == 16 * 1024
    assert config.timeout_graceful_shutdown == 15
    assert config.timeout_keep_alive == 75
    assert not config.proxy_headers
    assert config.ws == "none"


def test_room_is_made_for_connections_among_the_open_files() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, before[1]))
        assert affordable(100) == 100
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (300, before[1])
        assert affordable(400) == 400
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 400
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
