"""Parts that the server's tests pass in: a clock that is set by hand, an STS that is told what to say."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.types import ASGIApp

from sts_server.callers.api_keys import digest
from sts_server.config import Settings, parse
from sts_server.lease import Lease, RoleRequest

T0 = 1_764_577_800  # 2025-12-01T08:30:00Z
ALICE_KEY = "osk_" + "a" * 43
BOB_KEY = "osk_" + "b" * 43
OWN_SECRET = "OwnLongLivedSecret"
ENVIRON = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": OWN_SECRET,
}

CONFIG = f"""
[oss]
bucket = "examplebucket"
region = "cn-hangzhou"

[sts]
role_arn = "acs:ram::1234567890123456:role/oss-vend"

[[callers.api_key]]
id = "alice"
sha256 = ["{digest(ALICE_KEY)}"]
groups = ["staff"]

[[callers.api_key]]
id = "bob"
sha256 = ["{digest(BOB_KEY)}"]

[[grants]]
name = "uploads"
prefix = "users/{{caller}}/"
actions = ["get", "put", "list"]
who = {{ callers = ["*"] }}

[[grants]]
name = "staff-only"
prefix = "staff/"
actions = ["get"]
who = {{ groups = ["staff"] }}
"""

TEAM = """
[[grants]]
name = "team"
prefix = "users/{claim.team}/"
actions = ["get", "list"]
who = { callers = ["alice"], groups = ["staff"], claims = { team = ["a", "b"], role = ["x"] } }
end_with_token = true
"""
"""A third grant, for CONFIG: by claims, for as long as a proof lasts."""


@dataclass
class SetClock:
    """Tells the time that a test set."""

    now: float = T0

    def __call__(self) -> float:
        return self.now


@dataclass
class ScriptedSts:
    """Gives numbered leases, after a gate opens if there is one; raises what it was told to."""

    clock: SetClock
    life: int = 3600
    error: BaseException | None = None
    gate: asyncio.Event | None = None
    asked: list[RoleRequest] = field(default_factory=list)

    async def __call__(self, request: RoleRequest) -> Lease:
        self.asked.append(request)
        number = len(self.asked)
        issued = int(self.clock())
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return Lease(
            access_key_id=f"STS.{number}",
            access_key_secret=f"secret-{number}",
            security_token=f"token-{number}",
            issued=issued,
            expiry=issued + self.life,
            sts_request_id=f"STS-REQUEST-{number}",
        )


def exchange(application: ASGIApp, url: str, method: str = "GET", **more: Any) -> httpx.Response:
    """Ask an application, without a socket."""

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application)) as client:
            return await client.request(method, url, **more)

    return asyncio.run(ask())


def read(text: str = CONFIG, environ: Mapping[str, str] = ENVIRON) -> Settings:
    """Read a configuration, the usual one by default."""
    return parse(text, environ)
