"""OIDC at the desk: a login speaks for its issuer alone, and verifies each token once."""

import asyncio

import pytest

from sts_server.callers.desk import Desk
from sts_server.callers.oidc.issuer import Issuer
from sts_server.callers.oidc.login import Oidc
from sts_server.errors import Unauthenticated
from sts_server.proof import Proof
from tests.sts_server.callers.oidc.mint import (
    ISSUER,
    OTHER_RSA,
    Keys,
    believed,
    jwk,
    jwks,
    login,
    table,
    token,
)
from tests.sts_server.parts import T0, SetClock


def test_at_the_desk_a_name_carries_the_logins_prefix() -> None:
    desk = Desk([login(more='groups_claim = "groups"')])
    shown = f"Bearer {token(groups=['staff'])}"
    caller = asyncio.run(
        desk.authenticate(Proof(lambda name: [shown] if name == "authorization" else [], "peer"))
    )
    assert (caller.id, caller.groups) == ("o:alice", frozenset({"o:staff"}))


def test_a_token_is_verified_once_and_ends_in_time() -> None:
    clock, keys = SetClock(), Keys(jwks(jwk()))
    at = Oidc(table(), Issuer(ISSUER, keys, stopwatch=lambda: 0.0), clock=clock)

    async def show() -> None:
        shown = token()
        first = await at.authenticate(shown)
        assert await at.authenticate(shown) is first
        clock.now = T0 + 3600 + 29
        assert await at.authenticate(shown) is first
        clock.now = T0 + 3600 + 30
        for _ in range(2):
            with pytest.raises(Unauthenticated, match="over"):
                await at.authenticate(shown)

    asyncio.run(show())
    assert keys.fetched == 1


def test_a_remembered_token_ends_with_its_key() -> None:
    now, keys = SetClock(0), Keys(jwks(jwk()))
    at = Oidc(table(), Issuer(ISSUER, keys, stopwatch=now), clock=SetClock())

    async def show() -> None:
        first = await at.authenticate(token())
        now.now += 301
        await at.authenticate(token())
        await asyncio.sleep(0)
        assert keys.fetched == 2
        assert await at.authenticate(token()) is first  # the keys are the same
        keys.text = jwks(jwk(OTHER_RSA, kid="2"))
        assert (await at.authenticate(token(OTHER_RSA, head={"kid": "2"}))).id == "alice"
        with pytest.raises(Unauthenticated, match="not its issuer's"):
            await at.authenticate(token())

    asyncio.run(show())


def test_nothing_of_a_token_is_kept() -> None:
    at, shown = login(), token()
    believed(shown, at)
    kept = repr(vars(at._memory._callers))
    assert "alice" in kept
    assert not any(part in kept for part in shown.split("."))
