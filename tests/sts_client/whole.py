"""A whole bucket: a client whose lease allows all that the sandbox's role does."""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from aliyunsdkcore.client import AcsClient
from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest

from sts_client import Bucket, Credentials, Lease, Provider
from sts_client.objects import Objects
from sts_server.sandbox import Sandbox

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its source has escapes that Python complains about
    import oss2


class Role:
    """A source of leases: the sandbox's role, asked with the official SDK.

    Args:
        places: what `told` tells.
        policy: of the session; without one it may do all that the role may.
    """

    def __init__(self, places: Mapping[str, str], policy: str = "") -> None:
        self._places = places
        self._policy = policy

    def fetch(self, *, refused: str | None = None) -> Lease:  # noqa: ARG002 - each is a new one
        """Assume the role."""
        places = self._places
        request = AssumeRoleRequest()
        request.set_endpoint(places["sts_endpoint"].removeprefix("http://"))
        request.set_protocol_type("http")
        request.set_RoleArn(places["role_arn"])
        request.set_RoleSessionName("whole")
        if self._policy:
            request.set_Policy(self._policy)
        client = AcsClient(places["access_key_id"], places["access_key_secret"], places["region"])
        keys = json.loads(client.do_action_with_exception(request))["Credentials"]
        client.session.close()
        expiry = datetime.fromisoformat(keys["Expiration"]).timestamp()
        return Lease(
            Credentials(keys["AccessKeyId"], keys["AccessKeySecret"], keys["SecurityToken"]),
            bucket=places["bucket"],
            region=places["region"],
            endpoint=places["endpoint"],
            style="path",
            prefix="",
            actions=("get", "put", "list", "delete"),
            issued=expiry - 3600,
            refresh_after=None,
            expiry=expiry,
        )


def told(sandbox: Sandbox) -> dict[str, str]:
    """Tell all that a client in another process has to know."""
    names = (
        "endpoint",
        "sts_endpoint",
        "bucket",
        "region",
        "role_arn",
        "access_key_id",
        "access_key_secret",
    )
    return {name: str(getattr(sandbox, name)) for name in names}


@contextmanager
def opened_at(places: Mapping[str, str], policy: str = "") -> Iterator[Bucket]:
    """Open the bucket at a sandbox's addresses."""
    provider = Provider(Role(places, policy))
    with Bucket(provider, Objects(provider, wait=lambda _: None)) as bucket:
        yield bucket


@contextmanager
def opened(sandbox: Sandbox, policy: str = "") -> Iterator[Bucket]:
    """Open the bucket of a sandbox."""
    with opened_at(told(sandbox), policy) as bucket:
        yield bucket


def owned(sandbox: Sandbox) -> Any:
    """Open the bucket as oss2 does, with a lease of the role."""
    keys = Role(told(sandbox)).fetch().credentials
    auth = oss2.StsAuth(
        keys.access_key_id, keys.access_key_secret, keys.security_token, auth_version="v4"
    )
    return oss2.Bucket(auth, sandbox.endpoint, sandbox.bucket, region=sandbox.region)


def open_uploads(sandbox: Sandbox) -> int:
    """Count the uploads in parts that nobody has ended, as oss2 lists them."""
    return len(owned(sandbox).list_multipart_uploads().upload_list)
