"""One STS in memory, and calls to it that are signed and spoken as ASGI."""

import asyncio
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sts_server.sandbox.accounts import Accounts, Role, User
from sts_server.sandbox.clock import Clock
from sts_server.sandbox.ram.document import parse_policy, parse_trust_policy
from sts_server.sandbox.seen import RequestLog
from sts_server.sandbox.sts.oidc import Provider
from sts_server.sandbox.sts.service import StsService
from sts_server.sandbox.sts.signature import sign, string_to_sign

NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
ROLE = "acs:ram::1234567890123456:role/sandbox-role"
KEY, SECRET = "LTAI5tExampleAccessKeyId", "ExampleUserSecret0123456789"


def allow(action: str, **elements: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, **elements}
    return json.dumps({"Version": "1", "Statement": [statement]})


class House:
    """One STS with a clock that stands still, a user, and a role that wants an external id."""

    def __init__(self, trust: str | None = None, permission: str | None = None) -> None:
        self.clock = Clock(real=lambda: NOW)
        self.log = RequestLog()
        root = {"RAM": ["acs:ram::1234567890123456:root"]}
        user = User(
            "app",
            "1234567890123456",
            KEY,
            SECRET,
            (parse_policy(permission or allow("sts:AssumeRole", Resource=ROLE)),),
        )
        role = Role(
            "sandbox-role",
            "1234567890123456",
            parse_trust_policy(trust or allow("sts:AssumeRole", Principal=root)),
            (parse_policy(allow("oss:*", Resource="*")),),
        )
        self.accounts = Accounts([user], [role], self.clock)
        self.serve()
        self.nonce = 0

    def serve(self, providers: Iterable[Provider] = ()) -> None:
        self.service = StsService(self.accounts, self.clock, self.log, providers)

    def call(
        self,
        method: str = "POST",
        *,
        form: bool = False,
        secret: str = SECRET,
        **change: str | None,
    ) -> tuple[int, Any]:
        self.nonce += 1
        parameters = {
            "AccessKeyId": KEY,
            "Action": "AssumeRole",
            "Format": "JSON",
            "RoleArn": ROLE,
            "RoleSessionName": "alice",
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": str(self.nonce),
            "SignatureVersion": "1.0",
            "Timestamp": "2025-12-01T08:30:00Z",
            "Version": "2015-04-01",
            **change,
        }
        kept = {name: value for name, value in parameters.items() if value is not None}
        kept.setdefault("Signature", sign(secret, string_to_sign(method, kept)))
        return self.send(method, urlencode(kept), form=form)

    def send(self, method: str, encoded: str, *, form: bool = False) -> tuple[int, Any]:
        scope: dict[str, Any] = {
            "method": method,
            "raw_path": b"/",
            "query_string": b"" if form else encoded.encode(),
            "headers": [(b"host", b"sts.example")],
        }
        return self.deliver(scope, encoded.encode() if form else b"")

    def deliver(self, scope: dict[str, Any], body: bytes) -> tuple[int, Any]:
        sent: list[MutableMapping[str, Any]] = []

        async def collect(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self.service(scope, body, collect))
        start, end = sent
        if dict(start["headers"])[b"Content-Type"].startswith(b"application/json"):
            return start["status"], json.loads(end["body"])
        return start["status"], ET.fromstring(end["body"])
