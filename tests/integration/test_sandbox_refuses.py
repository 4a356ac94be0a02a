"""Refusals that want more than one signed request: no length, a call played twice, what is recorded.

All others are rows of test_refusals.py.
"""

import http.client
import json
import xml.etree.ElementTree as ET
from urllib.parse import urlsplit

import requests
from aliyunsdkcore.auth.composer.rpc_signature_composer import get_signed_url

from sts_server.sandbox import Sandbox
from tests.integration.signed import Call, Lease, send, signed

LIST_MINE = Call("GET", key="", query="?list-type=2&prefix=users%2Falice%2F", body=None)


def test_a_body_without_a_length(sandbox: Sandbox, lease: Lease) -> None:
    """`requests` always sends a length, so this one is written by hand."""
    prepared = signed(sandbox, lease, Call())
    connection = http.client.HTTPConnection(urlsplit(sandbox.endpoint).netloc, timeout=10)
    connection.putrequest("PUT", prepared.path_url)
    for name, value in prepared.headers.items():
        if name.lower() not in ("content-length", "host"):
            connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    error = ET.fromstring(answer.read())
    connection.close()
    assert (answer.status, error.findtext("Code")) == (411, "MissingContentLength")


def test_a_call_to_sts_that_is_played_twice(sandbox: Sandbox) -> None:
    parameters = {"Action": "GetCallerIdentity", "Version": "2015-04-01"}
    keys = (sandbox.access_key_id, sandbox.access_key_secret)
    url, _ = get_signed_url(parameters, *keys, "JSON", "POST", {})
    first = requests.post(sandbox.sts_endpoint + url, timeout=10)
    again = requests.post(sandbox.sts_endpoint + url, timeout=10)
    assert first.status_code == 200
    assert (again.status_code, again.json()["Code"]) == (400, "SignatureNonceUsed")


def test_nothing_secret_is_recorded(sandbox: Sandbox, lease: Lease) -> None:
    sandbox.clear_requests()
    send(sandbox, lease, LIST_MINE)
    send(sandbox, {**lease, "AccessKeySecret": "wrong"}, Call())
    recorded = sandbox.requests()
    assert [seen["operation"] for seen in recorded] == ["ListObjectsV2", ""]
    assert [seen["code"] for seen in recorded] == ["", "SignatureDoesNotMatch"]
    assert {seen["access_key_id"] for seen in recorded} == {lease["AccessKeyId"]}
    text = json.dumps(recorded).lower()
    assert "authorization" not in text
    assert lease["SecurityToken"].lower() not in text
    assert lease["AccessKeySecret"].lower() not in text
