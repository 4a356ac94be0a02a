"""Who makes an STS call: key known, timestamp, nonce, signature, token, in this order."""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sts_server.sandbox.accounts import Accounts, Identity, Session
from sts_server.sandbox.clock import Clock
from sts_server.sandbox.sts.errors import StsError, missing
from sts_server.sandbox.sts.parameters import required
from sts_server.sandbox.sts.signature import matches, string_to_sign

MAX_SKEW = timedelta(minutes=15)
TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z", re.ASCII)


class Nonces:
    """Nonces of the calls that were accepted, for as long as their timestamps would be."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], datetime] = {}

    def used(self, key_id: str, nonce: str) -> bool:
        """Say whether a key has used a nonce."""
        return (key_id, nonce) in self._seen

    def add(self, key_id: str, nonce: str, now: datetime) -> None:
        """Remember a nonce, and forget those whose timestamp is too old to be accepted again."""
        for old, when in list(self._seen.items()):
            if now - when <= 2 * MAX_SKEW:
                break
            del self._seen[old]
        self._seen[key_id, nonce] = now


class Guard:
    """Proves who makes a call; remembers nonces, and changes nothing else.

    Args:
        accounts: Everyone who exists.
        clock: Real time judges timestamps, virtual time tokens.
    """

    def __init__(self, accounts: Accounts, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._nonces = Nonces()

    def authenticate(self, method: str, parameters: Mapping[str, str]) -> Identity:
        """Prove who makes a call.

        Args:
            method: HTTP method.
            parameters: All parameters of the call.

        Raises:
            StsError: Anything about the proof is missing or wrong.
        """
        key_id = required(parameters, "AccessKeyId")
        identity = self._accounts.user(key_id) or self._accounts.session(key_id)
        if identity is None:
            raise StsError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        _check_method(parameters)
        self._check_timestamp(required(parameters, "Timestamp"))
        nonce = required(parameters, "SignatureNonce")
        if self._nonces.used(key_id, nonce):
            raise StsError(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        required(parameters, "Signature")
        if not matches(identity.access_key_secret, method, parameters):
            raise StsError(
                400,
                "SignatureDoesNotMatch",
                "Specified signature is not matched with our calculation. "
                f"server string to sign is:{string_to_sign(method, parameters)}",
            )
        self._nonces.add(key_id, nonce, self._clock.real())
        self._check_token(identity, parameters.get("SecurityToken"))
        return identity

    def _check_timestamp(self, text: str) -> None:
        moment = _moment(text)
        if moment is None:
            raise StsError(
                400, "InvalidTimeStamp.Format", "Specified time stamp is not well formatted."
            )
        if abs(self._clock.real() - moment) > MAX_SKEW:
            raise StsError(
                400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."
            )

    def _check_token(self, identity: Identity, token: str | None) -> None:
        if not isinstance(identity, Session):
            if token:
                raise _bad_token("MismatchWithAccessKey")
            return
        if not token:
            raise missing("SecurityToken")
        if not hmac.compare_digest(identity.security_token.encode(), token.encode()):
            other = self._accounts.is_token(token)
            raise _bad_token("MismatchWithAccessKey" if other else "Malformed")
        if identity.expiration <= self._clock.now():
            raise _bad_token("Expired")


def _moment(text: str) -> datetime | None:
    if not TIMESTAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def _bad_token(reason: str) -> StsError:
    return StsError(400, f"InvalidSecurityToken.{reason}", "Specified SecurityToken is not valid.")


def _check_method(parameters: Mapping[str, str]) -> None:
    if required(parameters, "SignatureMethod") != "HMAC-SHA1":
        raise StsError(400, "InvalidSignatureMethod", "The SignatureMethod is HMAC-SHA1.")
    if required(parameters, "SignatureVersion") != "1.0":
        raise StsError(400, "InvalidParameter.SignatureVersion", "The SignatureVersion is 1.0.")
