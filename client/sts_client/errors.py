"""What can go wrong, as one tree of exceptions: nothing else leaves this package.

::

    StsClientError
    ├── UsageError               an argument is wrong; nothing was sent
    ├── NoLeaseYet               there is no lease at hand where nobody may wait for one
    ├── TokenUnavailable         the function that supplies the bearer token failed
    ├── PayloadError             the data to upload could not be read, or changed while it was read
    ├── NetworkError             no answer
    │   ├── ConnectFailed        nobody there, or the connection broke
    │   ├── TimedOut
    │   └── TlsFailed            the other side could not prove who it is
    ├── TransferError            an answer came, its body is not what was promised
    │   ├── TruncatedBody
    │   ├── ChecksumMismatch
    │   └── BadAnswer            not what the protocol says
    ├── VendingError             the vending server refused
    │   ├── Unauthenticated      401
    │   ├── GrantDenied          403
    │   │   └── CallerNotAllowed
    │   ├── TooManyRequests      429
    │   ├── ServerUnavailable    5xx
    │   │   └── UpstreamRefused  502: an operator has to act
    │   └── BadLease             200, and not a lease
    └── OssError                 OSS refused
        ├── AccessDenied  InvalidAccessKeyId  InvalidSecurityToken  SecurityTokenExpired
        ├── AccessKeyIdAndSecurityTokenNotMatch  SignatureDoesNotMatch  RequestTimeTooSkewed
        ├── NoSuchKey  NoSuchBucket
        ├── FileAlreadyExists  InvalidRange
        ├── PreconditionFailed
        │   └── ObjectChanged     while it was read in parts
        └── PositionNotEqualToLength  ObjectNotAppendable  NoSuchUpload

No text here repeats what a server wrote, apart from codes and request ids that were checked
first: an error body of OSS may hold the security token and the string to sign.
"""

import requests


class StsClientError(Exception):
    """The root of all errors of this package."""


class UsageError(StsClientError, ValueError):
    """An argument is wrong. It was found before anything was sent."""


class NoLeaseYet(StsClientError):
    """There is no lease at hand, and an event loop must not wait: try again in a moment."""


class TokenUnavailable(StsClientError):
    """The function that supplies the bearer token raised; its own error is the cause."""


class PayloadError(StsClientError):
    """The data to upload could not be read, or there was less of it than announced."""


class NetworkError(StsClientError):
    """No answer came. Whether the request took effect is unknown."""

    @staticmethod
    def of(error: Exception, where: str) -> "NetworkError":
        """Say what an exception of the HTTP library means, without its text.

        That text may hold a URL or a header. Callers raise the result ``from None``.

        Args:
            error: what `requests` or `urllib3` raised.
            where: who was asked, for the message: a scheme and a host.
        """
        if isinstance(error, requests.exceptions.SSLError):
            return TlsFailed.at(where)
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            # All that belongs to the connection comes wrapped; this comes from before it.
            return TlsFailed.without_bundle()
        if isinstance(error, requests.exceptions.ProxyError):
            return ConnectFailed.by_proxy(where)
        if isinstance(error, requests.exceptions.Timeout):
            return TimedOut.at(where)
        return ConnectFailed.at(where)


class ConnectFailed(NetworkError):
    """Nobody answers at this address, or the connection broke before an answer."""

    @classmethod
    def at(cls, where: str) -> "ConnectFailed":
        """Say it of a server."""
        return cls(f"no connection to {where}, or it broke: check address and network")

    @classmethod
    def by_proxy(cls, where: str) -> "ConnectFailed":
        """Say it of the proxy on the way to a server."""
        return cls(f"the proxy on the way to {where} did not serve: check HTTPS_PROXY and NO_PROXY")


class TimedOut(NetworkError):
    """The other side took too long."""

    @classmethod
    def at(cls, where: str) -> "TimedOut":
        """Say it of a server."""
        return cls(f"{where} did not answer in time: try again, or allow more time")

    @classmethod
    def endless(cls, seconds: float) -> "TimedOut":
        """Say it of an answer that goes on and on."""
        return cls(f"an answer did not end within {seconds:g} seconds: try again")


class TlsFailed(NetworkError):
    """The certificate or the handshake is not acceptable."""

    @classmethod
    def at(cls, where: str) -> "TlsFailed":
        """Say it of a server."""
        return cls(
            f"{where} could not prove its identity (TLS failed): check the address, "
            f"the clock, and the CA bundle named by REQUESTS_CA_BUNDLE"
        )

    @classmethod
    def without_bundle(cls) -> "TlsFailed":
        """Say it of this machine."""
        return cls("the CA bundle named by REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE cannot be read")


class TransferError(StsClientError):
    """An answer came, but its body is not what its head promised."""


class TruncatedBody(TransferError):
    """The body ended, or broke off, before it was whole."""


class ChecksumMismatch(TransferError):
    """The CRC-64 of the bytes differs from the one OSS computed."""


class BadAnswer(TransferError):
    """The answer does not follow the protocol: something between here and OSS changed it."""


class VendingError(StsClientError):
    """The vending server refused to hand out a lease.

    Attributes:
        status: HTTP status, 0 where none applies.
        code: the server's own word for it, or "" if it sent none.
        request_id: finds the refusal in the server's audit log, or "".
        retry_after: seconds to wait before the next attempt, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after


class Unauthenticated(VendingError):
    """The bearer token is missing, unknown or expired."""


class GrantDenied(VendingError):
    """This caller may not have this grant, or nothing under the wish's prefix or actions."""


class CallerNotAllowed(GrantDenied):
    """The caller is known and not allowed to ask at all."""


class TooManyRequests(VendingError):
    """The caller asked too often; `retry_after` says when to come back."""


class ServerUnavailable(VendingError):
    """The vending server, or the STS behind it, cannot serve now."""


class UpstreamRefused(ServerUnavailable):
    """STS refuses the vending server itself: its operator has to correct key, role or policy."""


class BadLease(VendingError):
    """The answer is not a usable lease."""


class OssError(StsClientError):
    """OSS refused a request. Codes without a class of their own arrive as this one.

    Attributes:
        status: HTTP status.
        code: OSS's error code, or "" if the answer held none.
        ec: OSS's fine-grained error code such as ``0026-00000001``, or "".
        request_id: what Alibaba Cloud's support asks for, or "".
    """

    def __init__(
        self, message: str, *, status: int, code: str = "", ec: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.ec = ec
        self.request_id = request_id


class AccessDenied(OssError):
    """The lease's policy, or the bucket's, does not allow this."""


class InvalidAccessKeyId(OssError):
    """OSS does not know the AccessKey."""


class InvalidSecurityToken(OssError):
    """OSS does not accept the security token."""


class SecurityTokenExpired(OssError):
    """The security token's time is over."""


class AccessKeyIdAndSecurityTokenNotMatch(OssError):
    """Key and token come from different leases."""


class SignatureDoesNotMatch(OssError):
    """OSS computed another signature: the request was changed on its way."""


class RequestTimeTooSkewed(OssError):
    """The clocks here and at OSS differ by more than 15 minutes."""


class NoSuchKey(OssError):
    """There is no object of this name."""


class NoSuchBucket(OssError):
    """There is no bucket of this name."""


class FileAlreadyExists(OssError):
    """A put that must not overwrite met an existing object."""


class PreconditionFailed(OssError):
    """A condition of the request does not hold: the object is not as the caller assumed."""


class ObjectChanged(PreconditionFailed):
    """The object was replaced while it was read: what had come is not kept."""


class InvalidRange(OssError):
    """The range starts behind the end of the object."""


class PositionNotEqualToLength(OssError):
    """An append began elsewhere than where the object ends.

    Attributes:
        next_position: where it ends, or None if OSS did not say.
    """

    next_position: int | None = None


class ObjectNotAppendable(OssError):
    """The object was put, not appended: it cannot be made longer."""


class NoSuchUpload(OssError):
    """The upload in parts has ended, or never began."""
