"""A proxy's headers on the real server, byte by byte: no spelling of them makes anybody somebody else."""

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sts_server.app import App
from sts_server.audit import Record
from tests.sts_server.http.house import serving
from tests.sts_server.parts import ALICE_KEY, CONFIG, ScriptedSts, SetClock, read

SECRET = "s" * 32
USER, SHOWN = b"X-Forwarded-User: carol\r\n", f"X-Forwarded-Secret: {SECRET}\r\n".encode()
GET = b"GET /v1/credentials/uploads HTTP/1.1\r\nHost: a\r\n"
TABLE = """
[server]
proxies = ["127.0.0.0/8", "{network}"]
[callers.forwarded]
networks = ["{network}"]
secret_file = "{file}"
groups_header = "X-Forwarded-Groups"
id_prefix = "proxy:"
"""

LAST = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

Outcome = tuple[int, str]

ALIVE: Outcome = (200, "alive")


@dataclass
class House:
    """A server that believes a proxy."""

    port: int
    audit: list[Record]

    def exchange(self, sent: bytes) -> list[Outcome]:
        """Send bytes, and give what is answered: a status, and the prefix or the code.

        A last request shows where the server believes that the others end.
        """
        answers = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(sent + LAST)
            with contextlib.suppress(OSError):  # it need not read to the end what is no HTTP
                while part := connection.recv(65536):
                    answers += part
        outcomes = [_outcome(it) for it in answers.split(b"HTTP/1.1 ")[1:]]
        if outcomes[-1] == ALIVE:
            return outcomes[:-1]
        assert outcomes[-1][0] in (400, 413) or b"close" in sent  # it hung up
        return outcomes

    def get(self, *lines: bytes) -> Outcome:
        """Ask for a lease with some header lines, on a connection of its own."""
        (outcome,) = self.exchange(GET + b"".join(lines) + b"\r\n")
        return outcome


def _outcome(answer: bytes) -> Outcome:
    body = answer.partition(b"\r\n\r\n")[2]
    if not body.startswith(b"{"):
        return int(answer[:3]), ""
    told = json.loads(body)
    if told == {"status": "alive"}:
        return ALIVE
    return int(answer[:3]), told["Lease"]["Prefix"] if "Lease" in told else told["Code"]


def house_of(network: str, folder: Path) -> Iterator[House]:
    clock = SetClock()
    file = folder / "secret"
    file.write_text(SECRET)
    file.chmod(0o600)
    audit: list[Record] = []
    settings = read(CONFIG + TABLE.format(network=network, file=file))
    application = App(settings, assume_role=ScriptedSts(clock), audit=audit.append, clock=clock)
    with serving(application) as url:
        yield House(int(url.rpartition(":")[2]), audit)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from house_of("127.0.0.0/8", tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Serve one whose proxy calls from elsewhere: whoever calls here is not it."""
    yield from house_of("10.0.0.5", tmp_path_factory.mktemp("far"))


CAROL: Outcome = (200, "users/proxy:carol/")
NOBODY: Outcome = (401, "Unauthenticated")
TWO: Outcome = (400, "InvalidArgument")
NO_HTTP: Outcome = (400, "")
BODY: Outcome = (413, "ContentTooLarge")


@pytest.mark.parametrize(
    "lines",
    [
        (USER, SHOWN),
        (SHOWN, USER),
        (USER.lower(), SHOWN.replace(b"X-Forwarded-Secret", b"X-FORWARDED-SECRET")),
        (b"X-Forwarded-User:carol\r\n", SHOWN),
        (b"X-Forwarded-User: \t carol \t \r\n", SHOWN),
        (USER, SHOWN, b"Connection: close, X-Forwarded-User, X-Forwarded-Secret\r\n"),
        (USER, SHOWN, b"X-Forwarded-For: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\n"),
        (USER, SHOWN, b"X_Forwarded_User: bob\r\nX-Forwarded_User: bob\r\nX.Forwarded.User: bob\r\n"),
        (USER, SHOWN, b"X_Forwarded_Groups: staff\r\nX_Forwarded_Secret: x\r\nHTTP_X_FORWARDED_USER: bob\r\n"),
    ],
)  # fmt: skip
def test_the_proxy_is_understood(house: House, lines: tuple[bytes, ...]) -> None:
    assert house.get(*lines) == CAROL


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        # other names are not these names
        ((b"X_Forwarded_User: carol\r\n", SHOWN), NOBODY),
        ((b"X-Forwarded_User: carol\r\n", SHOWN), NOBODY),
        ((b"XForwardedUser: carol\r\n", SHOWN), NOBODY),
        ((b"HTTP_X_FORWARDED_USER: carol\r\n", SHOWN), NOBODY),
        ((b"X-Forwarded-Users: carol\r\n", SHOWN), NOBODY),
        ((USER, b"X_Forwarded_Secret: " + SECRET.encode() + b"\r\n"), NOBODY),
        ((USER, b"X-Forwarded-Secret: " + b"x" * 32 + b"\r\n"), NOBODY),
        ((USER,), NOBODY),
        ((SHOWN,), NOBODY),
        # sent twice, in any spelling and anywhere
        ((USER, USER, SHOWN), TWO),
        ((USER, SHOWN, USER), TWO),
        ((USER, USER.lower(), SHOWN), TWO),
        ((USER, b"x-forwarded-user: bob\r\n", SHOWN), TWO),
        ((b"X-Forwarded-User:\r\n", USER, SHOWN), TWO),
        ((USER, SHOWN, SHOWN), TWO),
        ((USER, SHOWN, b"X-FORWARDED-SECRET: x\r\n"), TWO),
        ((USER, SHOWN, b"X-Forwarded-Groups: a\r\nx-forwarded-groups: staff\r\n"), TWO),
        # one line that could be two
        ((b"X-Forwarded-User: carol, bob\r\n", SHOWN), TWO),
        ((b"X-Forwarded-User: carol\r\n bob\r\n", SHOWN), TWO),
        ((b"X-Forwarded-User: carol\r\n\tbob\r\n", SHOWN), TWO),
        ((b"X-Forwarded-User:\r\n", SHOWN), TWO),
        ((b"X-Forwarded-User: \t \r\n", SHOWN), TWO),
        ((b"X-Forwarded-User: carol\x01\r\n", SHOWN), TWO),
        ((b"X-Forwarded-User: carol\x7f\r\n", SHOWN), TWO),
        ((b"X-Forwarded-User: zo\xc3\xab\r\n", SHOWN), TWO),
        ((b"X-Forwarded-User: carol\xa0\r\n", SHOWN), TWO),
        ((b"X-Forwarded-User: carol\x0bbob\r\n", SHOWN), NO_HTTP),
        # two proofs
        ((USER, SHOWN, f"Authorization: Bearer {ALICE_KEY}\r\n".encode()), TWO),
        ((USER, f"Authorization: Bearer {ALICE_KEY}\r\n".encode()), TWO),
        ((SHOWN, f"Authorization: Bearer {ALICE_KEY}\r\n".encode()), TWO),
        ((USER, SHOWN, b"Authorization:\r\n"), TWO),
        # no HTTP at all
        ((b"X-Forwarded-User : carol\r\n", SHOWN), NO_HTTP),
        ((b"X-Forwarded-User\t: carol\r\n", SHOWN), NO_HTTP),
        ((b" X-Forwarded-User: carol\r\n", SHOWN), NOBODY),  # a fold: more of Host
        ((b"X-Forwarded-User\r\n", SHOWN), NO_HTTP),
        ((b": carol\r\n", SHOWN), NO_HTTP),
        ((b"X-Forwarded-User: carol\x00\r\n", SHOWN), NO_HTTP),
        ((b"X-Forwarded-User\xc3\xab: carol\r\n", SHOWN), NO_HTTP),
    ],
)  # fmt: skip
def test_no_spelling_makes_somebody(
    house: House, lines: tuple[bytes, ...], outcome: Outcome
) -> None:
    status, said = house.get(*lines)
    assert (status, said if outcome[1] else "") == outcome
    assert SECRET not in json.dumps(house.audit)


def test_a_fold_before_the_secret_makes_nobody(house: House) -> None:
    assert house.get(b"X-Forwarded-User:\r\n carol\r\n", SHOWN) in (CAROL, TWO)
    assert house.get(USER, b"X: y\r\n X-Forwarded-Secret: " + SECRET.encode() + b"\r\n") == NOBODY


def test_a_bare_line_feed_ends_no_value(house: House) -> None:
    """A proxy that lets a line feed pass would let its client write a header."""
    outcome = house.get(b"X-Name: x\nX-Forwarded-User: bob\r\n", USER, SHOWN)
    assert outcome[0] == 400


def test_a_trailer_is_no_header(house: House) -> None:
    chunked = b"Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-User\r\n"
    end = b"0\r\n" + USER + SHOWN + b"\r\n"
    assert house.exchange(GET + chunked + b"\r\n" + end) == [BODY]
    assert house.exchange(GET + chunked + SHOWN + b"\r\n" + b"0\r\n" + USER + b"\r\n") == [BODY]


def test_a_second_request_on_a_connection_has_no_word_of_the_first(house: House) -> None:
    first, second = GET + USER + SHOWN + b"\r\n", GET + b"\r\n"
    assert house.exchange(first + second) == [CAROL, NOBODY]
    bob = GET + b"X-Forwarded-User: bob\r\n" + SHOWN + b"\r\n"
    assert house.exchange(first + bob + second) == [CAROL, (200, "users/proxy:bob/"), NOBODY]


def test_a_request_inside_a_body_is_none(house: House) -> None:
    inside = GET + b"X-Forwarded-User: bob\r\n\r\n"
    length = f"Content-Length: {len(inside)}\r\n\r\n".encode()
    assert house.exchange(GET + USER + SHOWN + length + inside) == [BODY]
    both = b"Transfer-Encoding: chunked\r\n" + length + b"0\r\n\r\n" + inside
    assert house.exchange(GET + USER + SHOWN + both) == [BODY]


@pytest.mark.parametrize(
    "line",
    [b"", b"X-Forwarded-For: 10.0.0.5\r\n", b"Forwarded: for=10.0.0.5\r\n", b"X-Real-IP: 10.0.0.5\r\n", b"X-Client-IP: 10.0.0.5\r\nCF-Connecting-IP: 10.0.0.5\r\n"],
)  # fmt: skip
def test_the_peer_is_the_peer(far: House, line: bytes) -> None:
    assert far.get(USER, SHOWN, line) == NOBODY
    assert far.audit[-1]["peer"] == "127.0.0.1"


def test_a_proxy_line_in_front_is_no_http(far: House) -> None:
    outcomes = far.exchange(b"PROXY TCP4 10.0.0.5 10.0.0.1 1 1\r\n" + GET + USER + SHOWN + b"\r\n")
    assert all(it[0] == 400 for it in outcomes)


def test_groups_do_not_leak_into_a_bearers_request(house: House) -> None:
    groups = b"X-Forwarded-Groups: staff\r\n"
    path = GET.replace(b"uploads", b"staff-only")
    key = b"Authorization: Bearer osk_" + b"b" * 43 + b"\r\n"
    assert house.exchange(path + key + groups + b"\r\n") == [(403, "GrantDenied")]
    # Nor is a proxy's staff that of the keys.
    assert house.exchange(path + USER + SHOWN + groups + b"\r\n") == [(403, "GrantDenied")]
