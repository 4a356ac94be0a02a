"""Put, get and delete of a bucket's CORS rules, and the preflight that asks them."""

from dataclasses import replace

from sts_server.sandbox.oss.answer import Answer, xml_answer
from sts_server.sandbox.oss.call import Call
from sts_server.sandbox.oss.cors import (
    cors_headers,
    matched,
    not_allowed,
    read_cors,
    write_cors,
)
from sts_server.sandbox.oss.documents import read_body
from sts_server.sandbox.oss.errors import OssError, invalid_argument
from sts_server.sandbox.oss.operation import Level, Operation
from sts_server.sandbox.oss.request import OssRequest
from sts_server.sandbox.store.bucket import Cors

MAX_BYTES = 16 * 1024
METHOD = "access-control-request-method"
HEADERS = "access-control-request-headers"


def preflight(request: OssRequest, cors: Cors | None) -> Answer:
    """OptionObject: say whether a browser may send what it means to; nobody signs this.

    Args:
        request: The OPTIONS request.
        cors: The rules of its bucket, if there are any.

    Raises:
        OssError: It says too little, or no rule allows it.
    """
    for name in ("origin", METHOD):
        if not request.headers.get(name):
            raise invalid_argument(name.title(), "", f"A preflight names its {name.title()}.")
    origin, wanted = request.headers["origin"], request.headers.get(HEADERS, "")
    rule = matched(cors, origin, request.headers[METHOD].upper(), wanted)
    if rule is None:
        raise not_allowed()
    allowed = {"Access-Control-Allow-Headers": wanted} if wanted else {}
    return Answer(200, {**cors_headers(cors, rule, origin), **allowed})


async def put_bucket_cors(call: Call) -> Answer:
    """PutBucketCors: these rules and no others.

    Raises:
        OssError: The document is wrong.
    """
    cors = read_cors(await read_body(call, MAX_BYTES))
    await call.store.set_bucket(call.request.bucket, lambda old: replace(old, cors=cors))
    return Answer(200)


async def get_bucket_cors(call: Call) -> Answer:
    """GetBucketCors.

    Raises:
        OssError: There are no rules.
    """
    cors = call.bucket.cors
    if cors is None:
        raise OssError(
            404,
            "NoSuchCORSConfiguration",
            "The CORS Configuration does not exist.",
            details={"BucketName": call.request.bucket},
        )
    return xml_answer(write_cors(cors))


async def delete_bucket_cors(call: Call) -> Answer:
    """DeleteBucketCors: 204, whether or not there were rules."""
    await call.store.set_bucket(call.request.bucket, lambda old: replace(old, cors=None))
    return Answer(204)


OPERATIONS = (
    Operation(
        "PutBucketCors", "PUT", Level.BUCKET, "oss:PutBucketCors", put_bucket_cors, when=("cors",)
    ),
    Operation(
        "GetBucketCors", "GET", Level.BUCKET, "oss:GetBucketCors", get_bucket_cors, when=("cors",)
    ),
    Operation(
        "DeleteBucketCors",
        "DELETE",
        Level.BUCKET,
        "oss:DeleteBucketCors",
        delete_bucket_cors,
        when=("cors",),
    ),
)
