"""Reads the answers of STS. Pure."""

import json
from typing import Any

from sts_server.clock import from_wire
from sts_server.errors import UpstreamFailure
from sts_server.identity import Identity
from sts_server.lease import Lease
from sts_server.upstream.failures import over_already, unavailable


def read_lease(body: bytes, issued: int) -> Lease:
    """Read the answer to AssumeRole.

    Args:
        body: JSON.
        issued: when it was asked for, seconds since the epoch.

    Raises:
        UpstreamUnavailable: it is not such an answer.
        UpstreamRefused: the lease is over already.
    """
    try:
        answer = json.loads(body)
        keys = answer["Credentials"]
        lease = Lease(
            access_key_id=_text(keys["AccessKeyId"]),
            access_key_secret=_text(keys["AccessKeySecret"]),
            security_token=_text(keys["SecurityToken"]),
            issued=issued,
            expiry=from_wire(_text(keys["Expiration"])),
            sts_request_id=_text(answer["RequestId"]),
        )
    except (ValueError, KeyError, TypeError):
        raise _strange("the keys") from None
    if lease.expiry <= issued:
        raise over_already()
    return lease


def read_identity(body: bytes) -> Identity:
    """Read the answer to GetCallerIdentity; raises UpstreamUnavailable."""
    try:
        answer: dict[str, Any] = json.loads(body)
        return Identity(
            account=_shown(answer["AccountId"]),
            arn=_shown(answer["Arn"]),
            kind=_shown(answer["IdentityType"]),
        )
    except (ValueError, KeyError, TypeError):
        raise _strange("the names") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _shown(value: object) -> str:
    """Take a name that may stand in a log and on a terminal."""
    text = _text(value)
    if not text.isascii() or not text.isprintable() or len(text) > 256:  # noqa: PLR2004 - an ARN is shorter
        raise ValueError
    return text


def _strange(what: str) -> UpstreamFailure:
    return unavailable(f"an answer without {what} it should hold")
