"""One fault rule: which requests it is about, and what becomes of them. Pure."""

import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from sts_server.sandbox.errors import FaultError
from sts_server.sandbox.ram.wildcard import wildcard

SERVICES = ("oss", "sts")
CUTS = ("before", "inside", "after")
SIDES = ("request", "answer")
MAX_LATENCY_SECONDS = 60
MAX_SKEW_SECONDS = 10 * 366 * 86400
MAX_NTH = 1_000_000
MAX_TEXT = 1024
STATUSES = range(400, 600)
NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}", re.ASCII)
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
EFFECTS = ("latency", "status", "cut", "truncate", "corrupt", "wrong_crc", "skew")


@dataclass(frozen=True)
class Target:
    """What a rule can know about a request before it is served.

    Attributes:
        service: `oss` or `sts`.
        operation: As the API reference calls it; empty when the request names none that exists.
        key: The object key; empty where there is none, and for a PostObject.
    """

    service: str
    operation: str
    key: str


@dataclass(frozen=True)
class Rule:
    """One rule. What is None does not narrow, or does nothing.

    Attributes:
        service: `oss` or `sts`.
        operation: Its name, `PutObject`.
        key: A pattern of object keys; `*` is any run of characters, `?` any one. A PostObject has
            none that can be known: it is in the form, which is unread when rules are chosen.
        nth: Only the nth request that fits, counted from 1; None for every one.
        latency: Seconds to wait before anything else happens; goes with every other effect.
        status: HTTP status of an error that is answered instead of serving.
        code: Error code that goes with `status`, `Throttling.User`.
        message: Text that goes with `status`.
        cut: When the connection drops: `before` the request is looked at; `inside` its body, or
            in the middle of the answer where it has none; `after` it was served, unanswered.
        truncate: How many bytes of the answer's body go out before the connection drops.
        corrupt: Whose body gets one wrong byte: the `request` on its way in, or the `answer`.
        wrong_crc: Whether the answer's CRC header lies.
        skew: Seconds that the server's clock is off when it judges the request's timestamp.

    Raises:
        FaultError: A value cannot be used, or two effects exclude each other.
    """

    service: str | None = None
    operation: str | None = None
    key: str | None = None
    nth: int | None = None
    latency: float | None = None
    status: int | None = None
    code: str | None = None
    message: str | None = None
    cut: str | None = None
    truncate: int | None = None
    corrupt: str | None = None
    wrong_crc: bool | None = None
    skew: float | None = None

    def __post_init__(self) -> None:
        self._check_match()
        self._check_effects()
        wanted = [name for name in EFFECTS if getattr(self, name) is not None]
        if not wanted:
            raise FaultError(f"a fault needs an effect: {', '.join(EFFECTS)}")
        if len([name for name in wanted if name != "latency"]) > 1:
            raise FaultError(f"one fault has one effect beside latency, not {' and '.join(wanted)}")

    @classmethod
    def read(cls, members: dict[str, Any]) -> Self:
        """Make a rule of JSON members.

        Raises:
            FaultError: A member is unknown, has the wrong type, or cannot be used.
        """
        known = {field.name for field in fields(cls)}
        for name in members:
            if name not in known:
                raise FaultError(f"unknown member {name[:MAX_TEXT]!r}")
        return cls(**members)

    def as_json(self) -> dict[str, Any]:
        """Give what was said about the rule, and nothing that was not."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def fits(self, target: Target) -> bool:
        """Say whether a request is one that the rule is about, whatever its number."""
        return (
            self.service in (None, target.service)
            and self.operation in (None, target.operation)
            and (self.key is None or wildcard(self.key).fullmatch(target.key) is not None)
        )

    def strikes(self, number: int) -> bool:
        """Say whether the rule acts on the request of this number among those that fit."""
        return self.nth in (None, number)

    def _check_match(self) -> None:
        _one_of("service", self.service, SERVICES)
        _text("operation", self.operation, NAME)
        _text("key", self.key)
        _number("nth", self.nth, 1, MAX_NTH, whole=True)

    def _check_effects(self) -> None:
        _number("latency", self.latency, 0, MAX_LATENCY_SECONDS)
        _number("status", self.status, STATUSES.start, STATUSES.stop - 1, whole=True)
        _text("code", self.code, CODE)
        _text("message", self.message)
        if (self.status is None) != (self.code is None):
            raise FaultError("status and code go together")
        if self.message is not None and self.status is None:
            raise FaultError("message goes with status and code")
        _one_of("cut", self.cut, CUTS)
        _number("truncate", self.truncate, 0, 2**63 - 1, whole=True)
        _one_of("corrupt", self.corrupt, SIDES)
        if self.wrong_crc is not None and self.wrong_crc is not True:
            raise FaultError("wrong_crc is true or left out")
        _number("skew", self.skew, -MAX_SKEW_SECONDS, MAX_SKEW_SECONDS)


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise FaultError(f"{name} is one of {', '.join(allowed)}")


def _text(name: str, value: object, pattern: re.Pattern[str] | None = None) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        raise FaultError(f"{name} is text of 1 to {MAX_TEXT} characters")
    if pattern is not None and not pattern.fullmatch(value):
        raise FaultError(f"{value!r} is not a usable {name}")


def _number(name: str, value: object, least: int, most: int, *, whole: bool = False) -> None:
    if value is None:
        return
    kind = "whole number" if whole else "number"
    allowed = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed) or not least <= value <= most:
        raise FaultError(f"{name} is a {kind} from {least} to {most}")
