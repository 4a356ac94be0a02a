"""What the vending server's 200 says, checked field by field and never echoed."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from sts_client.credentials import Credentials, Lease, Style
from sts_client.errors import BadLease, UsageError
from sts_client.source.origin import secure_origin

T = TypeVar("T")

# Each of these ends up in a URL or a header, so each is held to what it may be.
_VISIBLE = re.compile(r"[!-~]+")
_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9._-]+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_STYLE = re.compile(r"virtual|path|cname")
_ACTION = re.compile(r"[a-z]+")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{0,64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def lease_of(body: bytes, *, midpoint: float, allow_http: bool = False) -> Lease:
    """Read a lease.

    Args:
        body: of the answer.
        midpoint: local time halfway between question and answer, in seconds since the epoch: the
            moment that ``ServerTime`` is compared with.
        allow_http: accept an ``http://`` endpoint on another machine.

    Raises:
        BadLease: names the field that is missing or wrong; its value is not in the message.
    """
    fields = _Fields(_parsed(body), "")
    terms = _Fields(fields.value("Lease", dict), "Lease.")
    issued, expiry = fields.time("LastUpdated"), fields.time("Expiration")
    if expiry <= issued:
        raise BadLease("the lease ends before it begins: Expiration is not after LastUpdated")
    endpoint = terms.text("Endpoint", _VISIBLE)
    try:
        parts = secure_origin(endpoint, what="the lease's Endpoint", allow_http=allow_http)
    except UsageError as error:
        raise BadLease(str(error)) from None
    return Lease(
        credentials=Credentials(
            fields.text("AccessKeyId", _ACCESS_KEY_ID),
            fields.text("AccessKeySecret", _VISIBLE),
            fields.text("SecurityToken", _VISIBLE),
        ),
        bucket=terms.text("Bucket", _BUCKET),
        region=terms.text("Region", _REGION),
        endpoint=f"{parts.scheme}://{parts.netloc}",
        style=cast("Style", terms.text("Style", _STYLE)),
        prefix=terms.value("Prefix", str),
        actions=terms.actions("Actions"),
        issued=issued,
        refresh_after=terms.time("RefreshAfter") if "RefreshAfter" in terms.found else None,
        expiry=expiry,
        # ServerTime is cut to whole seconds: on average it was half a second later.
        offset=terms.time("ServerTime") + 0.5 - midpoint,
        request_id=terms.text("RequestId", _REQUEST_ID) if "RequestId" in terms.found else "",
    )


def _parsed(body: bytes) -> object:
    # The error leaves the `except` first: the library's, as its context, would carry the body.
    with suppress(RecursionError, ValueError):
        return json.loads(body)
    raise BadLease("the vending server's answer is not JSON: is this its address?")


class _Fields:
    """One JSON object, read by name; a wrong field is named by its path."""

    def __init__(self, found: object, path: str) -> None:
        if not isinstance(found, dict):
            raise BadLease("the vending server's answer is not a JSON object: is this its address?")
        self.found: Mapping[str, Any] = found
        self._path = path

    def value(self, name: str, kind: type[T]) -> T:
        found = self.found.get(name)
        if not isinstance(found, kind):
            raise self._wrong(name)
        return found

    def text(self, name: str, shape: re.Pattern[str]) -> str:
        found = self.value(name, str)
        if not shape.fullmatch(found):
            raise self._wrong(name)
        return found

    def time(self, name: str) -> float:
        found = self.text(name, _TIME)
        try:
            return datetime.strptime(found, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            raise self._wrong(name) from None

    def actions(self, name: str) -> tuple[str, ...]:
        found = self.value(name, list)
        if not all(isinstance(action, str) and _ACTION.fullmatch(action) for action in found):
            raise self._wrong(name)
        return tuple(found)

    def _wrong(self, name: str) -> BadLease:
        state = "not what it should be" if name in self.found else "missing"
        return BadLease(
            f"the vending server's answer is not a lease: {self._path}{name} is {state}; "
            f"check that the address is a vending server's and its version fits"
        )
