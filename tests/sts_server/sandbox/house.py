"""One OSS in memory, and requests to it that are signed and spoken as ASGI."""

import asyncio
import base64
import hmac
import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sts_server.sandbox.accounts import Accounts, Role, Session, User
from sts_server.sandbox.clock import Clock
from sts_server.sandbox.oss.request import read_request
from sts_server.sandbox.oss.service import OssService
from sts_server.sandbox.oss.signature import canonical_requests, signing_key, string_to_sign
from sts_server.sandbox.ram.document import parse_policy, parse_trust_policy
from sts_server.sandbox.seen import RequestLog
from sts_server.sandbox.store.body import CreateFile, create_file
from sts_server.sandbox.store.store import Store

NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
ACCOUNT = "1234567890123456"
NOTHING = parse_policy('{"Version":"1","Statement":[]}')
Message = MutableMapping[str, Any]


def allow(*actions: str) -> str:
    names = ",".join(f'"oss:{action}"' for action in actions)
    return (
        '{"Version":"1","Statement":[{"Effect":"Allow","Resource":"acs:oss:*:*:bkt/a/*",'
        f'"Action":[{names}]}}]}}'
    )


@dataclass
class Reply:
    """What was sent back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, code and EC, from the body or from `x-oss-err`."""
        text = self.body or base64.b64decode(self.headers["x-oss-err"])
        root = ET.fromstring(text)
        return self.status, root.findtext("Code", ""), root.findtext("EC", "")

    @property
    def xml(self) -> ET.Element:
        """The document that was sent back."""
        return ET.fromstring(self.body)


class House:
    """One OSS whose clock stands still, with a session that may get and put below `a/`."""

    def __init__(self, folder: Path, create: CreateFile = create_file, now: datetime = NOW) -> None:
        self.folder = folder
        self.clock = Clock(real=lambda: now)
        self.store = Store(folder, self.clock, durable=False, create=create)
        self.store.add_bucket("bkt")
        trust = parse_trust_policy('{"Version":"1","Statement":[]}')
        everything = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
        role = Role("r", ACCOUNT, trust, (parse_policy(everything),))
        self.user = User("u", ACCOUNT, "LTAIuser", "user-secret", (NOTHING,))
        self.owner = User("o", ACCOUNT, "LTAIowner", "owner-secret", (parse_policy(everything),))
        self.role = role
        self.accounts = Accounts([self.user, self.owner], [role], self.clock)
        policy = parse_policy(allow("GetObject", "PutObject"))
        self.session = self.accounts.assume(role, "s", timedelta(hours=1), policy)
        self.log = RequestLog()
        self.service = OssService(
            self.store, self.accounts, self.clock, self.log, region="cn-hangzhou", owner=ACCOUNT
        )

    def limited(self, *statements: Mapping[str, Any]) -> Session:
        """Open a session with these statements for its policy."""
        policy = parse_policy(json.dumps({"Version": "1", "Statement": statements}))
        return self.accounts.assume(self.role, "l", timedelta(hours=1), policy)

    def scope(
        self, method: str, path: str, headers: Mapping[str, str], who: User | Session
    ) -> dict[str, Any]:
        token = {"x-oss-security-token": who.security_token} if isinstance(who, Session) else {}
        given = {
            "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
            "x-oss-date": "20251201T083000Z",
            **token,
            **headers,
        }
        raw, _, query = path.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "raw_path": quote(raw).encode(),
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode(errors="surrogateescape")) for k, v in given.items()],
            "client": ("127.0.0.1", 1),
        }
        place = "20251201/cn-hangzhou/oss/aliyun_v4_request"
        canonical = next(canonical_requests(read_request(scope), ()))
        text = string_to_sign(given["x-oss-date"], place, canonical)
        key = signing_key(who.access_key_secret, place)
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        credential = f"Credential={who.access_key_id}/{place}"
        authorization = f"OSS4-HMAC-SHA256 {credential},Signature={signature}"
        scope["headers"].append((b"authorization", authorization.encode()))
        return scope

    def ask(
        self,
        method: str,
        path: str,
        pieces: tuple[bytes | None, ...] = (b"",),
        who: User | Session | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request; a piece that is None is a client that goes away."""
        named = dict(headers or {})
        if method == "PUT" and None not in pieces:
            named.setdefault("content-length", str(sum(len(piece or b"") for piece in pieces)))
        scope = self.scope(method, path, named, who or self.session)
        return asyncio.run(self.send(scope, pieces))

    async def send(self, scope: dict[str, Any], pieces: tuple[bytes | None, ...]) -> Reply:
        reply = Reply()
        waiting = list(pieces)

        async def receive() -> Message:
            if not waiting:
                await asyncio.Event().wait()
            piece = waiting.pop(0)
            if piece is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            reply.body += message.get("body", b"")

        await self.service(scope, receive, send)
        return reply

    def bodies(self) -> list[str]:
        """Name the files of all bodies."""
        return [path.name for path in (self.folder / "bodies").iterdir()]
