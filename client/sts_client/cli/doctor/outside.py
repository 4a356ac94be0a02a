"""Outside the scope: nothing can be read, written, listed or deleted, and no link leads there."""

from collections.abc import Iterator

from sts_client.cli.doctor.findings import Finding, failed, passed, skipped
from sts_client.cli.doctor.patient import Patient, advice_for, refused
from sts_client.errors import AccessDenied, NoSuchKey, OssError, StsClientError
from sts_client.objects import operations

LINK = "link to the outside"
_TOO_WIDE = (
    "leases reach beyond their prefix: look at the session policy (sts-server policy), and whether "
    "the bucket's own policy or ACL lets everybody in"
)
_NOT_THERE = "SymlinkTargetNotExist"


def outside(patient: Patient, known: str | None) -> Iterator[Finding]:
    """Try it.

    Args:
        patient: whose lease it is.
        known: an object outside that exists, or None.
    """
    where = patient.places
    if not where.outside:
        yield skipped("outside", "the lease is for the whole bucket: nothing lies outside")
        return
    for key in where.outside:
        said = f"oss://{patient.lease.bucket}/{key}"
        yield refused(f"read {said}", patient.attempt(operations.head(key, {})), _TOO_WIDE)
        yield refused(f"write {said}", patient.write(key, b""), _TOO_WIDE)
        yield refused(f"delete {said}", patient.attempt(operations.delete(key)), _TOO_WIDE)
    for prefix in where.listings:
        came = patient.attempt(operations.page(prefix))
        yield refused(f"list oss://{patient.lease.bucket}/{prefix}", came, _TOO_WIDE)
    yield _linking(patient, known or where.outside[0])


def _linking(patient: Patient, target: str) -> Finding:
    link = patient.places.link
    if link is None or not (patient.may("put") and patient.may("get")):
        return skipped(LINK, "it takes a folder and the rights to put and get")
    made = patient.written_by(link, operations.link(link, target, {}))
    if isinstance(made, StsClientError):
        return failed(LINK, str(made), advice_for(made))
    try:
        # Not HEAD: what a link leads to is only then read for certain.
        with patient.connection.objects.get(link, {}):  # type: ignore[union-attr]  # no condition
            return _leads_out("it was read through the link")
    except AccessDenied:
        return passed(LINK, "OSS checks the right to what a link leads to")
    except NoSuchKey:
        return _leads_out("OSS looked for it and did not find it, where it should have refused")
    except OssError as error:
        if error.code == _NOT_THERE:
            return _leads_out("OSS looked for it, where it should have refused")
        return failed(LINK, str(error), advice_for(error))
    except StsClientError as error:
        return failed(LINK, str(error), advice_for(error))


def _leads_out(how: str) -> Finding:
    return failed(
        LINK,
        how,
        "whoever may put and get can read all that the server's role can: give that role no more "
        "than its grants need. Say --outside KEY, an object that is there, to be certain",
    )
