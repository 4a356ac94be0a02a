"""Inside the scope: what the lease says that it allows works, and all else is refused."""

from collections.abc import Iterator

from sts_client.cli.doctor.findings import Finding, failed, passed, skipped
from sts_client.cli.doctor.patient import Patient, advice_for, allowed, refused
from sts_client.errors import AccessDenied, FileAlreadyExists, NoSuchKey, StsClientError
from sts_client.objects import NotModified, Payload, operations

WRITE, READ, LIST, DELETE = "write", "read", "list", "delete without the right"
OVERWRITE = "forbid-overwrite"
_DATA = b"sts-client doctor was here\n"
_TOO_WIDE = "the session policy or the vending server is too wide: leases carry more than they say"


def accepted(patient: Patient) -> Finding:
    """Look whether OSS takes the keys at all; without that, all else would fail in the same way."""
    step = "keys and signature"
    where = patient.places
    came = patient.attempt(operations.head(where.probe or patient.lease.prefix, {}))
    if isinstance(came, StsClientError) and not isinstance(came, AccessDenied | NoSuchKey):
        return failed(step, str(came), advice_for(came))
    return passed(step, "OSS takes them")


def inside(patient: Patient) -> Iterator[Finding]:
    """Try each action in the lease's own prefix."""
    probe = patient.places.probe
    if probe is None:
        yield skipped(WRITE, "the lease is for one object, which is left alone")
        yield from _listing(patient)
        return
    came = patient.write(probe, _DATA, forbid_overwrite="true")
    if patient.may("put"):
        yield allowed(WRITE, came, f"oss://{patient.lease.bucket}/{probe}")
    else:
        yield refused(WRITE, came, _TOO_WIDE)
    there = not isinstance(came, StsClientError)
    yield _reading(patient, probe, there=there)
    yield from _listing(patient)
    if there:
        yield _overwriting(patient, probe)
    else:
        yield skipped(OVERWRITE, "nothing was written")
    if not patient.may("delete"):
        # Of what is not there, too: OSS looks at the right first.
        yield refused(DELETE, patient.attempt(operations.delete(probe)), _TOO_WIDE)


def _reading(patient: Patient, probe: str, *, there: bool) -> Finding:
    try:
        found = patient.connection.objects.get(probe, {})
        data = b"" if isinstance(found, NotModified) else found.read()
    except StsClientError as error:
        if not patient.may("get"):
            return refused(READ, error, _TOO_WIDE)
        if not there:
            return skipped(READ, "nothing was written")
        return failed(READ, str(error), advice_for(error))
    if not patient.may("get"):
        return refused(READ, found, _TOO_WIDE)
    if data != _DATA:
        return failed(READ, "other bytes came back", "look what stands between here and OSS")
    return passed(READ, f"{len(data)} bytes came back as they were")


def _listing(patient: Patient) -> Iterator[Finding]:
    came = patient.attempt(operations.page(patient.lease.prefix))
    if patient.may("list"):
        yield allowed(LIST, came, "the lease's own prefix")
    else:
        yield refused(LIST, came, _TOO_WIDE)


def _overwriting(patient: Patient, probe: str) -> Finding:
    headers = {"x-oss-forbid-overwrite": "true"}
    came = patient.attempt(operations.put(probe, Payload(_DATA), headers))
    if isinstance(came, FileAlreadyExists):
        return passed(OVERWRITE, "an object that is there stays as it is")
    if isinstance(came, StsClientError):
        return failed(OVERWRITE, str(came), advice_for(came))
    versions = "the bucket has versions, where OSS does not heed it" if came.version_id else ""
    return failed(
        OVERWRITE,
        f"overwritten all the same: {versions or 'OSS did not heed it'}",
        "do not build on forbid_overwrite here; a bucket that never had versions heeds it",
    )
