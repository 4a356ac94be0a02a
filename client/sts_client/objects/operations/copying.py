"""Copying one object within the bucket: CopyObject, on conditions of its source."""

from collections.abc import Mapping

from sts_client.credentials import Lease
from sts_client.objects.address import check_key
from sts_client.objects.call import NOT_MODIFIED, OK, Call
from sts_client.objects.documents import found, parsed
from sts_client.objects.exchange import exchange, settle
from sts_client.objects.head import NotModified, not_modified_of
from sts_client.objects.operations.writing import PutResult
from sts_client.objects.put_headers import FORBID_OVERWRITE
from sts_client.objects.refusal import LARGEST_BODY
from sts_client.objects.steps import Steps, present, read
from sts_client.signing import encode


def copy(
    source: str, key: str, conditions: Mapping[str, str], headers: Mapping[str, str]
) -> Steps[PutResult | NotModified]:
    """CopyObject.

    Args:
        source: name of what is copied.
        key: name of the copy.
        conditions: of a read; they have to hold for the source.
        headers: of a write.
    """
    lease = yield from present()
    sent = {
        **headers,
        **{f"x-oss-copy-source-{name.lower()}": value for name, value in conditions.items()},
        "x-oss-copy-source": _place(lease, check_key(source)),
    }
    call = Call(
        "PUT",
        check_key(key),
        frozenset({OK, NOT_MODIFIED}) if conditions else frozenset({OK}),
        headers=sent,
        repeatable=FORBID_OVERWRITE not in headers,
    )
    answer = yield from exchange(call)
    if answer.status == NOT_MODIFIED:
        yield from settle(answer)
        return not_modified_of(source, answer.headers)
    body = yield from read(answer, LARGEST_BODY)
    return PutResult(
        etag=found(parsed(body, "CopyObjectResult", str(call)), "ETag", str(call)),
        crc64=None,
        request_id=answer.headers.get("x-oss-request-id", ""),
        version_id=answer.headers.get("x-oss-version-id"),
    )


def _place(lease: Lease, key: str) -> str:
    return f"/{lease.bucket}/{encode(key, keep='/')}"
