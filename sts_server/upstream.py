"""Asks STS for temporary keys through aliyun-python-sdk-sts; no other call leaves the house."""

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self
from urllib.parse import urlsplit

import certifi
import requests.utils
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import http_response
from aliyunsdkcore.vendored.requests.packages.urllib3.util import ssl_
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest

from sts_server.clock import Clock, from_wire, system_clock
from sts_server.errors import (
    UpstreamFailure,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
)
from sts_server.lease import Lease, RoleRequest
from sts_server.shapes import is_loopback

CONNECT_TIMEOUT: Final = 3
"""Seconds to reach STS."""
READ_TIMEOUT: Final = 10
"""Seconds to wait for its answer."""

_RETRY_AFTER = 5  # seconds: what a caller is told when STS is away or throttling

_UNAVAILABLE = "STS cannot be reached or did not answer as it should; ask again in a moment"
_THROTTLED = "STS asks this server to slow down; ask again in a moment"
_REFUSED = (
    "STS refused this server's own key, role or policy; the operator's log says which and why"
)

_HINTS: Final[Mapping[str, str]] = {
    # The beginning of STS's code -> what the operator should do (Alibaba Cloud, "AssumeRole").
    "NoPermission": "the RAM user needs AliyunSTSAssumeRoleAccess, and the role must trust it",
    "EntityNotExist.Role": "there is no such role: correct sts.role_arn",
    "InvalidAccessKeyId": "our key is unknown or disabled: check ALIBABA_CLOUD_ACCESS_KEY_ID",
    "InvalidAccessKeySecret": "our secret is wrong: check ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "SignatureDoesNotMatch": "our secret is wrong: check ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "InvalidSecurityToken": "our own token is wrong or over: check ALIBABA_CLOUD_SECURITY_TOKEN",
    "InvalidTimeStamp": "this machine's clock is more than 15 minutes off: correct it",
    "InvalidParameter.DurationSeconds": "a grant's duration is over the role's MaxSessionDuration",
    "InvalidParameter.Policy": "STS did not take the session policy: report this with the code",
}


_SIGNS: Final[Mapping[str, str]] = {
    # A word in the text of an error that never reached STS -> what the operator should know.
    "ca certificate bundle": "the file of trusted certificates cannot be read",
    "certificate": "its certificate is not trusted, or is another host's",
    "name or service not known": "there is no host of this name",
    "name resolution": "there is no host of this name",
    "refused": "nobody listens there",
    "timed out": "no answer in time",
}


class Sts:
    """A bounded number of AssumeRole calls, each in a thread of its own, since the SDK blocks."""

    def __init__(
        self,
        *,
        key_id: str,
        key_secret: str,
        security_token: str | None,
        region: str,
        endpoint: str | None = None,
        max_calls: int = 8,
        ca_bundle: str | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """Prepare to ask.

        Args:
            key_id: the access key id of the RAM user that may assume the role.
            key_secret: its secret.
            security_token: given when that key is itself temporary.
            region: such as `cn-hangzhou`.
            endpoint: such as `https://sts.example.com`; the region's public one by default.
            max_calls: calls under way at the same time.
            ca_bundle: a file of certificates to trust instead of certifi's. The SDK's own are old.
            clock: tells when a lease was asked for.
        """
        mend_sdk()
        self._endpoint = endpoint or f"https://sts.{region}.aliyuncs.com"
        self._clock = clock
        self._client = AcsClient(
            region_id=region,
            credential=StsTokenCredential(key_id, key_secret, security_token)
            if security_token
            else AccessKeyCredential(key_id, key_secret),
            auto_retry=False,
            connect_timeout=CONNECT_TIMEOUT,
            timeout=READ_TIMEOUT,
            verify=ca_bundle or certifi.where(),
            pool_size=max_calls,
            proxy=_proxies(self._endpoint),
        )
        self._threads = ThreadPoolExecutor(max_calls, thread_name_prefix="assume-role")

    async def assume_role(self, request: RoleRequest) -> Lease:
        """Ask for one lease.

        Raises:
            UpstreamUnavailable: no answer, or none that can be understood.
            UpstreamThrottled: STS asks to slow down.
            UpstreamRefused: STS refused our key, role or policy.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._assume_role, request)

    def close(self) -> None:
        """Start no further call. Calls under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def _assume_role(self, request: RoleRequest) -> Lease:
        call = AssumeRoleRequest()
        call.set_endpoint(self._endpoint)
        call.set_RoleArn(request.role_arn)
        call.set_RoleSessionName(request.session_name)
        call.set_Policy(request.policy)
        call.set_DurationSeconds(request.duration)
        if request.external_id is not None:
            call.set_ExternalId(request.external_id)
        issued = int(self._clock())
        try:
            body = self._client.do_action_with_exception(call)
        except ServerException as error:
            raise _refusal(error.get_http_status(), error.get_error_code()) from None
        except Exception as error:  # noqa: BLE001 - the SDK lets IndexError, UnicodeError and others out
            # Its texts may hold a whole answer, so only the kind of error goes on.
            raise _unavailable(f"{self._endpoint}: {_kind(error)}") from None
        return _read(body, issued)


def mend_sdk() -> None:
    """Correct two habits of aliyun-python-sdk-core.

    On Python 3.12 and newer its vendored TLS believes that there is no SNI and sends none, so a
    server with several names shows the wrong certificate. And its loggers write whole answers, keys
    included, when one cannot be parsed or `DEBUG=sdk` is set.
    """
    ssl_.HAS_SNI = True
    http_response.logger.handlers.clear()
    http_response.logger.setLevel(logging.NOTSET)
    logging.getLogger("aliyunsdkcore").setLevel(logging.CRITICAL)


def _proxies(endpoint: str) -> dict[str, str | None]:
    """Find the proxies to use; the SDK itself would send loopback calls through one, too."""
    direct: dict[str, str | None] = {"http": None, "https": None}
    if is_loopback(urlsplit(endpoint).hostname or ""):
        return direct
    return {**direct, **requests.utils.get_environ_proxies(endpoint)}


def _read(body: bytes, issued: int) -> Lease:
    try:
        answer = json.loads(body)
        keys = answer["Credentials"]
        lease = Lease(
            access_key_id=_text(keys["AccessKeyId"]),
            access_key_secret=_text(keys["AccessKeySecret"]),
            security_token=_text(keys["SecurityToken"]),
            issued=issued,
            expiry=from_wire(_text(keys["Expiration"])),
            sts_request_id=_text(answer["RequestId"]),
        )
    except (ValueError, KeyError, TypeError):
        raise _unavailable("an answer without the keys it should hold") from None
    if lease.expiry <= issued:
        raise UpstreamRefused(
            _REFUSED, hint="STS gave a lease already over: this machine's clock is off"
        )
    return lease


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _refusal(status: int | None, code: object) -> UpstreamFailure:
    name = (
        code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9._]{1,64}", code) else "unknown"
    )
    if name.startswith("Throttling"):
        return UpstreamThrottled(_THROTTLED, hint=name, retry_after=_RETRY_AFTER)
    if status is None or status >= 500:  # noqa: PLR2004 - the first status of the server's own faults
        return _unavailable(f"{name} ({status})")
    advice = next(
        (text for start, text in _HINTS.items() if name.startswith(start)), "look up the code"
    )
    return UpstreamRefused(_REFUSED, hint=f"{name}: {advice}")


def _unavailable(hint: str) -> UpstreamUnavailable:
    return UpstreamUnavailable(_UNAVAILABLE, hint=hint, retry_after=_RETRY_AFTER)


def _kind(error: Exception) -> str:
    """Name an error without its text: what it means where that is plain, else the SDK's code."""
    text = str(error).lower()
    for sign, meaning in _SIGNS.items():
        if sign in text:
            return meaning
    code = getattr(error, "error_code", None)
    return (
        code
        if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9._]{1,64}", code)
        else type(error).__name__
    )
