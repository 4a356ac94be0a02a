"""Leases inside alibabacloud-oss-v2: credentials providers and a retryer, for both its clients.

::

    import alibabacloud_oss_v2 as oss, sts_client
    from sts_client.plugs.oss_v2 import LeaseProvider, LeaseRetryer

    leases = sts_client.leases_from("https://sts.example.com", grant="uploads", token=get_jwt)
    config = oss.config.load_default()
    config.credentials_provider = LeaseProvider(leases)
    config.retryer = LeaseRetryer(config.credentials_provider)
    config.region = leases.lease().region
    client = oss.Client(config)

With the retryer a request whose token OSS calls over is sent again with another lease, if its body
can be rewound; without it that request fails, and so do those behind it.

The asyncio client calls its provider within the loop, where a fetch would stop everything. So
`LoopLeaseProvider` only answers from memory, and renews behind. Before the first request, and
before one that comes after a long silence, its user waits for a lease, which costs nothing while
there is one::

    config.credentials_provider = LoopLeaseProvider(leases)
    config.retryer = LeaseRetryer(config.credentials_provider)
    async with oss.aio.AsyncClient(config) as client:
        await config.credentials_provider.warm()
        await client.get_object(...)

A request that finds no lease at hand has one fetched behind and is tried again by the retryer, like
any that failed: if three attempts, half a second apart, do not suffice it fails with `NoLeaseYet`
inside the SDK's `CredentialsFetchError`.
"""

from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Protocol

from sts_client.credentials import Lease
from sts_client.errors import NetworkError as NoAnswer
from sts_client.errors import NoLeaseYet, ServerUnavailable, StsClientError, TooManyRequests
from sts_client.objects import STALE_LEASE
from sts_client.plugs.ahead import Ahead
from sts_client.plugs.missing import missing
from sts_client.provider import Provider

try:
    import alibabacloud_oss_v2 as oss
    from alibabacloud_oss_v2.types import Retryer
except ImportError as error:
    raise missing(error, "alibabacloud_oss_v2", "alibabacloud-oss-v2") from None

PAUSE = 0.5
"""Seconds before a request is sent again for want of a lease; most fetches take less."""


class Replaces(Protocol):
    """What a retryer tells that OSS did not accept a lease.

    Attributes:
        pause: seconds after which the next one is expected to be there.
    """

    pause: float

    def replaced(self) -> bool:
        """Have the lease replaced that this thread or task was given; whether to try again."""


class LeaseProvider(oss.credentials.CredentialsProvider):  # type: ignore[misc]  # the SDK has no types
    """The credentials of the lease to use now, for `oss.Client`; waits where there is none.

    Any number of threads may share it. It is pickled if the provider's token is.

    Args:
        provider: the leases.
    """

    pause = 0.0  # `replaced` has waited for it

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._given: ContextVar[str] = ContextVar("given")

    def __repr__(self) -> str:
        return f"LeaseProvider({self._provider!r})"

    def __reduce__(self) -> tuple[type["LeaseProvider"], tuple[Provider]]:
        return type(self), (self._provider,)

    def get_credentials(self) -> Any:
        """Return one lease's credentials, with the time at which they end by this machine's clock.

        Raises as `Provider.lease`; the SDK wraps that into its `CredentialsFetchError`.
        """
        lease = self._provider.lease()
        self._given.set(lease.credentials.access_key_id)
        return _as_theirs(lease)

    def replaced(self) -> bool:
        """Have the lease replaced that this thread was given; return whether to try again."""
        refused = self._given.get("")
        try:
            lease = self._provider.refused(refused)
        except StsClientError:
            return False  # OSS's own error says more
        return lease.credentials.access_key_id != refused


class LoopLeaseProvider(oss.credentials.CredentialsProvider):  # type: ignore[misc]  # the SDK has no types
    """The credentials of the lease at hand, for `oss.aio.AsyncClient`; never waits.

    Args:
        provider: the leases.
    """

    pause = PAUSE

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._ahead = Ahead(provider)
        self._given: ContextVar[str] = ContextVar("given")

    def __repr__(self) -> str:
        return f"LoopLeaseProvider({self._provider!r})"

    def __reduce__(self) -> tuple[type["LoopLeaseProvider"], tuple[Provider]]:
        return type(self), (self._provider,)

    async def warm(self) -> None:
        """Wait until there is a lease at hand; raises as `Provider.lease` if none is to be had."""
        await self._ahead.lease()

    def get_credentials(self) -> Any:
        """Return the credentials of the lease at hand.

        Raises:
            NoLeaseYet: there is none, and one is being fetched.
            StsClientError: there is none, and this is why.
        """
        lease = self._ahead.at_hand()
        self._given.set(lease.credentials.access_key_id)
        return _as_theirs(lease)

    def replaced(self) -> bool:
        """Have the lease replaced behind that this task was given; return whether to try again."""
        self._ahead.refused(self._given.get(""))
        return True


class LeaseRetryer(Retryer):  # type: ignore[misc]  # the SDK has no types
    """Tries again what a new lease may help, and else what another retryer would.

    Args:
        leases: a provider of this module.
        otherwise: decides about all other errors; by default the SDK's own `StandardRetryer`.
    """

    def __init__(self, leases: Replaces, otherwise: Any = None) -> None:
        self._leases = leases
        self._otherwise = otherwise or oss.retry.StandardRetryer()

    def is_error_retryable(self, error: Exception) -> bool:
        """Return whether to try again, and have a lease replaced that OSS did not accept."""
        if _refuses_lease(error):
            return self._leases.replaced()
        reason = _reason(error)
        if reason is not None:
            # A caller who may not have the grant may not have it a second time.
            passing = (NoLeaseYet, NoAnswer, ServerUnavailable, TooManyRequests)
            return isinstance(reason, passing)
        return bool(self._otherwise.is_error_retryable(error))

    def max_attempts(self) -> int:
        """Return how often a request is sent at the most."""
        return int(self._otherwise.max_attempts())

    def retry_delay(self, attempt: int, error: Exception) -> float:
        """Return the seconds before the next attempt."""
        if isinstance(_reason(error), NoLeaseYet) or _refuses_lease(error):
            return self._leases.pause
        return float(self._otherwise.retry_delay(attempt, error))


def _refuses_lease(error: Exception) -> bool:
    return isinstance(error, oss.exceptions.ServiceError) and error.code in STALE_LEASE


def _reason(error: Exception) -> StsClientError | None:
    """Return what our own provider raised, of which the SDK makes an error of its own."""
    inner = error.kwargs.get("error") if isinstance(error, oss.exceptions.BaseError) else None
    return inner if isinstance(inner, StsClientError) else None


def _as_theirs(lease: Lease) -> Any:
    # Made anew for each request: theirs can be changed by whoever gets it.
    return oss.credentials.Credentials(
        lease.credentials.access_key_id,
        lease.credentials.access_key_secret,
        lease.credentials.security_token,
        datetime.fromtimestamp(lease.expiry - lease.offset, UTC),
    )
