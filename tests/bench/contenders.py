"""The contenders: this client and the official SDKs, set up as their users would, each imported only when it runs."""

import time
from typing import Any

from tests.bench.far_end import BUCKET


def ours(url: str) -> Any:
    """Open the bucket with this client."""
    from sts_client import Bucket, Credentials, Lease, Provider
    from sts_client.objects import Objects

    now = time.time()

    class Given:
        def fetch(self, *, refused: str | None = None) -> Lease:  # noqa: ARG002 - nobody refuses
            keys = Credentials("STS.N", "s" * 44, "t" * 800)
            may = ("get", "put")
            return Lease(keys, BUCKET, "cn-hangzhou", url, "path", "", may, now, None, now + 3600)

    provider = Provider(Given())
    return Bucket(provider, Objects(provider))


def oss2(url: str) -> Any:
    """Open the bucket with oss2."""
    import oss2 as sdk

    auth = sdk.StsAuth("STS.N", "s" * 44, "t" * 800, auth_version="v4")
    return sdk.Bucket(auth, url, BUCKET, region="cn-hangzhou")


def oss_v2(url: str) -> Any:
    """Make a client of alibabacloud-oss-v2."""
    import alibabacloud_oss_v2 as sdk

    settings = sdk.config.load_default()
    settings.region = "cn-hangzhou"
    settings.endpoint = url
    settings.credentials_provider = sdk.credentials.StaticCredentialsProvider(
        "STS.N", "s" * 44, "t" * 800
    )
    return sdk.Client(settings)
