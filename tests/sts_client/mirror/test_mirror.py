"""Mirrors against the sandbox: only what changed moves, and what goes wrong stops no other."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from hashlib import md5
from pathlib import Path

import pytest

from sts_client import Bucket, Entry, TransferSettings, errors
from sts_client.mirror import manifest
from sts_client.mirror.names import MANIFEST
from sts_client.mirror.plan import Record, Shown
from sts_client.mirror.tree import found_of
from sts_client.transfer import Place
from sts_server.sandbox import Sandbox
from sts_server.sandbox.store.bucket import Bucket as Stored
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.record import Digest
from sts_server.sandbox.store.record import Record as StoredRecord
from tests.sts_client.mirror.ground import PART, SETTINGS, asked, files, fill, hidden
from tests.sts_client.whole import opened, owned, told


def test_what_is_below_a_prefix_is_in_the_folder(bucket: Bucket, folder: Path) -> None:
    big = os.urandom(3 * PART + 5)
    fill(bucket, {"p/a": b"1", "p/b/c": b"", "p/b/big": big, "q/x": b"no", "p/": b"", "p/e/": b""})
    report = bucket.mirror("p/", folder, settings=SETTINGS)
    assert report.ok
    assert report.moved == ("a", "b/big", "b/c")
    assert report.moved_bytes == 1 + len(big)
    assert [it.name for it in report.skipped] == ["", "e/"]
    assert files(folder) == {"a": b"1", "b/big": big, "b/c": b""}
    assert hidden(folder) == [MANIFEST]
    assert stat.S_IMODE((folder / MANIFEST).stat().st_mode) == 0o600


def test_a_small_object_takes_one_request(bucket: Bucket, folder: Path, sandbox: Sandbox) -> None:
    fill(bucket, {"p/a": b"1", "p/b": b"2"})
    sandbox.clear_requests()
    bucket.mirror("p/", folder)
    assert sorted(asked(sandbox)) == ["GetObject", "GetObject", "ListObjectsV2"]


def test_the_next_run_asks_for_nothing_but_the_listing(
    bucket: Bucket, folder: Path, sandbox: Sandbox
) -> None:
    fill(bucket, {"p/a": b"one", "p/b/c": b"two"})
    bucket.mirror("p/", folder)
    kept = (folder / MANIFEST).stat()
    before = (folder / "a").stat()
    (folder / "a").write_bytes(b"ONE")  # behind its back, to see that nobody reads it
    os.utime(folder / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    sandbox.clear_requests()
    report = bucket.mirror("p/", folder)
    assert report.ok
    assert (report.moved, report.unchanged, report.moved_bytes) == ((), 2, 0)
    assert asked(sandbox) == ["ListObjectsV2"]
    assert (folder / "a").read_bytes() == b"ONE"
    assert (folder / MANIFEST).stat() == kept


def test_only_what_changed_moves(bucket: Bucket, folder: Path, sandbox: Sandbox) -> None:
    fill(bucket, {"p/a": b"one", "p/b": b"two", "p/c": b"three"})
    bucket.mirror("p/", folder)
    bucket.put("p/b", b"TWO")
    bucket.put("p/d", b"four")
    bucket.delete("p/c")
    sandbox.clear_requests()
    report = bucket.mirror("p/", folder)
    assert (report.moved, report.replaced, report.unchanged) == (("b", "d"), (), 1)
    assert asked(sandbox).count("GetObject") == 2
    assert files(folder) == {"a": b"one", "b": b"TWO", "c": b"three", "d": b"four"}
    report = bucket.mirror("p/", folder, delete=True)
    assert report.deleted == ("c",)
    assert files(folder) == {"a": b"one", "b": b"TWO", "d": b"four"}


def test_what_was_changed_here_is_replaced_and_told(
    bucket: Bucket, folder: Path, sandbox: Sandbox
) -> None:
    fill(bucket, {"p/a": b"one", "p/b": b"two", "p/c": b"three", "p/d": b"four"})
    bucket.mirror("p/", folder)
    (folder / "a").write_bytes(b"ONE")  # of the same length
    (folder / "b").write_bytes(b"longer")
    (folder / "c").touch()
    (folder / "d").unlink()
    sandbox.clear_requests()
    report = bucket.mirror("p/", folder)
    assert report.moved == ("a", "b", "d")
    assert report.replaced == ("a", "b")
    assert asked(sandbox).count("GetObject") == 3
    assert files(folder) == {"a": b"one", "b": b"two", "c": b"three", "d": b"four"}
    assert bucket.mirror("p/", folder).moved == ()


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"p/", b"q/", 1)),
        lambda path: path.write_bytes(b"\xff" * 100),
        lambda path: path.write_bytes(b"[" * 100_000),
        lambda path: path.chmod(0o666),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to("/etc/passwd")),
        lambda path: (path.unlink(), path.mkdir(), (path / "x").touch()),
    ],
)
def test_a_manifest_that_says_nothing_costs_time_only(
    bucket: Bucket, folder: Path, sandbox: Sandbox, damage: object
) -> None:
    fill(bucket, {"p/a": b"one", "p/b": b"two"})
    bucket.mirror("p/", folder)
    (folder / "b").write_bytes(b"TWO")
    assert callable(damage)
    damage(folder / MANIFEST)
    sandbox.clear_requests()
    report = bucket.mirror("p/", folder)
    assert (report.moved, report.replaced) == (("b",), ("b",))
    assert asked(sandbox).count("HeadObject") == 2
    assert (folder / "b").read_bytes() == b"two"


def test_a_dry_run_tells_the_same_and_does_nothing(bucket: Bucket, folder: Path) -> None:
    fill(bucket, {"p/a": b"one", "p/b": b"two", "p/../x": b""})
    dry = bucket.mirror("p/", folder, dry_run=True)
    assert (dry.moved, dry.moved_bytes, dry.dry_run) == (("a", "b"), 6, True)
    assert not folder.exists()
    bucket.mirror("p/", folder)
    (folder / "a").write_bytes(b"ONE")
    (folder / "x").write_bytes(b"")
    (folder / "l").symlink_to("a")
    bucket.put("p/l", b"")
    before = {it.name: it.stat(follow_symlinks=False) for it in folder.iterdir()}
    dry = bucket.mirror("p/", folder, delete=True, dry_run=True)
    assert {it.name: it.stat(follow_symlinks=False) for it in folder.iterdir()} == before
    real = bucket.mirror("p/", folder, delete=True)
    assert real.deleted == ("x",)
    assert real.moved == ("a",)
    assert not real.ok
    fields = ("moved", "replaced", "deleted", "unchanged", "moved_bytes", "skipped", "refused")
    assert [getattr(dry, it) for it in (*fields, "failed")] == [
        getattr(real, it) for it in (*fields, "failed")
    ]


def test_deletions_are_asked_for_and_spare_what_is_not_its_own(
    bucket: Bucket, folder: Path
) -> None:
    fill(bucket, {"p/a": b"one", "p/gone/deep/x": b"1", "p/gone/y": b"2"})
    bucket.mirror("p/", folder)
    bucket.delete("p/gone/deep/x")
    bucket.delete("p/gone/y")
    (folder / "mine").write_bytes(b"3")
    (folder / ".0123abcd.part").write_bytes(b"another's")
    (folder / "link").symlink_to("a")
    assert bucket.mirror("p/", folder).deleted == ()
    report = bucket.mirror("p/", folder, delete=True)
    assert report.deleted == ("gone/deep/x", "gone/y", "mine")
    assert [it.name for it in report.skipped] == ["link"]
    assert not (folder / "gone").exists()
    assert hidden(folder) == [".0123abcd.part", MANIFEST]
    assert (folder / "link").is_symlink()


def test_deletions_that_cannot_be_meant(bucket: Bucket, folder: Path) -> None:
    fill(bucket, {"p/a": b"one", "q/b": b"two"})
    bucket.mirror("p/", folder)
    with pytest.raises(errors.UsageError, match="mirrors 'p/'"):
        bucket.mirror("q/", folder, delete=True)
    bucket.delete("p/a")
    with pytest.raises(errors.UsageError, match="nothing is below"):
        bucket.mirror("p/", folder, delete=True)
    assert files(folder) == {"a": b"one"}
    (folder / "a").unlink()
    assert bucket.mirror("p/", folder, delete=True).ok  # now there is nothing on either side


@pytest.mark.parametrize("prefix", ["p", "/", "/p/"])
def test_a_prefix_that_is_no_folder(bucket: Bucket, folder: Path, prefix: str) -> None:
    with pytest.raises(errors.UsageError, match="prefix"):
        bucket.mirror(prefix, folder)
    with pytest.raises(errors.UsageError, match="at_once"):
        bucket.mirror("p/", folder, at_once=0)
    bucket.put("p/a", b"1")
    with pytest.raises(errors.UsageError, match="part"):
        bucket.mirror("p/", folder, settings=TransferSettings(part_size=0))


def test_files_and_folders_that_change_places(bucket: Bucket, folder: Path) -> None:
    fill(bucket, {"p/a": b"one", "p/b/c": b"two", "p/k": b""})
    bucket.mirror("p/", folder)
    bucket.delete_many(["p/a", "p/b/c"])
    fill(bucket, {"p/a/x": b"three", "p/b": b"four"})
    report = bucket.mirror("p/", folder)
    assert [it.name for it in report.failed] == ["a/x", "b"]
    assert files(folder) == {"a": b"one", "b/c": b"two", "k": b""}
    report = bucket.mirror("p/", folder, delete=True)
    assert report.ok
    assert files(folder) == {"a/x": b"three", "b": b"four", "k": b""}


def test_an_error_of_one_stops_no_other(bucket: Bucket, folder: Path, sandbox: Sandbox) -> None:
    fill(bucket, {f"p/{number}": b"data" for number in range(30)})
    sandbox.fault(operation="GetObject", key="p/1?", status=403, code="AccessDenied")
    sandbox.fault(operation="GetObject", key="p/7", corrupt="answer")
    try:
        report = bucket.mirror("p/", folder, settings=SETTINGS)
    finally:
        sandbox.clear_faults()
    assert len(report.moved) == 19
    assert [it.name for it in report.failed] == [*(f"1{it}" for it in range(10)), "7"]
    assert "AccessDenied" in report.failed[0].reason
    assert "CRC-64" in report.failed[10].reason
    assert len(files(folder)) == 19
    report = bucket.mirror("p/", folder)
    assert (report.ok, len(report.moved), report.unchanged) == (True, 11, 19)


def test_when_nothing_works_any_more_the_run_ends(
    bucket: Bucket, folder: Path, sandbox: Sandbox
) -> None:
    fill(bucket, {f"p/{'ab'[number >= 10]}{number}": b"data" for number in range(60)})
    sandbox.fault(operation="GetObject", key="p/b*", cut="before")
    try:
        with pytest.raises(errors.NetworkError):
            bucket.mirror("p/", folder, settings=SETTINGS, at_once=1)
    finally:
        sandbox.clear_faults()
    report = bucket.mirror("p/", folder)
    assert (report.ok, report.unchanged) == (True, 10)


def test_without_its_whole_listing_nothing_is_done(
    bucket: Bucket, folder: Path, sandbox: Sandbox
) -> None:
    fill(bucket, {f"p/{number:04}": b"" for number in range(1001)})
    folder.mkdir(parents=True)
    (folder / "mine").touch()
    sandbox.fault(operation="ListObjectsV2", nth=2, status=403, code="AccessDenied")
    with pytest.raises(errors.AccessDenied):
        bucket.mirror("p/", folder, delete=True)
    assert [path.name for path in folder.iterdir()] == ["mine"]


def test_an_object_that_changes_meanwhile_comes_in_its_new_version(
    bucket: Bucket, folder: Path
) -> None:
    fill(bucket, {"p/a": b"one", "p/b": b"two", "p/big": os.urandom(2 * PART)})
    changed = threading.Event()
    big = os.urandom(2 * PART)

    def change(_: int) -> None:
        if not changed.is_set():
            changed.set()
            fill(bucket, {"p/b": b"TWO", "p/big": big})

    settings = TransferSettings(part_size=PART, on_progress=change, wait=lambda _: None)
    report = bucket.mirror("p/", folder, settings=settings, at_once=1)
    assert report.ok
    assert files(folder) == {"a": b"one", "b": b"TWO", "big": big}
    report = bucket.mirror("p/", folder, settings=SETTINGS)
    assert (report.moved, report.unchanged) == ((), 3)


def test_a_symbolic_link_in_the_bucket_is_what_it_leads_to(
    bucket: Bucket, folder: Path, sandbox: Sandbox
) -> None:
    """Its listing says nothing about its target, so each run has to ask."""
    fill(bucket, {"elsewhere": b"one", "p/a": b"two"})
    owned(sandbox).put_symlink("elsewhere", "p/link")
    assert bucket.mirror("p/", folder).ok
    assert files(folder) == {"a": b"two", "link": b"one"}
    assert bucket.mirror("p/", folder).unchanged == 2
    assert bucket.upload_tree(folder, "p/").unchanged == 2  # it stays a link
    bucket.put("elsewhere", b"ONE")
    report = bucket.mirror("p/", folder)
    assert (report.moved, report.replaced) == (("link",), ())
    assert files(folder) == {"a": b"two", "link": b"ONE"}


def test_an_object_that_is_gone_meanwhile_is_told(bucket: Bucket, folder: Path) -> None:
    fill(bucket, {"p/a": b"one", "p/b": b"two"})
    settings = TransferSettings(on_progress=lambda _: bucket.delete("p/b"))
    report = bucket.mirror("p/", folder, settings=settings, at_once=1)
    assert [it.name for it in report.failed] == ["b"]
    assert files(folder) == {"a": b"one"}


def test_permissions_are_kept_but_not_to_run_as_somebody_else(bucket: Bucket, folder: Path) -> None:
    fill(bucket, {"p/a": b"one"})
    bucket.mirror("p/", folder)
    (folder / "a").chmod(0o4640)
    bucket.put("p/a", b"other")
    bucket.mirror("p/", folder)
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o640


PROGRAM = """
import json, sys
from sts_client import TransferSettings
from tests.sts_client.whole import opened_at
said = []
def tell(count):
    if not said:
        said.append(count)
        print("moving", flush=True)
settings = TransferSettings(part_size=131072, on_progress=tell)
with opened_at(json.loads(sys.argv[1])) as bucket:
    report = bucket.mirror("p/", sys.argv[2], settings=settings)
    print(json.dumps([report.ok, len(report.failed)]))
"""


def start(sandbox: Sandbox, folder: Path) -> "subprocess.Popen[bytes]":
    arguments = [json.dumps(told(sandbox)), str(folder)]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_two_processes_at_once_do_not_meet(bucket: Bucket, folder: Path, sandbox: Sandbox) -> None:
    data = {f"p/{number % 5}/{number}": os.urandom(100) for number in range(60)}
    fill(bucket, data | {"p/big": b"x" * 3 * PART})
    processes = [start(sandbox, folder) for _ in range(3)]
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert out.splitlines()[-1] == b"[true, 0]", err
    assert files(folder) == {key[2:]: it for key, it in data.items()} | {"big": b"x" * 3 * PART}
    assert hidden(folder) == [MANIFEST]
    assert bucket.mirror("p/", folder, settings=SETTINGS).unchanged == 61


def test_an_interrupt_ends_it_soon_and_leaves_nothing_half(
    bucket: Bucket, folder: Path, sandbox: Sandbox
) -> None:
    data = {f"p/{number:03}": os.urandom(100) for number in range(100)}
    fill(bucket, data | {"p/big": b"x" * 20 * PART})
    sandbox.fault(operation="GetObject", latency=0.2)
    try:
        process = start(sandbox, folder)
        assert process.stdout is not None
        assert process.stdout.readline() == b"moving\n"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert time.monotonic() - began < 5
    finally:
        sandbox.clear_faults()
    assert b"KeyboardInterrupt" in err
    come = {name: it for name, it in files(folder).items() if not name.startswith(".")}
    assert len(come) < 100
    assert all(data[f"p/{name}"] == it for name, it in come.items())
    report = bucket.mirror("p/", folder, settings=SETTINGS)
    assert (report.ok, report.unchanged) == (True, len(come))


MANY = 10_000


def test_ten_thousand_unchanged_objects_take_eleven_requests(tmp_path: Path) -> None:
    """The objects are written into the sandbox's index, and what an earlier run knew is made up."""
    (tmp_path / "data").mkdir()
    (tmp_path / "mirror").mkdir()
    index = Index(tmp_path / "data" / "index.sqlite", durable=False)
    try:
        with Sandbox() as clock:
            now = clock.now().replace(microsecond=0)
        empty = Digest(0, md5(b"", usedforsecurity=False).digest(), 0)
        with index.transaction():
            index.buckets.put(Stored("examplebucket", now))
            for number in range(MANY):
                index.put("examplebucket", StoredRecord(f"p/{number:05}", "", empty, now, {}))
    finally:
        index.close()
    with Sandbox(data=tmp_path / "data") as sandbox, opened(sandbox) as bucket:
        records = {}
        for entry in bucket.list("p/"):
            assert isinstance(entry, Entry)
            name = entry.key.removeprefix("p/")
            (tmp_path / "mirror" / name).touch()
            found = found_of((tmp_path / "mirror" / name).stat())
            records[name] = Record(Shown(entry.etag, entry.size), found, 0)
        source = manifest.Source("examplebucket", sandbox.region, "p/")
        place = Place.at(tmp_path / "mirror" / MANIFEST)
        manifest.write(place, manifest.Manifest(source, records))
        with opened(sandbox) as fresh:
            sandbox.clear_requests()
            report = fresh.mirror("p/", tmp_path / "mirror")
            requests = sandbox.requests()
    assert (report.ok, report.unchanged, report.moved) == (True, MANY, ())
    assert len(requests) <= 11


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_ten_thousand_objects_come_and_stay(bucket: Bucket, folder: Path, sandbox: Sandbox) -> None:
    fill(bucket, {f"p/{number % 100}/{number}": b"%d" % number for number in range(MANY)})
    report = bucket.mirror("p/", folder)
    assert (report.ok, len(report.moved)) == (True, MANY)
    sandbox.clear_requests()
    assert bucket.mirror("p/", folder).unchanged == MANY
    assert len(sandbox.requests()) <= 11
    sandbox.clear_requests()
    assert bucket.upload_tree(folder, "p/", delete=True).unchanged == MANY
    assert len(sandbox.requests()) <= 11
