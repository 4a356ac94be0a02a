"""Writes answers: a lease in the one body that every reader takes, a caller's grants, a problem."""

import json
from collections.abc import Mapping
from functools import lru_cache

from starlette.responses import Response

from sts_server.catalogue import Offers
from sts_server.clock import to_wire
from sts_server.errors import Refusal
from sts_server.lease import Lease
from sts_server.scope import Scope
from sts_server.settings.oss import OssTable
from sts_server.vending import Vended

_encode = json.JSONEncoder(separators=(",", ":")).encode


class LeaseAnswers:
    """Writes leases.

    The top level is what credentials URIs, ECS metadata, ali-oss's refreshSTSToken and the mobile
    samples read. All of our own is nested: ali-oss assigns each top-level name to its own options.
    """

    def __init__(self, oss: OssTable) -> None:
        """Write for one bucket."""
        self._oss = oss
        # Most leases are handed out many times, and all but the end of their bodies is the same.
        self._begun = lru_cache(maxsize=1024)(self._begin)

    def write(self, vended: Vended, *, now: float, request_id: str) -> Response:
        """Write one; `request_id` is ours, so there is nothing in it to be escaped."""
        begun = self._begun(vended.lease, vended.scope, vended.refresh_after)
        body = f'{begun},"ServerTime":"{to_wire(now)}","RequestId":"{request_id}"}}}}'
        return Response(body, media_type="application/json")

    def _begin(self, keys: Lease, scope: Scope, refresh_after: int) -> str:
        body = _encode(
            {
                "Code": "Success",
                "StatusCode": 200,
                "AccessKeyId": keys.access_key_id,
                "AccessKeySecret": keys.access_key_secret,
                "SecurityToken": keys.security_token,
                "Expiration": to_wire(keys.expiry),
                "LastUpdated": to_wire(keys.issued),
                "Lease": {
                    "Bucket": scope.bucket,
                    "Region": self._oss.region,
                    "Endpoint": self._oss.endpoint,
                    "Style": self._oss.style,
                    "Prefix": scope.prefix,
                    "Actions": scope.actions,
                    "RefreshAfter": to_wire(refresh_after),
                },
            }
        )
        return body.removesuffix("}}")


def grants(offers: Offers, oss: OssTable, *, request_id: str) -> Response:
    """Write what a caller may ask for; each grant with the names and values that its lease has."""
    body = _encode(
        {
            "Grants": [
                {
                    "Name": offer.grant,
                    "Bucket": offer.scope.bucket,
                    "Region": oss.region,
                    "Prefix": offer.scope.prefix,
                    "Actions": offer.scope.actions,
                    "Duration": offer.duration,
                }
                for offer in offers.given
            ],
            "Refused": [
                {"Name": name, "Code": why.code, "Message": why.detail}
                for name, why in offers.refused.items()
            ],
            "RequestId": request_id,
        }
    )
    return Response(body, media_type="application/json")


def refusal(error: Refusal, request_id: str) -> Response:
    """Write a refusal."""
    headers: dict[str, str] = {}
    if error.status == 401:  # noqa: PLR2004 - RFC 9110, section 15.5.2: it must say how to prove it
        headers["WWW-Authenticate"] = 'Bearer realm="oss-sts"'
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return problem(
        error.status,
        error.code,
        title=error.title,
        detail=error.detail,
        request_id=request_id,
        headers=headers,
    )


def problem(
    status: int,
    code: str,
    *,
    title: str,
    detail: str,
    request_id: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Write a problem: RFC 9457, with the Code and Message that Alibaba's tools read."""
    body = _encode(
        {
            "type": f"urn:oss-sts:{code}",
            "title": title,
            "status": status,
            "detail": detail,
            "Code": code,
            "Message": detail,
            "RequestId": request_id,
        }
    )
    return Response(body, status, headers, media_type="application/problem+json")
