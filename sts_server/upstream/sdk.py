"""aliyun-python-sdk-sts, aimed at one endpoint; it blocks, so each call has a thread of its own."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests.utils
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.auth.signers.access_key_signer import AccessKeySigner
from aliyunsdkcore.auth.signers.sts_token_signer import StsTokenSigner
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import http_response
from aliyunsdkcore.vendored.requests import Session
from aliyunsdkcore.vendored.requests.adapters import HTTPAdapter
from aliyunsdkcore.vendored.requests.packages.urllib3.util import ssl_
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest
from aliyunsdksts.request.v20150401.GetCallerIdentityRequest import GetCallerIdentityRequest

from sts_server.access_key import AccessKey
from sts_server.lease import RoleRequest
from sts_server.shapes import is_loopback
from sts_server.upstream.failures import (
    NOT_REACHED,
    is_about_key,
    kind,
    refusal,
    unavailable,
)
from sts_server.upstream.own_key import OwnKey


@dataclass(frozen=True, slots=True)
class Times:
    """How long one call may take: seconds to connect, and seconds to wait for the answer."""

    connect: float
    read: float


class Connection:
    """Calls STS with whatever our own key is at that moment. For use by many threads.

    Both calls raise UpstreamUnavailable (no key, no answer, or none that can be understood),
    UpstreamThrottled (STS asks to slow down) or UpstreamRefused (it refused key, role or policy).
    """

    def __init__(
        self,
        own_key: OwnKey,
        *,
        endpoint: str,
        region: str,
        ca_bundle: str | None = None,
        size: int = 8,
    ) -> None:
        """Prepare to call.

        Args:
            own_key: the key of whoever may assume the role.
            endpoint: such as `https://sts.cn-hangzhou.aliyuncs.com`.
            region: such as `cn-hangzhou`.
            ca_bundle: a file of certificates to trust instead of certifi's. The SDK's own are old.
            size: connections kept open.
        """
        mend_sdk()
        self._own_key = own_key
        self._endpoint = endpoint
        self._parts = {
            "region_id": region,
            "auto_retry": False,
            "verify": ca_bundle or certifi.where(),
            "proxy": _proxies(endpoint),
        }
        self._session = Session()
        # Else the SDK would look into ~/.netrc for another name to call with.
        self._session.trust_env = False
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=size))
        self._client: tuple[AccessKey, AcsClient] | None = None

    def assume_role(self, request: RoleRequest, times: Times) -> bytes:
        """Call AssumeRole; gives the answer's JSON."""

        def made() -> Any:
            call = AssumeRoleRequest()
            call.set_RoleArn(request.role_arn)
            call.set_RoleSessionName(request.session_name)
            call.set_Policy(request.policy)
            call.set_DurationSeconds(request.duration)
            if request.external_id is not None:
                call.set_ExternalId(request.external_id)
            return call

        return self._send(made, times)

    def get_caller_identity(self, times: Times) -> bytes:
        """Call GetCallerIdentity; gives the answer's JSON."""
        return self._send(GetCallerIdentityRequest, times)

    def close(self) -> None:
        """Close what is idle; a connection in use is closed when its answer is there."""
        self._session.close()

    def _send(self, made: Callable[[], Any], times: Times) -> bytes:
        key: AccessKey | None = self._own_key.get()
        while key is not None:
            try:
                return self._send_with(key, made(), times)
            except ServerException as error:
                status, code = error.get_http_status(), error.get_error_code()
            # A key that is over or was replaced is no reason to refuse anybody.
            key = self._own_key.instead_of(key) if is_about_key(code) else None
        raise refusal(status, code)

    def _send_with(self, key: AccessKey, call: Any, times: Times) -> bytes:
        call.set_endpoint(self._endpoint)
        call.set_connect_timeout(times.connect)
        call.set_read_timeout(times.read)
        try:
            body: bytes = self._client_for(key).do_action_with_exception(call)
        except ServerException:
            raise
        except Exception as error:  # noqa: BLE001 - the SDK lets IndexError, UnicodeError and others out
            # Its texts may hold a whole answer, so only the kind of error goes on.
            why = kind(error)
            raise unavailable(f"{self._endpoint}: {why}", asked=why not in NOT_REACHED) from None
        return body

    def _client_for(self, key: AccessKey) -> AcsClient:
        client = self._client
        if client is None or client[0] != key:
            client = self._client = (key, _Client(key, self._session, self._parts))
        return client[1]


class _Client(AcsClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client for one key; the connections are common to all keys."""

    def __init__(self, key: AccessKey, session: Session, parts: dict[str, Any]) -> None:
        super().__init__(key.id, key.secret, **parts)
        self.session.close()
        self.session: Session = session
        # Chosen here: the SDK itself would prefer ALIYUN_ACCESS_KEY_ID of the environment.
        self._signer = (
            StsTokenSigner(StsTokenCredential(key.id, key.secret, key.security_token))
            if key.security_token
            else AccessKeySigner(AccessKeyCredential(key.id, key.secret))
        )

    def __del__(self) -> None:
        """Leave the connections open: the next key's client has them, too."""


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
