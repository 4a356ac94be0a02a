"""A reverse proxy's headers: the proxy proved who is calling, and shows that it is the proxy."""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sts_server.errors import InvalidArgument, Unauthenticated
from sts_server.proof import Proof
from sts_server.scope import Caller
from sts_server.settings.forwarded import ForwardedTable

_NAME = re.compile(r"[!-+\--~]{1,256}")  # visible ASCII but the comma, which joins two headers


class Forwarded:
    """Believes headers, if they come from a known network and with the shared secret."""

    kind: Final = "forwarded"

    def __init__(self, table: ForwardedTable, secrets: Callable[[], Iterable[str]]) -> None:
        """Take the settings, and what gives the secrets of which the proxy knows one."""
        self.id_prefix = table.id_prefix
        self._id_header = table.id_header
        self._secret_header = table.secret_header
        self._groups_header = table.groups_header
        self._claim_headers = table.claims
        self._headers = table.headers
        self._networks = [ipaddress.ip_network(network) for network in table.networks]
        self._secrets = secrets

    def claims(self, proof: Proof) -> bool:
        """Whether somebody speaks as the proxy: by naming a caller, or by showing a secret."""
        return bool(self._sent(proof, self._id_header) or self._sent(proof, self._secret_header))

    async def authenticate(self, proof: Proof) -> Caller:
        """Tell whom the proxy names.

        What is not well formed is refused first, so that a refusal tells nothing of the secret.

        Raises:
            InvalidArgument: a header is repeated, or holds what no proxy of ours should send.
            Unauthenticated: nobody is named, or it is not the proxy who speaks.
        """
        for header in self._headers:
            if len(self._sent(proof, header)) > 1:
                raise InvalidArgument(f"{header} was sent more than once")
        if not self._sent(proof, self._id_header):
            raise Unauthenticated("the proxy names nobody; sign in there first")
        caller = Caller(
            id=self._name(proof, self._id_header),
            groups=self._groups(proof),
            claims={
                claim: self._name(proof, header)
                for claim, header in self._claim_headers.items()
                if self._sent(proof, header)
            },
        )
        # Both are looked at whatever the other says: an answer's time is no hint either.
        known, secret = self._is_known(proof.peer), self._is_secret(proof)
        if not (known and secret):
            raise Unauthenticated("these headers are believed from this server's own proxy only")
        return caller

    def _sent(self, proof: Proof, header: str) -> Sequence[str]:
        return proof.header(header.lower())

    def _name(self, proof: Proof, header: str) -> str:
        (value,) = self._sent(proof, header)
        return _checked(value, header)

    def _groups(self, proof: Proof) -> frozenset[str]:
        if self._groups_header is None:
            return frozenset()
        text = "".join(self._sent(proof, self._groups_header))
        if not text:
            return frozenset()
        return frozenset(
            _checked(group.strip(" \t"), self._groups_header) for group in text.split(",")
        )

    def _is_known(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:  # the peer of a Unix socket has no address
            return False
        if isinstance(address, ipaddress.IPv6Address):
            # A listener for both kinds writes 10.0.0.1 as ::ffff:10.0.0.1.
            address = address.ipv4_mapped or address
        return any(address in network for network in self._networks)

    def _is_secret(self, proof: Proof) -> bool:
        sent = _digest("".join(self._sent(proof, self._secret_header)))
        # Every one is compared, in a time that tells nothing of where they differ.
        return any([hmac.compare_digest(sent, _digest(secret)) for secret in self._secrets()])  # noqa: C419 - not lazily


def _checked(value: str, header: str) -> str:
    if not _NAME.fullmatch(value):
        raise InvalidArgument(
            f"{header} holds something else than names of 1-256 visible ASCII characters"
        )
    return value


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
