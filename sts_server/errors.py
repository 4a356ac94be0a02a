"""All that the server refuses, and why.

StsServerError
├── ConfigError                  the configuration cannot be used; carries every problem found
├── KeyNotFound                  no place that we know of holds a key of our own
├── AuditUnwritten               a decision's audit line cannot be written, so it is none
└── Refusal                      one ask is refused; carries what the caller is told
    ├── InvalidArgument      400
    ├── Unauthenticated      401
    ├── CallerNotAllowed     403
    ├── GrantDenied          403
    ├── TooManyRequests      429
    ├── LoginUnavailable     503     whoever could say who is calling does not answer
    └── UpstreamFailure          STS gave no lease
        ├── UpstreamRefused      502   our key, role or policy is wrong: an operator's fault
        ├── UpstreamThrottled    503
        └── UpstreamUnavailable  503

A message is shown to callers and written to logs: it never holds a secret, a token, or what
upstream said in words.
"""

from collections.abc import Sequence
from typing import ClassVar


class StsServerError(Exception):
    """The root: every error that this package raises on purpose."""


class ConfigError(StsServerError):
    """The configuration cannot be used.

    Attributes:
        problems: one line each: the place, what is wrong there, what to do.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class KeyNotFound(StsServerError):
    """No place holds a key of our own.

    Attributes:
        may_pass: whether one of them was only away, and may answer in a moment.
    """

    def __init__(self, detail: str, *, may_pass: bool) -> None:
        super().__init__(detail)
        self.may_pass = may_pass


class AuditUnwritten(StsServerError):
    """The audit line of a decision cannot be written; the text is the system's reason."""


class Refusal(StsServerError):
    """An ask that is refused.

    Attributes:
        status: the HTTP status of the answer.
        code: a stable word that programs switch on.
        title: what the code means, in a few words.
        detail: what was wrong this time, for the caller's eyes.
        retry_after: whole seconds after which asking again makes sense, or None.
    """

    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after

    @property
    def code(self) -> str:
        """The class's own name: one word for the code, the log and the documentation."""
        return type(self).__name__


class InvalidArgument(Refusal):
    """The ask is not well formed."""

    status = 400
    title = "The request is not well formed"


class Unauthenticated(Refusal):
    """Nobody proved who is asking."""

    status = 401
    title = "No valid proof of who is calling"


class CallerNotAllowed(Refusal):
    """The caller is known and may not have this, whatever the wish."""

    status = 403
    title = "This caller may not have a lease"


class GrantDenied(Refusal):
    """The grant, or the wished part, is not the caller's; one that does not exist too."""

    status = 403
    title = "This grant is not given to this caller"


class TooManyRequests(Refusal):
    """A caller, or an address, asks more often than one may, or for more new leases."""

    status = 429
    title = "Too many requests"


class LoginUnavailable(Refusal):
    """Whoever could tell who is calling cannot be reached, or cannot be understood."""

    status = 503
    title = "A login service is not available"


class UpstreamFailure(Refusal):
    """STS gave no lease.

    Attributes:
        hint: for the operator's log: the code STS answered and what to do. Never sent to a caller.
        asked: whether STS was asked at all.
    """

    def __init__(
        self, detail: str, *, hint: str, retry_after: int | None = None, asked: bool = True
    ) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.hint = hint
        self.asked = asked


class UpstreamRefused(UpstreamFailure):
    """STS refused our own key, role or policy."""

    status = 502
    title = "STS refused this server"


class UpstreamThrottled(UpstreamFailure):
    """STS asks us to slow down."""

    status = 503
    title = "STS is throttling this server"


class UpstreamUnavailable(UpstreamFailure):
    """STS cannot be reached, or its answer cannot be understood."""

    status = 503
    title = "STS is not available"
