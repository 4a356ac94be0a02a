"""Linking: PutSymlink, an object that stands for another one."""

from collections.abc import Mapping

from sts_client.objects.address import check_key
from sts_client.objects.call import Call
from sts_client.objects.exchange import exchange, settle
from sts_client.objects.operations.writing import PutResult, stored
from sts_client.objects.put_headers import FORBID_OVERWRITE
from sts_client.objects.steps import Steps
from sts_client.signing import encode


def link(key: str, target: str, headers: Mapping[str, str]) -> Steps[PutResult]:
    """PutSymlink. Whether there is such a target, OSS looks only when the link is read."""
    call = Call(
        "PUT",
        check_key(key),
        query=(("symlink", ""),),
        headers={**headers, "x-oss-symlink-target": encode(check_key(target), keep="/")},
        repeatable=FORBID_OVERWRITE not in headers,
    )
    answer = yield from exchange(call)
    yield from settle(answer)
    return stored(key, answer, None)
