"""PostObject: an upload by an HTML form, as the policy among its fields allows (OSS: "PostObject").

Signatures in the header or the URL of such a request do not count.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

from sts_server.sandbox.errors import AlreadyExistsError
from sts_server.sandbox.oss.addressing import Names, names_bucket
from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.errors import (
    OssError,
    file_already_exists,
    header_not_implemented,
    invalid_argument,
)
from sts_server.sandbox.oss.form import Form
from sts_server.sandbox.oss.headers import (
    STORED_HEADERS,
    checksum_headers,
    forbids_overwrite,
    version_headers,
)
from sts_server.sandbox.oss.operation import META
from sts_server.sandbox.oss.operations.writing import described_object
from sts_server.sandbox.oss.post_policy import MAX_SIZE, PostPolicy, parse_post_policy
from sts_server.sandbox.oss.proofs.form import V4Form
from sts_server.sandbox.oss.request import OssRequest, object_name
from sts_server.sandbox.xml import Element, elements

BATCH_BYTES = 1024**2
LONGEST = timedelta(days=7)
PINNED = ("x-oss-credential", "x-oss-date", "x-oss-signature-version")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
HEADER_VALUE = re.compile(r"[^\x00-\x1f\x7f]+")
# Fields with a meaning of OSS's own; others, such as the submit button, go by.
KNOWN = frozenset(
    {
        *("x-oss-content-type", "x-oss-credential", "x-oss-date", "x-oss-forbid-overwrite"),
        *("x-oss-security-token", "x-oss-signature", "x-oss-signature-version"),
        *("x-oss-object-acl", "x-oss-storage-class", "x-oss-tagging"),
    }
)


def is_form_upload(request: OssRequest) -> bool:
    """Say whether a request is a PostObject."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    on_bucket = bool(request.bucket) and not request.key and not request.query
    return request.method == "POST" and on_bucket and kind == "multipart/form-data"


def final_key(fields: Mapping[str, str], filename: str) -> str:
    """Give the object name that a form asks for, `${filename}` filled in.

    Raises:
        OssError: There is none, or it is illegal.
    """
    if not fields.get("key"):
        raise invalid_argument("key", "", "The form field key is missing.")
    return object_name(fields["key"].replace("${filename}", filename).encode())


def bucket_url(request: OssRequest, names: Names) -> str:
    """Give the URL of a bucket as the request called it, ending in `/`."""
    host = request.headers.get("host", "")
    base = f"{'https' if request.secure else 'http'}://{host}/"
    return base if names_bucket(host, names) else f"{base}{request.bucket}/"


def check_fields(fields: Mapping[str, str]) -> None:
    """Refuse fields that ask for something the sandbox does not do, rather than ignore them.

    Raises:
        OssError: There is one.
    """
    for name, value in fields.items():
        # Some will be headers of answers, where a line break would begin another header.
        if name.startswith(("x-oss-", *STORED_HEADERS)) and not (
            HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(value)
        ):
            raise invalid_argument(name, "", "A form field cannot be a header.")
        unknown = name.startswith("x-oss-") and name not in KNOWN and not name.startswith(META)
        if unknown or name in ("callback", "callback-var"):
            raise header_not_implemented(name)


def read_policy(proof: object, fields: Mapping[str, str], now: datetime) -> PostPolicy | None:
    """Read and check the policy of a proven form.

    Args:
        proof: The proof that held, or None for a form without one.
        fields: The fields, with `bucket` and the final `key`.
        now: Real time.

    Returns:
        The policy, for the size of the file; None when nobody signed one.

    Raises:
        OssError: The policy is malformed, has ended, or does not allow this.
    """
    if proof is None:
        return None
    policy = parse_post_policy(fields["policy"])
    policy.check(fields, now)
    if isinstance(proof, V4Form):
        token = () if proof.token is None else ("x-oss-security-token",)
        for name in (*PINNED, *token):
            if not policy.demands(name):
                raise invalid_argument(name, "", "The policy of a V4 form has no condition on it.")
        date = datetime.strptime(f"{fields['x-oss-date']}+0000", "%Y%m%dT%H%M%SZ%z")
        if policy.expiration - date > LONGEST:
            raise invalid_argument("policy", "", "A V4 policy lives for at most 7 days.")
    return policy


async def post_object(call: Call, form: Form, policy: PostPolicy | None, location: str) -> Answer:
    """Take the file in, and make it an object when all of it is there and right.

    Args:
        call: An authorised call with the final key, and the form's fields as headers.
        form: The form, read up to its file.
        policy: What limits the size of the file.
        location: URL of the bucket, ending in `/`.

    Raises:
        OssError: The file is too small or too large, or the key is taken.
        DisconnectedError: The client went away before the end.
        DiskFullError: The disk takes no more.
    """
    fields, key = call.header, call.request.key
    kind = fields.get("x-oss-content-type") or fields.get("content-type") or form.file_type
    described = described_object(call)
    if HEADER_VALUE.fullmatch(kind):
        described = replace(described, headers={**described.headers, "content-type": kind})
    forbid = forbids_overwrite(fields)
    async with call.store.receive() as upload:
        async for batch in _batches(form, policy.largest if policy else MAX_SIZE):
            await upload.write(batch)
        digest = await upload.finish()
        if policy and digest.size < policy.smallest:
            raise _wrong_size("EntityTooSmall", digest.size)
        record = replace(described, digest=digest, modified=call.store.timestamp())
        try:
            record = await call.store.commit(
                call.request.bucket, upload, record, forbid_overwrite=forbid
            )
        except AlreadyExistsError:
            raise file_already_exists(key) from None
    headers = {**checksum_headers(record), **version_headers(call.bucket, record)}
    return _answer(call.request, headers, f'"{record.etag}"', f"{location}{quote(key)}")


def _answer(request: OssRequest, headers: dict[str, str], etag: str, location: str) -> Answer:
    fields = request.headers
    redirect = fields.get("success_action_redirect", "")
    if urlsplit(redirect).scheme in ("http", "https") and redirect.isprintable():
        more = urlencode({"bucket": request.bucket, "key": request.key, "etag": etag})
        joint = "&" if urlsplit(redirect).query else "?"
        target = quote(f"{redirect}{joint}{more}", safe=":/?#[]@!$&'()*+,;=%~")
        return Answer(303, {**headers, "Location": target})
    status = fields.get("success_action_status", "")
    if status == "201":
        texts = {"Bucket": request.bucket, "Location": location, "Key": request.key, "ETag": etag}
        created = xml_answer(Element("PostResponse", elements(texts)))
        return Answer(201, {**created.headers, **headers, "Location": location}, created.body)
    return Answer(200 if status == "200" else 204, headers)


async def _batches(form: Form, largest: int) -> AsyncIterator[bytes]:
    """Gather the file into large pieces, and stop it when it grows too large."""
    pieces: list[bytes] = []
    gathered = total = 0
    async for piece in form.file():
        pieces.append(piece)
        gathered += len(piece)
        total += len(piece)
        if total > largest:
            raise _wrong_size("EntityTooLarge", total)
        if gathered >= BATCH_BYTES:
            yield b"".join(pieces)
            pieces.clear()
            gathered = 0
    yield b"".join(pieces)


def _wrong_size(code: str, size: int) -> OssError:
    return OssError(
        400,
        code,
        "The size of the file is outside the range that the policy allows.",
        details={"ProposedSize": str(size)},
    )
