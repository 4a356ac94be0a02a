"""The patient: a lease under examination, what it is tried with, and what has to be removed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from sts_client.cli.connection import Connection
from sts_client.cli.doctor.findings import Finding, failed, passed, skipped
from sts_client.cli.doctor.places import Places, places
from sts_client.credentials import Lease
from sts_client.errors import (
    AccessDenied,
    NetworkError,
    OssError,
    RequestTimeTooSkewed,
    StsClientError,
)
from sts_client.objects import Payload, PutResult, operations
from sts_client.objects.steps import Steps

T = TypeVar("T")

_SERVER_ERROR = 500  # from here on nobody knows what took effect

CLEAN_UP = "clean up"


@dataclass(slots=True)
class Patient:
    """What the steps of an examination share.

    Attributes:
        connection: with the bucket.
        lease: as it was vended.
        mark: part of all names that are made up.
        written: objects that may be there because of us.
        versions: whether the bucket keeps versions of them.
    """

    connection: Connection
    lease: Lease
    mark: str
    written: list[str] = field(default_factory=list)
    versions: bool = False

    @property
    def places(self) -> Places:
        """Where to try."""
        return places(self.lease.prefix, self.mark)

    def may(self, action: str) -> bool:
        """Return whether the lease says that it allows an action."""
        return action in self.lease.actions

    def attempt(self, steps: Steps[T]) -> T | StsClientError:
        """Do it; return what came of it, or the error."""
        try:
            return self.connection.objects.run(steps)
        except StsClientError as error:
            return error

    def write(self, key: str, data: bytes, **headers: str) -> object:
        """Write an object that will be removed; return as `attempt` does."""
        named = {f"x-oss-{name.replace('_', '-')}": value for name, value in headers.items()}
        return self.written_by(key, operations.put(key, Payload(data), named))

    def written_by(self, key: str, steps: Steps[T]) -> T | StsClientError:
        """Do what writes an object that will be removed; return as `attempt` does."""
        # Before, since an answer may be lost or never waited for.
        self.written.append(key)
        came = self.attempt(steps)
        if isinstance(came, OssError) and came.status < _SERVER_ERROR:
            self.written.remove(key)
        if isinstance(came, PutResult):
            self.versions = self.versions or came.version_id is not None
        return came

    def clean_up(self) -> Iterator[Finding]:
        """Remove what was written; without the right to, empty it."""
        left, why = [], ""
        for key in dict.fromkeys(self.written):
            came: object = self.attempt(operations.delete(key))
            if isinstance(came, StsClientError):
                left.append(key)
                why = why or str(came)
                # A link becomes an object that leads nowhere.
                self.attempt(operations.put(key, Payload(b""), {}))
        names = ", ".join(f"oss://{self.lease.bucket}/{key}" for key in left)
        if not self.written:
            yield skipped(CLEAN_UP, "nothing was written")
        elif not left:
            kept = ", and the bucket keeps versions of them" if self.versions else ""
            yield passed(CLEAN_UP, f"the probes are removed{kept}")
        elif self.may("delete"):
            yield failed(CLEAN_UP, f"{names} may be left: {why}", "delete it by hand")
        else:
            yield skipped(
                CLEAN_UP,
                f"the lease may not delete, so {names} may be left, empty",
                "delete it with a grant that may",
            )


def allowed(step: str, came: object, says: str) -> Finding:
    """Judge what should have worked."""
    if not isinstance(came, StsClientError):
        return passed(step, says)
    return failed(step, str(came), advice_for(came))


def refused(step: str, came: object, advice: str) -> Finding:
    """Judge what should have been refused, and for no other reason than that it is not allowed."""
    if isinstance(came, AccessDenied):
        return passed(step, "refused")
    if isinstance(came, OssError) and came.code not in {"NoSuchKey", "FileAlreadyExists"}:
        return failed(step, f"neither allowed nor refused: {came}", advice_for(came))
    if isinstance(came, StsClientError) and not isinstance(came, OssError):
        return failed(step, str(came), advice_for(came))
    return failed(step, "allowed, and should not be", advice)


def advice_for(error: StsClientError) -> str:
    """Return what to do about an error that should not have come."""
    if isinstance(error, AccessDenied):
        return (
            "the lease does not give what it says: look at the policies of the server's role and "
            "of the bucket, which both have to allow it"
        )
    if isinstance(error, RequestTimeTooSkewed):
        return "set the clocks of this machine and of the vending server: NTP"
    if isinstance(error, NetworkError):
        return "look at address, network, proxy and certificate; inside a VPC say --endpoint"
    return "look the error up under its code and request id"
