"""oss2 with leases: what it does by itself, what the session adds, and what it cannot do."""

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import oss2
import pytest

from sts_client import Provider, leases_from
from sts_client.errors import GrantDenied
from sts_client.plugs.oss2 import LeaseProvider, LeaseSession
from sts_server.sandbox import Sandbox
from tests.integration.house import KEYS, Server

KEY = "users/alice/plugged"
Connect = Callable[..., oss2.Bucket]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make buckets as the module's docstring shows it."""
    sessions: list[Any] = []

    def made(leases: Provider, auth: Any = oss2.ProviderAuthV4, *, told: bool = True) -> Any:
        lease = leases.lease()
        sessions.append(LeaseSession(leases) if told else oss2.Session())
        return oss2.Bucket(
            auth(LeaseProvider(leases)),
            lease.endpoint,
            lease.bucket,
            session=sessions[-1],
            region=lease.region,
        )

    yield made
    for session in sessions:
        session.session.close()


@pytest.mark.parametrize("auth", [oss2.ProviderAuthV4, oss2.ProviderAuth])
def test_objects_go_and_come(leases: Provider, connect: Connect, auth: Any) -> None:
    bucket = connect(leases, auth)
    bucket.put_object(KEY, b"hello")
    assert bucket.get_object(KEY).read() == b"hello"
    with pytest.raises(oss2.exceptions.AccessDenied):
        bucket.put_object("users/bob/x", b"")
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.get_object(f"{KEY}-none")
    url = bucket.sign_url("GET", KEY, 60)
    assert bucket.get_object_with_url(url).read() == b"hello"


@pytest.mark.parametrize("auth", [oss2.ProviderAuthV4, oss2.ProviderAuth])
@pytest.mark.parametrize("first", ["get_object", "head_object", "delete_object"])
def test_a_lease_that_ends_early_costs_one_request(
    own_leases: Provider,
    own_sandbox: Sandbox,
    own_server: Server,
    connect: Connect,
    auth: Any,
    first: str,
) -> None:
    bucket = connect(own_leases, auth)
    bucket.put_object(KEY, b"hello")
    own_sandbox.expire()
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        getattr(bucket, first)(KEY)
    assert caught.value.code == "SecurityTokenExpired"
    assert bucket.get_object(KEY).read() == b"hello"
    assert len(own_server.audit()) == 2


def test_without_the_session_the_provider_never_hears_of_it(
    own_leases: Provider, own_sandbox: Sandbox, connect: Connect
) -> None:
    bucket = connect(own_leases, told=False)
    own_sandbox.expire()
    for _ in range(2):
        with pytest.raises(oss2.exceptions.ServerError, match="SecurityTokenExpired"):
            bucket.get_object(KEY)


def test_twenty_threads_are_one_fetch(
    own_leases: Provider, own_server: Server, own_sandbox: Sandbox, connect: Connect
) -> None:
    lease = own_leases.lease()
    own_sandbox.expire(lease.credentials.access_key_id)
    own_leases.refused(lease.credentials.access_key_id)
    bucket = connect(own_leases)
    threads = [
        threading.Thread(target=bucket.put_object, args=(f"{KEY}{number}", b"x"))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(oss2.ObjectIterator(bucket, prefix="users/alice/"))) == 20
    assert len(own_server.audit()) == 2


def test_our_errors_reach_the_user(shared: Server) -> None:
    leases = leases_from(shared.url, grant="nothing", token=KEYS["alice"])
    session = oss2.Session()
    bucket = oss2.Bucket(
        oss2.ProviderAuth(LeaseProvider(leases)), shared.url, "examplebucket", session=session
    )
    with pytest.raises(GrantDenied):
        bucket.get_object(KEY)
    session.session.close()


def test_no_secret_is_shown_and_none_changes(leases: Provider) -> None:
    plug = LeaseProvider(leases)
    triple = plug.get_credentials()
    shown = f"{plug!r} {triple!r} {triple}"
    assert triple.get_access_key_id() in shown
    for secret in (triple.get_access_key_secret(), triple.get_security_token(), KEYS["alice"]):
        assert secret not in shown
    with pytest.raises(AttributeError):
        triple.credentials = leases.credentials()  # type: ignore[misc]  # that is what is tried
    with pytest.raises(TypeError):
        pickle.dumps(triple)


def test_another_process_fetches_its_own(leases: Provider) -> None:
    program = (
        "import pickle, sys; plug = pickle.load(sys.stdin.buffer);"
        "assert plug.get_credentials().get_access_key_id().startswith('STS.')"
    )
    pickled = pickle.dumps(LeaseProvider(leases))
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickled, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
