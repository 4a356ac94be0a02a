"""Refusals in STS's own words (STS: "AssumeRole", error codes; the gateway's common errors)."""

from dataclasses import dataclass

from sts_server.sandbox.errors import SandboxError


@dataclass(eq=False)
class StsError(SandboxError):
    """One refusal, ready to be rendered: HTTP status, code, and a message for people."""

    status: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.status} {self.code}"


def missing(parameter: str) -> StsError:
    """Ask for a parameter that the action cannot do without."""
    return StsError(400, f"Missing{parameter}", f"{parameter} is mandatory for this action.")


def invalid(parameter: str, message: str) -> StsError:
    """Refuse the value of a parameter."""
    return StsError(400, f"InvalidParameter.{parameter}", message)


def no_permission() -> StsError:
    """Refuse an action that the caller's policies or the role's trust do not allow."""
    return StsError(
        403,
        "NoPermission",
        "You are not authorized to do this action. You should be authorized by RAM.",
    )


def internal_error() -> StsError:
    """Say that the fault is the sandbox's; the reason is in its log."""
    return StsError(500, "InternalError", "STS Server Internal Error happened.")
