"""Revoke and reset: tokens that are unknown from now on, and a sandbox that begins anew."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sts_server.sandbox import ControlError, Sandbox
from tests.integration.signed import Call, Lease, send

PUT = Call("PUT", "users/alice/a", body=b"hello")
GET = Call("GET", "users/alice/a", body=None)
UNKNOWN = (403, "InvalidAccessKeyId", "0002-00000002")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One of its own, since a reset takes everything."""
    with Sandbox() as running:
        yield running


def test_a_revoked_token_is_unknown(sandbox: Sandbox, own_lease: Lease) -> None:
    assert send(sandbox, own_lease, PUT)[0] == 200
    assert sandbox.revoke("STS.nobody") == 0
    assert sandbox.revoke(own_lease["AccessKeyId"]) == 1
    assert send(sandbox, own_lease, GET) == UNKNOWN
    assert sandbox.expire(own_lease["AccessKeyId"]) == 0
    with pytest.raises(ControlError, match="400: access_key_id is text"):
        sandbox.revoke(1)  # type: ignore[arg-type] # what is refused


def test_a_reset_forgets_everything(sandbox: Sandbox, own_lease: Lease) -> None:
    assert send(sandbox, own_lease, PUT)[0] == 200
    sandbox.advance(100)
    sandbox.fault(latency=0.001)
    sandbox.reset()
    assert sandbox.requests() == []
    assert sandbox.faults() == []
    assert abs(sandbox.now() - datetime.now(UTC)) < timedelta(seconds=10)
    assert send(sandbox, own_lease, GET) == UNKNOWN
    owner = {
        "AccessKeyId": sandbox.access_key_id,
        "AccessKeySecret": sandbox.access_key_secret,
    }
    assert send(sandbox, owner, GET)[:2] == (404, "NoSuchKey")
    assert send(sandbox, owner, PUT)[0] == 200
    assert send(sandbox, owner, GET)[0] == 200
