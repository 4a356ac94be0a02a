"""The documents of the sandbox under arbitrary input: policies, rules, configurations, control calls."""

import asyncio
import json
import string
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sts_server.sandbox.config import parse
from sts_server.sandbox.controls import Controls
from sts_server.sandbox.errors import FaultError, PolicyError, SettingError
from sts_server.sandbox.faults.book import Book
from sts_server.sandbox.faults.rule import Rule, Target
from sts_server.sandbox.jwks import parse_jwks
from sts_server.sandbox.ram.document import parse_policy, parse_trust_policy
from sts_server.sandbox.settings import Settings
from sts_server.sandbox.switchboard import Switchboard
from tests.sts_server.sandbox.house import NOW, House

EXAMPLE = (Path(__file__).parents[3] / "deploy" / "sandbox.toml").read_text(encoding="utf-8")
# The deadline is what makes a hang, or a pattern gone quadratic, a failure.
brief = settings(max_examples=150, deadline=timedelta(seconds=2))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    running = House(tmp_path_factory.mktemp("fuzz"))
    yield running
    running.store.close()


STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny", "allow", 1])},
    optional={
        "Action": JSON | st.sampled_from(["oss:*", ["oss:GetObject"], "*" * 50]),
        "Resource": JSON | st.sampled_from(["*", "acs:oss:*:*:b/*", "acs:" + "*" * 50 + ":a:b:c"]),
        "Principal": JSON | st.just({"RAM": ["acs:ram::1:root"]}),
        "Condition": JSON
        | st.dictionaries(
            st.sampled_from(["StringLike", "IpAddress", "DateLessThan", "Bool", "NumericEquals"]),
            st.dictionaries(st.sampled_from(["oss:Prefix", "acs:SourceIp", "x"]), JSON, max_size=2),
            max_size=2,
        ),
    },
)
POLICIES = (
    st.text()
    | JSON.map(json.dumps)
    | st.lists(STATEMENTS, max_size=3).map(
        lambda statements: json.dumps({"Version": "1", "Statement": statements})
    )
)


@brief
@given(text=POLICIES)
@pytest.mark.parametrize("read", [parse_policy, parse_trust_policy])
def test_policies(read: Callable[[str], object], text: str) -> None:
    with suppress(PolicyError):
        read(text)


RULES = st.dictionaries(
    st.sampled_from(sorted(Rule.__dataclass_fields__)) | st.text(max_size=5), JSON
)
GOOD_RULES = st.fixed_dictionaries(
    {"latency": st.floats(0, 60)},
    optional={"key": st.text(min_size=1, max_size=30), "nth": st.integers(1, 9)},
)


@brief
@given(members=RULES | GOOD_RULES, key=st.text(max_size=50))
def test_fault_rules(members: dict[str, Any], key: str) -> None:
    with suppress(FaultError):
        book = Book()
        book.add(Rule.read(members))
        book.strike(Target("oss", "PutObject", key))
        json.dumps(book.as_json())


@brief
@given(
    text=st.text()
    | st.builds(
        lambda at, junk: EXAMPLE[:at] + junk + EXAMPLE[at + len(junk) :],
        st.integers(0, len(EXAMPLE)),
        st.text(string.printable + "\x00\u0661", max_size=8),
    )
)
def test_configurations(text: str) -> None:
    with suppress(SettingError):
        parse(text, Settings(access_key_id="LTAIx"), user_name="sandbox", now=NOW, read=str)


JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "foVJ",
    "y": "OrcA",
    "n": "AQ",
    "e": "AQAB",
    "alg": "RS256",
}
JWK_VALUES = JSON | st.sampled_from(
    ["EC", "RSA", "OKP", "P-256", "P-521", "Ed25519", "ES384", "AQAB"]
)


@brief
@given(keys=JSON | st.lists(st.dictionaries(st.sampled_from(sorted(JWK)), JWK_VALUES), max_size=3))
def test_jwk_sets(keys: Any) -> None:
    with suppress(SettingError):
        parse_jwks(json.dumps({"keys": keys}))
    if isinstance(keys, dict):
        with suppress(SettingError):
            parse_jwks(json.dumps({"keys": [{**JWK, **keys}]}))


@brief
@given(
    call=st.sampled_from(["clock", "expire", "revoke", "faults"]),
    body=st.binary()
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(
        st.sampled_from(["advance", "access_key_id", "id", *Rule.__dataclass_fields__]), JSON
    ).map(lambda value: json.dumps(value).encode()),
)
def test_control_calls(house: House, call: str, body: bytes) -> None:
    switchboard = Switchboard(house.clock, house.accounts, house.log, house.store, Book(), ())
    status = asyncio.run(control(Controls(switchboard, "token", 1).app(), f"/{call}", body))
    assert status in (200, 400)


async def control(app: Callable[..., Awaitable[None]], path: str, body: bytes) -> int:
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:1"), (b"authorization", b"Bearer token")],
    }
    await app(scope, receive, send)
    return status
