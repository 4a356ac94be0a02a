"""The error that a fault rule answers in place of a service, in that service's own form."""

import json
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from sts_server.sandbox.faults.rule import Rule
from sts_server.sandbox.faults.target import parameter
from sts_server.sandbox.oss.answer import Answer, error_answer
from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.xml import Element, document, elements

MESSAGE = "This answer was asked for by a fault rule of the sandbox."


def oss_refusal(rule: Rule, scope: Mapping[str, Any]) -> Answer:
    """Render the error of a rule as OSS does (OSS: "Error response")."""
    error = OssError(rule.status or 500, rule.code or "InternalError", rule.message or MESSAGE)
    request_id = secrets.token_hex(12).upper()
    head = scope["method"] == "HEAD"
    answer = error_answer(error, host=_host(scope), request_id=request_id, head=head)
    headers = {"Server": "AliyunOSS", "x-oss-request-id": request_id, **answer.headers}
    return Answer(answer.status, headers, answer.body)


def sts_refusal(rule: Rule, scope: Mapping[str, Any], form: bytes) -> Answer:
    """Render the error of a rule as the RPC gateway does: JSON for ACS3 and for `Format=JSON`."""
    request_id = str(uuid.uuid4()).upper()
    code = rule.code or "InternalError"
    texts = {
        "RequestId": request_id,
        "HostId": _host(scope),
        "Code": code,
        "Message": rule.message or MESSAGE,
    }
    given = parameter("Format", scope, form).upper()
    as_json = given == "JSON" or (not given and b"x-acs-action" in dict(scope["headers"]))
    kind = "application/json" if as_json else "text/xml"
    headers = {"Content-Type": f"{kind};charset=utf-8", "x-acs-request-id": request_id}
    body = json.dumps(texts).encode() if as_json else document(Element("Error", elements(texts)))
    return Answer(rule.status or 500, headers, body)


def _host(scope: Mapping[str, Any]) -> str:
    host: bytes = dict(scope["headers"]).get(b"host", b"")
    return host.decode("latin-1")
