"""One body for all readers: the same answer, read by everybody who reads such answers, before and after.

Time is set here so that the readers, who look at the real clock, take the first answer for one that
is nearly over: the server's clock is behind, so the lease seems to have lived for long already.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import oss2
import pytest
import uvicorn
from alibabacloud_credentials.client import Client
from alibabacloud_credentials.models import Config
from oss2.credentials import EcsRamRoleCredentialsProvider

import sts_client
from sts_server.app import App
from sts_server.callers.api_keys import digest
from sts_server.config import parse
from sts_server.sandbox import Sandbox
from sts_server.serving import open_listener, server_config
from tests.integration.house import CONFIG, KEYS
from tests.integration.relay import Relay, relay_to
from tests.integration.scripts import run_script

LIFE = 900  # seconds; the official readers ask anew in the last quarter of an hour
WISH = f"/v1/credentials/uploads?duration={LIFE}"
BEHIND = 5400  # of such an answer less than 15 % is left: oss2 asks anew, too
LATER = 3600  # more than half of what the server takes for its life

Work = Callable[[str], str]
"""Puts and gets an object of this name; gives the AccessKeyId it was done with."""


@dataclass
class Stage:
    """A sandbox, a server and a relay, and how far the server's clock is behind."""

    sandbox: Sandbox
    behind: float = BEHIND
    audit: list[Any] = field(default_factory=list)
    url: str = ""
    relay: Relay = field(init=False)

    def clock(self) -> float:
        """Tell the server's time."""
        return time.time() - self.behind

    def later(self) -> None:
        """Let the leases that are out be over."""
        self.behind -= LATER
        self.sandbox.advance(LIFE + 1)

    def vended(self) -> list[str]:
        """Tell which keys were vended, each once, the first first."""
        return list(dict.fromkeys(line["access_key_id"] for line in self.audit))


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Sandbox() as sandbox:
        running = Stage(sandbox)
        with serving(running) as running.url, relay_to(running.url, running.later) as running.relay:
            yield running


@contextmanager
def serving(stage: Stage) -> Iterator[str]:
    """Serve the application with the stage's clock, in a thread."""
    text = CONFIG.format(
        sandbox=stage.sandbox, audit="stderr", **{name: digest(key) for name, key in KEYS.items()}
    )
    # ali-oss needs a name.
    text = text.replace(
        f'endpoint = "{stage.sandbox.endpoint}"',
        f'endpoint = "{stage.sandbox.browser_endpoint}"',
        1,
    )
    own_key = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": stage.sandbox.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": stage.sandbox.access_key_secret,
    }
    application = App(parse(text, own_key), audit=stage.audit.append, clock=stage.clock)
    listener = open_listener("127.0.0.1:0")
    server = uvicorn.Server(server_config(application))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def credentials_uri(stage: Stage) -> Work:
    """alibabacloud-credentials by URI; oss2 does the work with what it gives."""
    client = Client(Config(type="credentials_uri", credentials_uri=f"{stage.relay.url}{WISH}"))

    def work(name: str) -> str:
        keys = client.get_credential()
        auth = oss2.StsAuth(keys.access_key_id, keys.access_key_secret, keys.security_token)
        put_and_get(stage.sandbox, auth, name)
        return str(keys.access_key_id)

    return work


def ecs_metadata(stage: Stage) -> Work:
    """oss2's own reader of ECS metadata."""
    provider = EcsRamRoleCredentialsProvider(f"{stage.relay.url}{WISH}")

    def work(name: str) -> str:
        put_and_get(stage.sandbox, oss2.ProviderAuthV4(provider), name)
        return str(provider.credentials.access_key_id)

    return work


def put_and_get(sandbox: Sandbox, auth: Any, name: str) -> None:
    session = oss2.Session()
    store = oss2.Bucket(
        auth, sandbox.endpoint, sandbox.bucket, session=session, region=sandbox.region
    )
    try:
        store.put_object(name, name)
        assert store.get_object(name).read() == name.encode()
    finally:
        session.session.close()


def our_client(stage: Stage) -> Work:
    """sts_client, which needs no relay, and dates its requests by the server's clock."""
    bucket = sts_client.connect(stage.url, grant="uploads", token=KEYS["alice"], duration=LIFE)

    def work(name: str) -> str:
        skew = stage.sandbox.fault(service="oss", skew=-stage.behind)
        bucket.put(name, name.encode())
        assert bucket.get(name).read() == name.encode()
        stage.sandbox.clear_faults(skew)
        return bucket.provider.credentials().access_key_id

    return work


READERS = {
    "alibabacloud-credentials": credentials_uri,
    "oss2": ecs_metadata,
    "sts_client": our_client,
}


@pytest.mark.usefixtures("swept")
def test_python_reads_the_one_answer(stage: Stage) -> None:
    readers = {name: make(stage) for name, make in READERS.items()}
    first = {name: work(f"users/alice/{name} first") for name, work in readers.items()}
    stage.later()
    second = {name: work(f"users/alice/{name} second") for name, work in readers.items()}
    old, new = stage.vended()
    assert first == dict.fromkeys(READERS, old)
    assert second == dict.fromkeys(READERS, new)


def test_what_was_over_was_over(stage: Stage) -> None:
    client = Client(Config(type="credentials_uri", credentials_uri=f"{stage.relay.url}{WISH}"))
    keys = client.get_credential()
    auth = oss2.StsAuth(keys.access_key_id, keys.access_key_secret, keys.security_token)
    put_and_get(stage.sandbox, auth, "users/alice/a")
    stage.later()
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        put_and_get(stage.sandbox, auth, "users/alice/a")
    assert refused.value.code == "SecurityTokenExpired"


def test_javascript_reads_the_one_answer(stage: Stage) -> None:
    results = run_script(
        "readers.mjs",
        stage.sandbox,
        SERVER=stage.url,
        TOKEN=KEYS["alice"],
        RELAY=stage.relay.url,
        WISH=WISH,
    )
    old, new = stage.vended()
    early = results.pop("ali-oss too early")
    assert early["code"] == "SecurityTokenExpired"
    assert results.pop("same place") is True
    assert results == {
        f"{reader} {moment}": {"id": key, "text": f"users/alice/readers/{reader} {moment}"}
        for moment, key in (("first", old), ("second", new))
        for reader in ("@alicloud/credentials", "ali-oss")
    }
