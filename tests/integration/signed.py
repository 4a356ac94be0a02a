"""Single requests signed by the official V4 signer, sent by hand so that they can be spoiled."""

import base64
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import requests
from alibabacloud_oss_v2.credentials import Credentials
from alibabacloud_oss_v2.signer import SignerV4
from alibabacloud_oss_v2.types import HttpRequest, SigningContext

from sts_server.sandbox import Sandbox

Answer = tuple[int, str, str]


@dataclass(frozen=True)
class Call:
    """One V4 request, as a client means it."""

    method: str = "PUT"
    key: str = "users/alice/refused.txt"
    query: str = ""
    body: bytes | None = b"never to be seen"
    headers: Mapping[str, str] = field(default_factory=dict)
    region: str = "cn-hangzhou"
    bucket: str = "examplebucket"
    at: datetime | None = None


Lease = dict[str, str]
Spoil = Callable[[requests.PreparedRequest], None]


def signed(sandbox: Sandbox, lease: Lease, call: Call) -> requests.PreparedRequest:
    """Sign with the official signer."""
    url = f"{sandbox.endpoint}/{call.bucket}/{call.key}{call.query}"
    prepared = requests.Request(call.method, url, dict(call.headers), data=call.body).prepare()
    request = HttpRequest(call.method, url, headers=dict(prepared.headers))
    context = SigningContext(
        product="oss",
        region=call.region,
        bucket=call.bucket,
        key=call.key,
        request=request,
        credentials=Credentials(
            lease["AccessKeyId"], lease["AccessKeySecret"], lease.get("SecurityToken")
        ),
        signing_time=call.at,
    )
    SignerV4().sign(context)
    prepared.headers.update(request.headers)
    return prepared


def send(sandbox: Sandbox, lease: Lease, call: Call, spoil: Spoil | None = None) -> Answer:
    """Sign, spoil, send; give status, code and EC."""
    prepared = signed(sandbox, lease, call)
    if spoil is not None:
        spoil(prepared)
    with requests.Session() as session:
        answer = session.send(prepared)
    if answer.ok:
        return answer.status_code, "", ""
    # The error of a HEAD, which has no body, travels in a header.
    text = answer.content or base64.b64decode(answer.headers["x-oss-err"])
    error = ET.fromstring(text)
    assert error.findtext("EC") == answer.headers["x-oss-ec"]
    assert error.findtext("RequestId") == answer.headers["x-oss-request-id"]
    return answer.status_code, error.findtext("Code", ""), error.findtext("EC", "")


def header(name: str, value: str) -> Spoil:
    """Set a header after it was signed."""

    def spoil(request: requests.PreparedRequest) -> None:
        request.headers[name] = value

    return spoil


def without(name: str) -> Spoil:
    """Take a header away."""

    def spoil(request: requests.PreparedRequest) -> None:
        del request.headers[name]

    return spoil


def url(old: str, new: str) -> Spoil:
    """Write a part of the URL in another way."""

    def spoil(request: requests.PreparedRequest) -> None:
        assert old in str(request.url)
        request.url = str(request.url).replace(old, new)

    return spoil


def method(name: str) -> Spoil:
    """Send it with another method."""

    def spoil(request: requests.PreparedRequest) -> None:
        request.method = name

    return spoil


def scope_date(request: requests.PreparedRequest) -> None:
    """Put another day into the scope of the signature."""
    head, _, tail = str(request.headers["Authorization"]).partition("/")
    request.headers["Authorization"] = f"{head}/20200101{tail[8:]}"
