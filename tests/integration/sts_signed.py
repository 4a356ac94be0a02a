"""Single STS calls signed by the official signers, V1 and ACS3, sent by hand so that they can be spoiled."""

import hashlib
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests
from alibabacloud_tea_openapi.utils import Utils
from aliyunsdkcore.auth.algorithm import sha_hmac1
from aliyunsdkcore.auth.composer import rpc_signature_composer
from darabonba.request import DaraRequest

from sts_server.sandbox import Sandbox

ALGORITHM = "ACS3-HMAC-SHA256"
Answer = tuple[int, str]
Keys = Mapping[str, str]
Parameters = dict[str, str]


@dataclass(frozen=True)
class Call:
    """One call, as it goes over the wire: query or form, and headers."""

    method: str
    query: Parameters
    form: Parameters
    headers: dict[str, str]


Spoil = Callable[[Call], None]
Sign = Callable[[Sandbox, Keys, str, Parameters], Call]


def now(minutes: float = 0) -> str:
    """Give the time, so many minutes from now, as STS writes it."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def v1(method: str, *, form: bool = False) -> Sign:
    """Sign as aliyun-python-sdk-core does, in the query or in a form."""

    def sign(_: Sandbox, keys: Keys, action: str, wish: Parameters) -> Call:
        parameters = {
            "Action": action,
            "Version": "2015-04-01",
            "Format": "JSON",
            "AccessKeyId": keys["AccessKeyId"],
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": str(uuid.uuid4()),
            "Timestamp": now(),
            **wish,
        }
        if "SecurityToken" in keys:
            parameters["SecurityToken"] = keys["SecurityToken"]
        compose = getattr(rpc_signature_composer, "__compose_string_to_sign")
        secret = keys["AccessKeySecret"] + "&"
        text = compose(method, parameters)
        parameters["Signature"] = sha_hmac1.get_sign_string(text, secret)
        return Call(method, {} if form else parameters, parameters if form else {}, {})

    return sign


def acs3(sandbox: Sandbox, keys: Keys, action: str, wish: Parameters) -> Call:
    """Sign as alibabacloud-tea-openapi does."""
    version = wish.get("Version", "2015-04-01")
    parameters = {name: value for name, value in wish.items() if name not in HEADERS}
    headers = {
        "accept": "application/json",
        "host": sandbox.sts_endpoint.removeprefix("http://"),
        "x-acs-action": action,
        "x-acs-version": version,
        "x-acs-date": wish.get("Timestamp", now()),
        "x-acs-signature-nonce": wish.get("SignatureNonce", uuid.uuid4().hex),
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
    }
    if "SecurityToken" in keys:
        headers["x-acs-security-token"] = keys["SecurityToken"]
    request = DaraRequest()
    request.method, request.pathname, request.query, request.headers = (
        "POST",
        "/",
        parameters,
        headers,
    )
    headers["authorization"] = Utils.get_authorization(
        request,
        ALGORITHM,
        headers["x-acs-content-sha256"],
        keys["AccessKeyId"],
        keys["AccessKeySecret"],
    )
    return Call("POST", parameters, {}, headers)


# What ACS3 says in headers, by the name of the parameter that says it in V1.
HEADERS = {
    "Version": "x-acs-version",
    "Timestamp": "x-acs-date",
    "SignatureNonce": "x-acs-signature-nonce",
    "SecurityToken": "x-acs-security-token",
    "Action": "x-acs-action",
}


def send(sandbox: Sandbox, call: Call) -> Answer:
    """Send a call; give status and code."""
    answer = requests.request(
        call.method,
        sandbox.sts_endpoint,
        params=call.query,
        data=call.form or None,
        headers=call.headers,
        timeout=30,
    )
    if answer.headers["Content-Type"].startswith("text/xml"):
        body = {item.tag: item.text or "" for item in ET.fromstring(answer.content)}
    else:
        body = answer.json()
    if answer.ok:
        assert "Code" not in body
        return answer.status_code, ""
    assert body["RequestId"] == answer.headers["x-acs-request-id"]
    assert body["Message"]
    assert body["HostId"] == sandbox.sts_endpoint.removeprefix("http://")
    return answer.status_code, body["Code"]


def put(name: str, value: str) -> Spoil:
    """Set a parameter, or the header that says it, after it was signed."""

    def spoil(call: Call) -> None:
        place, here = _found(call, name)
        place[here] = value

    return spoil


def without(name: str) -> Spoil:
    """Take a parameter, or the header that says it, away after it was signed."""

    def spoil(call: Call) -> None:
        place, here = _found(call, name)
        del place[here]

    return spoil


def _found(call: Call, name: str) -> tuple[Parameters, str]:
    if "authorization" in call.headers and name in HEADERS:
        return call.headers, HEADERS[name]
    return (call.form or call.query), name
