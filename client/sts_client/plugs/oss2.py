"""Leases inside oss2: a credentials provider for its auths, and a session that sees refusals.

oss2 asks its provider before each request, so a lease that is replaced in time is all it needs::

    import oss2, sts_client
    from sts_client.plugs.oss2 import LeaseProvider, LeaseSession

    leases = sts_client.leases_from("https://sts.example.com", grant="uploads", token=get_jwt)
    lease = leases.lease()
    bucket = oss2.Bucket(
        oss2.ProviderAuthV4(LeaseProvider(leases)),
        lease.endpoint,
        lease.bucket,
        session=LeaseSession(leases),
        region=lease.region,
    )

What oss2 does not do is to send a request again whose token OSS calls over, which happens to a
lease that ends early. That request fails with oss2's own exception; with `LeaseSession` the next
one has another lease. Without it the provider never hears of the refusal. Beware of that exception:
its text holds the security token.
"""

import re
from contextlib import suppress
from typing import Any

from sts_client.errors import StsClientError
from sts_client.objects.refusal import LARGEST_BODY, STALE_LEASE, refusal_of
from sts_client.plugs.missing import missing
from sts_client.plugs.triple import Triple
from sts_client.provider import Provider

try:
    import oss2
except ImportError as error:
    raise missing(error, "oss2", "oss2") from None

_KEY_ID = re.compile(r"^OSS4?(?:-HMAC-SHA256 Credential=| )([^/:,\s]+)")
_FORBIDDEN = 403


class LeaseProvider(oss2.credentials.CredentialsProvider):  # type: ignore[misc]  # oss2 has no types
    """The credentials of the lease to use now; for `oss2.ProviderAuthV4` and `oss2.ProviderAuth`.

    Any number of threads may share it. It is pickled if the provider's token is.

    Args:
        provider: the leases.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def __repr__(self) -> str:
        return f"LeaseProvider({self._provider!r})"

    def get_credentials(self) -> Triple:
        """Return one lease's credentials; raises as `Provider.lease`, through oss2 to its user."""
        return Triple(self._provider.credentials())


class LeaseSession(oss2.Session):  # type: ignore[misc]  # oss2 has no types
    """A session that tells the provider when OSS does not accept a lease any more.

    Args:
        provider: the leases that are told.
        options: as for `oss2.Session`.
    """

    def __init__(self, provider: Provider, **options: Any) -> None:
        super().__init__(**options)
        self._provider = provider

    def do_request(self, req: Any, timeout: Any) -> Any:
        """Send a request; the answer is oss2's, refusal or not."""
        answer = super().do_request(req, timeout)
        if answer.status == _FORBIDDEN:
            sent = _KEY_ID.match(req.headers.get("authorization") or "")
            # Read as a whole and kept by `requests`, so that oss2 finds it, too.
            body = answer.response.content[:LARGEST_BODY]
            code = refusal_of(answer.status, answer.headers, body, "a request of oss2").code
            if sent and code in STALE_LEASE:
                # What another lease fails of is told to whoever asks for it next.
                with suppress(StsClientError):
                    self._provider.refused(sent[1])
        return answer
