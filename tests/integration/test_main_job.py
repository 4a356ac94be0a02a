"""The main job, end to end: three programs, real HTTP, every step of the user's document."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sts_client import Entry, NotModified, Object, errors
from sts_server.sandbox import Sandbox
from tests.integration.house import Server, vending_server

KEY = "users/alice/exampledir/exampleobject.txt"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
OTHER = '"5B3C1A2E0563E1B002CC607C00000000"'


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox of this test's own: what it counts and lets expire is nobody else's."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def server(own_sandbox: Sandbox, tmp_path: Path) -> Iterator[Server]:
    with vending_server(own_sandbox, tmp_path) as running:
        yield running


def assume_role_calls(sandbox: Sandbox) -> int:
    """Count those made for callers: the server tries the role by itself, too."""
    return sum(
        seen["operation"] == "AssumeRole" and "sts-server-probe" not in seen["query"]
        for seen in sandbox.requests()
    )


def test_the_documents_story(server: Server) -> None:
    with server.connect() as bucket:
        put = bucket.put(KEY, b"examplecontent")
        first = bucket.get(KEY)
        assert (first.read(), first.etag) == (b"examplecontent", put.etag)
        later = datetime.now(UTC) + timedelta(hours=1)

        assert isinstance(bucket.get(KEY, if_modified_since=LONG_AGO), Object)
        assert isinstance(bucket.get(KEY, if_modified_since=later), NotModified)
        assert isinstance(bucket.get(KEY, if_modified_since=first.last_modified), NotModified)
        assert isinstance(bucket.get(KEY, if_unmodified_since=later), Object)
        assert isinstance(bucket.get(KEY, if_unmodified_since=first.last_modified), Object)
        with pytest.raises(errors.PreconditionFailed):
            bucket.get(KEY, if_unmodified_since=LONG_AGO)
        assert isinstance(bucket.get(KEY, if_match=first.etag), Object)
        with pytest.raises(errors.PreconditionFailed):
            bucket.get(KEY, if_match=OTHER)
        assert isinstance(bucket.get(KEY, if_none_match=OTHER), Object)
        assert isinstance(bucket.get(KEY, if_none_match=first.etag), NotModified)


@pytest.mark.parametrize("match", [True, False])
@pytest.mark.parametrize("unmodified", [True, False])
@pytest.mark.parametrize("none_match", [True, False])
@pytest.mark.parametrize("modified", [True, False])
def test_when_several_headers_are_given_all_must_be_satisfied(
    shared: Server, match: bool, unmodified: bool, none_match: bool, modified: bool
) -> None:
    with shared.connect() as bucket:
        etag = bucket.put(KEY, b"examplecontent").etag
        later = datetime.now(UTC) + timedelta(hours=1)

        def ask() -> object:
            return bucket.get(
                KEY,
                if_match=etag if match else OTHER,
                if_unmodified_since=later if unmodified else LONG_AGO,
                if_none_match=OTHER if none_match else etag,
                if_modified_since=LONG_AGO if modified else later,
            )

        if not (match and unmodified):
            with pytest.raises(errors.PreconditionFailed):
                ask()
        else:
            assert isinstance(ask(), Object if none_match and modified else NotModified)


def test_forbid_overwrite_creates_and_never_replaces(shared: Server) -> None:
    with shared.connect() as bucket:
        bucket.put("users/alice/once.txt", b"first", forbid_overwrite=True)
        with pytest.raises(errors.FileAlreadyExists):
            bucket.put("users/alice/once.txt", b"second", forbid_overwrite=True)
        assert bucket.get("users/alice/once.txt").read() == b"first"


@pytest.mark.parametrize(
    "key",
    ["exampleobject.txt", "users/bob/x", "users/alice-evil/x", "users/alice", "Users/alice/x"],
)
def test_nothing_outside_the_prefix_is_reached(shared: Server, key: str) -> None:
    with shared.connect() as bucket:
        for reach in (
            lambda: bucket.get(key),
            lambda: bucket.head(key),
            lambda: bucket.put(key, b"x"),
            lambda: bucket.delete(key),
        ):
            with pytest.raises(errors.AccessDenied):
                reach()


@pytest.mark.parametrize("prefix", ["", "users/", "users/alice", "users/bob/", "users/alice-evil/"])
def test_nothing_outside_the_prefix_is_listed(shared: Server, prefix: str) -> None:
    with shared.connect() as bucket, pytest.raises(errors.AccessDenied):
        list(bucket.list(prefix))


def test_what_a_grant_does_not_say_is_not_allowed(shared: Server) -> None:
    with shared.connect() as bucket, shared.connect(grant="everything") as owner:
        bucket.put("users/alice/kept.txt", b"x")
        with pytest.raises(errors.AccessDenied):
            bucket.delete("users/alice/kept.txt")
        owner.delete("users/alice/kept.txt")
        with pytest.raises(errors.NoSuchKey):
            bucket.get("users/alice/kept.txt")


def test_a_folder_is_listed(shared: Server) -> None:
    with shared.connect() as bucket:
        for name in ("a b.txt", "中.txt", "#?.txt"):
            bucket.put(f"users/alice/listed/{name}", name.encode())
        entries = [
            entry for entry in bucket.list("users/alice/listed/") if isinstance(entry, Entry)
        ]
        assert [entry.key.rpartition("/")[2] for entry in entries] == [
            "#?.txt",
            "a b.txt",
            "中.txt",
        ]


def test_bob_does_not_read_alices_object(shared: Server) -> None:
    with shared.connect() as alice, shared.connect("bob") as bob:
        alice.put(KEY, b"examplecontent")
        with pytest.raises(errors.AccessDenied):
            bob.get(KEY)
    with shared.connect("bob", prefix="users/alice/") as eve, pytest.raises(errors.GrantDenied):
        eve.get(KEY)


def test_one_object_can_be_wished_for(shared: Server) -> None:
    with shared.connect(prefix=KEY, actions=["put"]) as bucket:
        bucket.put(KEY, b"examplecontent")
        for refused in (lambda: bucket.put(KEY + "x", b""), lambda: bucket.get(KEY)):
            with pytest.raises(errors.AccessDenied):
                refused()


def test_a_lease_that_dies_is_replaced_by_name_and_the_read_goes_on(
    server: Server, own_sandbox: Sandbox
) -> None:
    with server.connect() as bucket:
        bucket.put(KEY, b"examplecontent")
        before = bucket.provider.lease().credentials.access_key_id
        own_sandbox.expire(before)
        assert bucket.get(KEY).read() == b"examplecontent"
        after = bucket.provider.lease().credentials.access_key_id
    assert before != after
    assert assume_role_calls(own_sandbox) == 2
    vended = server.audit()[-1]
    assert (vended["refused"], vended["access_key_id"], vended["cached"]) == (before, after, False)


def test_many_threads_and_a_dying_lease_cause_one_call(
    server: Server, own_sandbox: Sandbox
) -> None:
    with server.connect() as bucket:
        bucket.put(KEY, b"examplecontent")
        own_sandbox.expire()
        bodies: list[bytes] = []
        threads = [
            threading.Thread(target=lambda: bodies.append(bucket.get(KEY).read()))
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert bodies == [b"examplecontent"] * 20
    assert assume_role_calls(own_sandbox) == 2


def test_many_clients_of_one_caller_share_one_call(server: Server, own_sandbox: Sandbox) -> None:
    leases: list[str] = []
    threads = [
        threading.Thread(target=lambda: leases.append(server.lease()["AccessKeyId"]))
        for _ in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(leases)) == 1
    assert len(leases) == 30
    assert assume_role_calls(own_sandbox) == 1


def test_a_refusing_sts_is_the_operators_matter(own_sandbox: Sandbox, tmp_path: Path) -> None:
    wrong = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}
    with vending_server(own_sandbox, tmp_path, **wrong) as server, server.connect() as bucket:
        for _ in range(2):
            with pytest.raises(errors.UpstreamRefused) as refusal:
                bucket.get(KEY)
            assert refusal.value.status == 502
        assert [line["code"] for line in server.audit()] == ["UpstreamRefused"] * 2


def test_the_audit_log_leads_from_sts_to_a_caller(server: Server) -> None:
    body = server.lease()
    (line,) = server.audit()
    assert line["request_id"] == body["Lease"]["RequestId"]
    assert line["access_key_id"] == body["AccessKeyId"]
    assert body["AccessKeySecret"] not in server.audit_path.read_text()
    assert body["SecurityToken"] not in server.audit_path.read_text()
    assert line["session_name"].startswith("alice-")


def test_the_demo_ends_well() -> None:
    demo = Path(__file__).parents[2] / "deploy" / "demo.py"
    done = subprocess.run(
        [sys.executable, demo], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 24 steps came out as they should." in done.stdout
    assert done.stderr == ""


def test_serve_with_a_sandbox_prints_a_line_that_works() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sts_server", "serve", "--sandbox", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith('{"url":')
            command = process.stdout.readline().removeprefix("Try it: ")
            done = subprocess.run(
                ["/bin/sh", "-c", command],
                env={"PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin"},
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert (done.returncode, done.stderr) == (0, "")
        finally:
            process.terminate()
            process.communicate(timeout=30)
        assert process.returncode == 0


def test_a_server_that_is_killed_leaves_no_sandbox_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sts_server", "serve", "--sandbox", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 1
        process.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{children[0]}/exe").exists() and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert not Path(f"/proc/{children[0]}/exe").exists()
