"""Work with the asyncio client of alibabacloud-oss-v2: each is one run of a loop, the client closed inside."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import alibabacloud_oss_v2 as oss
import alibabacloud_oss_v2.aio as oss_aio
import pytest
from alibabacloud_oss_v2.exceptions import OperationError

from sts_server.sandbox import Sandbox
from tests.integration.house import whole_bucket

Work = Callable[[Any], Awaitable[None]]
Run = Callable[[Work], None]


def runner(sandbox: Sandbox) -> Run:
    """Give what runs work with a client in a loop of its own, as whoever may do all with the bucket."""
    keys = whole_bucket(sandbox)
    config = oss.config.load_default()
    config.region = sandbox.region
    config.endpoint = sandbox.endpoint
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(
        keys["AccessKeyId"], keys["AccessKeySecret"], keys["SecurityToken"]
    )

    async def main(work: Work) -> None:
        async with oss_aio.AsyncClient(config) as client:
            await work(client)

    return lambda work: asyncio.run(main(work))


def place(sandbox: Sandbox, test: str) -> dict[str, str]:
    """Name an object that is one test's own."""
    digest = hashlib.sha256(test.encode()).hexdigest()[:12]
    return {"bucket": sandbox.bucket, "key": f"async/{digest}/a b+中%2F#?.txt"}


async def refusal(call: Awaitable[Any]) -> tuple[int, str]:
    """Make a call that must be refused; give status and code."""
    with pytest.raises(OperationError) as caught:
        await call
    error = caught.value.unwrap()
    return error.status_code, error.code
