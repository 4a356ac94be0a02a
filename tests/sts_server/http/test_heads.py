"""Heads: what is too much, exactly."""

import pytest

from sts_server.http.heads import Headers, fault, has_body

FEW = [(b"host", b"a")]


@pytest.mark.parametrize(
    ("path", "query", "headers", "status"),
    [
        (b"/", b"", FEW, None),
        (b"/" * 7000, b"x" * 1000, FEW, None),
        (b"/" * 7000, b"x" * 1001, FEW, 414),
        (b"/", b"", FEW * 100, None),
        (b"/", b"", FEW * 101, 431),
        (b"/", b"", [(b"content-length", b"1")], 413),
    ],
)
def test_a_head_is_refused_for_the_first_thing_wrong(
    path: bytes, query: bytes, headers: list[tuple[bytes, bytes]], status: int | None
) -> None:
    found = fault(path, query, headers)
    assert (found.status if found else None) == status


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FEW, False),
        ([(b"content-length", b"0")], False),
        ([(b"content-length", b"00")], False),
        ([(b"content-length", b"10")], True),
        ([(b"transfer-encoding", b"chunked")], True),
        ([(b"content-length", b"0"), (b"transfer-encoding", b"chunked")], True),
    ],
)
def test_a_body_is_known_by_what_announces_it(headers: Headers, *, body: bool) -> None:
    assert has_body(headers) is body
