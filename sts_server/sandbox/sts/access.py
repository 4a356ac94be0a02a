"""Who makes an STS call: key known, timestamp, nonce, signature, token, in this order."""

import hmac
import re
from datetime import UTC, datetime, timedelta

from sts_server.sandbox.accounts import Accounts, Identity, Session, User
from sts_server.sandbox.clock import Clock
from sts_server.sandbox.sts.acs3 import Acs3Proof, read_acs3
from sts_server.sandbox.sts.call import Call
from sts_server.sandbox.sts.errors import StsError, missing
from sts_server.sandbox.sts.rpc import RpcProof

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


def read_proof(call: Call) -> Acs3Proof | RpcProof:
    """Find the one proof that a call carries.

    Raises:
        StsError: There are two, or it is malformed.
    """
    if "authorization" not in call.headers:
        return RpcProof(call)
    if "Signature" in call.parameters:
        raise StsError(400, "InvalidParameter", "More than one signature was given.")
    return read_acs3(call)


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

    def authenticate(self, call: Call) -> Identity:
        """Prove who makes a call.

        Args:
            call: The call, signed in either way.

        Raises:
            StsError: Anything about the proof is missing or wrong.
        """
        proof = read_proof(call)
        key_id = proof.access_key_id
        identity = self._accounts.user(key_id) or self._accounts.session(key_id)
        if identity is None:
            raise StsError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        if isinstance(identity, User) and not identity.active:
            raise StsError(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
        self._check_timestamp(proof.timestamp)
        if self._nonces.used(key_id, proof.nonce):
            raise StsError(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        if not proof.matches(identity.access_key_secret):
            raise StsError(
                400,
                "SignatureDoesNotMatch",
                "Specified signature is not matched with our calculation. "
                f"server string to sign is:{proof.text}",
            )
        self._nonces.add(key_id, proof.nonce, self._clock.real())
        self._check_token(identity, proof.token)
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
