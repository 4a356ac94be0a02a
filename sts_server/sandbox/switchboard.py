"""What a control call does: to the clock, the sessions, the faults, the log, or to all of them."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sts_server.sandbox.accounts import Accounts
from sts_server.sandbox.clock import Clock, iso
from sts_server.sandbox.errors import FaultError
from sts_server.sandbox.faults.book import Book
from sts_server.sandbox.faults.rule import Rule
from sts_server.sandbox.seen import RequestLog
from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.store.store import Store

Members = dict[str, Any]
Call = Callable[[Members], Awaitable[Members]]


class RefusedError(Exception):
    """A control call that is answered with a status and a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Switchboard:
    """The parts that control calls reach, and the calls: JSON members in, JSON members out.

    Attributes:
        clock: Virtual time.
        accounts: Whose sessions expire and are revoked.
        log: The requests seen.
        store: The objects.
        faults: The rules.
        buckets: What there is at the start, and after a reset again.
    """

    clock: Clock
    accounts: Accounts
    log: RequestLog
    store: Store
    faults: Book
    buckets: tuple[Bucket, ...]

    def calls(self) -> Mapping[tuple[str, str], Call]:
        """Give every call by method and path."""
        return {
            ("GET", "/clock"): self._tell_time,
            ("POST", "/clock"): self._advance,
            ("POST", "/expire"): self._expire,
            ("POST", "/revoke"): self._revoke,
            ("POST", "/reset"): self._reset,
            ("GET", "/requests"): self._list_requests,
            ("DELETE", "/requests"): self._clear_requests,
            ("GET", "/faults"): self._list_faults,
            ("POST", "/faults"): self._add_fault,
            ("DELETE", "/faults"): self._clear_faults,
        }

    async def _tell_time(self, _members: Members) -> Members:
        return {"now": iso(self.clock.now()), "offset": self.clock.offset.total_seconds()}

    async def _advance(self, members: Members) -> Members:
        only(members, "advance")
        advance = members.get("advance")
        if isinstance(advance, bool) or not isinstance(advance, int | float):
            raise RefusedError(400, "advance is a number of seconds")
        try:
            self.clock.advance(timedelta(seconds=advance))
        except (ValueError, OverflowError) as error:
            raise RefusedError(400, f"advance cannot be used: {error}") from None
        return await self._tell_time({})

    async def _expire(self, members: Members) -> Members:
        return {"expired": self.accounts.expire(_key_id(members))}

    async def _revoke(self, members: Members) -> Members:
        return {"revoked": self.accounts.revoke(_key_id(members))}

    async def _reset(self, members: Members) -> Members:
        only(members)
        # Sessions first: turning the clock back must not bring any of them to life again.
        self.accounts.revoke()
        self.faults.clear()
        self.clock.reset()
        await self.store.clear(self.buckets)
        self.log.clear()
        return {}

    async def _list_requests(self, _members: Members) -> Members:
        return {"requests": self.log.as_json()}

    async def _clear_requests(self, _members: Members) -> Members:
        self.log.clear()
        return {}

    async def _list_faults(self, _members: Members) -> Members:
        return {"faults": self.faults.as_json()}

    async def _add_fault(self, members: Members) -> Members:
        try:
            return {"id": self.faults.add(Rule.read(members))}
        except FaultError as error:
            raise RefusedError(400, str(error)) from None

    async def _clear_faults(self, members: Members) -> Members:
        only(members, "id")
        number = members.get("id")
        if number is None:
            self.faults.clear()
        elif isinstance(number, bool) or not isinstance(number, int):
            raise RefusedError(400, "id is a whole number")
        elif not self.faults.remove(number):
            raise RefusedError(404, f"there is no fault {number}")
        return {}


def read_members(body: bytes) -> Members:
    """Read the JSON object of a call; nothing counts as an empty one.

    Raises:
        RefusedError: It is not a JSON object.
    """
    try:
        members = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise RefusedError(400, "the body is not JSON") from None
    if not isinstance(members, dict):
        raise RefusedError(400, "the body is not a JSON object")
    return members


def only(members: Members, *allowed: str) -> None:
    """Let no unknown member pass.

    Raises:
        RefusedError: There is one.
    """
    unknown = sorted(set(members) - set(allowed))
    if unknown:
        raise RefusedError(400, f"unknown member {unknown[0]!r}")


def _key_id(members: Members) -> str | None:
    only(members, "access_key_id")
    key_id = members.get("access_key_id")
    if key_id is not None and not isinstance(key_id, str):
        raise RefusedError(400, "access_key_id is text")
    return key_id
