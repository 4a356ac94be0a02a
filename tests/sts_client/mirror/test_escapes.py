"""No object is written, and no file deleted, outside of the mirrored folder."""

import os
import threading
from pathlib import Path

import pytest

from sts_client import Bucket, TransferSettings
from sts_client.mirror.tree import opened
from tests.sts_client.mirror.ground import PART, SETTINGS, files, fill

EVIL = ["../out", "a/../../out", "./x", "a//b", "c:/x", "..\\out", "a\\b", "x" * 256, "/etc/x"]
EVIL += [".oss-sts-mirror", ".OSS-STS-MIRROR", "a/.0123abcd.part", "..", "."]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "victim").write_bytes(b"precious")
    return tmp_path / "outside"


def untouched(outside: Path) -> bool:
    return files(outside) == {"victim": b"precious"}


def test_names_that_could_lead_out_are_refused_and_the_rest_comes(
    bucket: Bucket, folder: Path
) -> None:
    fill(bucket, {"p/good": b"1"} | {f"p/{name}": b"evil" for name in EVIL})
    report = bucket.mirror("p/", folder, settings=SETTINGS)
    assert not report.ok
    assert sorted(it.name for it in report.refused) == sorted(EVIL)
    assert all(it.reason for it in report.refused)
    assert files(folder.parent.parent) == {"deep/mirror/good": b"1"}


def test_a_name_that_is_a_file_and_a_folder(bucket: Bucket, folder: Path) -> None:
    fill(bucket, {"p/a": b"1", "p/a/b": b"2"})
    report = bucket.mirror("p/", folder)
    assert [it.name for it in report.refused] == ["a"]
    assert files(folder) == {"a/b": b"2"}


def test_names_that_differ_in_case_only_are_two_where_the_folder_says_so(
    bucket: Bucket, folder: Path, tmp_path: Path
) -> None:
    with opened(tmp_path, make=False) as tree:
        folds = tree.folds("")
        assert tree.folds("not/there") is folds
    assert list(tmp_path.iterdir()) == []
    fill(bucket, {"p/a": b"1", "p/A": b"2", "p/b": b"3"})
    report = bucket.mirror("p/", folder)
    assert report.ok is not folds
    assert len(files(folder)) == (1 if folds else 3)
    dry = bucket.mirror("p/", folder.parent / "none", dry_run=True)
    assert [it.name for it in dry.refused] == ["A", "a"]  # nobody knows of a folder not made yet


@pytest.mark.parametrize("delete", [False, True])
def test_a_link_to_a_folder_is_not_gone_through(
    bucket: Bucket, folder: Path, outside: Path, *, delete: bool
) -> None:
    fill(bucket, {"p/b/victim": b"evil", "p/b/new": b"evil", "p/c": b"1"})
    folder.mkdir(parents=True)
    (folder / "b").symlink_to(outside, target_is_directory=True)
    (folder / "extra").symlink_to(outside, target_is_directory=True)
    report = bucket.mirror("p/", folder, delete=delete)
    assert [it.name for it in report.failed] == ["b/new", "b/victim"]
    assert [it.name for it in report.skipped] == ["b", "extra"]
    assert untouched(outside)
    assert files(folder) == {"c": b"1"}


@pytest.mark.parametrize("delete", [False, True])
def test_a_link_to_a_file_is_neither_written_through_nor_replaced(
    bucket: Bucket, folder: Path, outside: Path, *, delete: bool
) -> None:
    fill(bucket, {"p/a": b"evil", "p/b": b"1"})
    folder.mkdir(parents=True)
    (folder / "a").symlink_to(outside / "victim")
    os.mkfifo(folder / "pipe")
    report = bucket.mirror("p/", folder, delete=delete)
    assert [it.name for it in report.failed] == ["a"]
    assert (folder / "a").is_symlink()
    assert (folder / "pipe").is_fifo()
    assert untouched(outside)


@pytest.mark.parametrize("size", [10, 3 * PART])
def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(
    bucket: Bucket, folder: Path, outside: Path, size: int
) -> None:
    """The file lands in the folder that was opened, wherever its name leads by now."""
    fill(bucket, {"p/b/victim": b"x" * size})

    def swap(count: int) -> None:
        if count and not (folder / "b").is_symlink():
            (folder / "b").rename(folder / "moved")
            (folder / "b").symlink_to(outside, target_is_directory=True)

    settings = TransferSettings(part_size=PART, threads=1, on_progress=swap)
    bucket.mirror("p/", folder, settings=settings)
    assert (folder / "b").is_symlink()
    assert untouched(outside)
    assert (folder / "moved" / "victim").read_bytes() == b"x" * size


@pytest.mark.parametrize("size", [10, 3 * PART])
def test_a_file_that_becomes_a_link_meanwhile_is_not_written_through(
    bucket: Bucket, folder: Path, outside: Path, size: int
) -> None:
    fill(bucket, {"p/a": b"x" * size})

    def swap(count: int) -> None:
        if count and not (folder / "a").is_symlink():
            (folder / "a").symlink_to(outside / "victim")

    settings = TransferSettings(part_size=PART, threads=1, on_progress=swap)
    report = bucket.mirror("p/", folder, settings=settings)
    assert untouched(outside)
    assert report.ok
    assert not (folder / "a").is_symlink()
    assert (folder / "a").stat().st_mode & 0o111 == 0  # a link's own permissions are all of them


def test_whoever_swaps_folders_and_links_all_the_time_gains_nothing(
    bucket: Bucket, folder: Path, outside: Path
) -> None:
    fill(bucket, {f"p/b/{number}": b"evil" for number in range(100)} | {"p/c": b""})
    folder.mkdir(parents=True)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for step in (
                lambda: (folder / "b").rename(folder / "away"),
                lambda: (folder / "b").symlink_to(outside, target_is_directory=True),
                (folder / "b").unlink,
                lambda: (folder / "away").rename(folder / "b"),
            ):
                try:
                    step()
                except OSError:
                    continue

    attacker = threading.Thread(target=swap)
    attacker.start()
    try:
        for _ in range(5):
            bucket.mirror("p/", folder, delete=True, settings=SETTINGS)
    finally:
        stop.set()
        attacker.join()
    assert untouched(outside)


def test_a_file_that_changes_after_it_was_seen_is_not_deleted(bucket: Bucket, folder: Path) -> None:
    fill(bucket, {"p/a": b"1", "p/b": b"2"})
    bucket.mirror("p/", folder)
    bucket.delete("p/b")
    bucket.put("p/a", b"new")

    def change(_: int) -> None:
        (folder / "b").write_bytes(b"mine")

    settings = TransferSettings(on_progress=change)
    report = bucket.mirror("p/", folder, delete=True, settings=settings)
    assert [it.name for it in report.failed] == ["b"]
    assert (folder / "b").read_bytes() == b"mine"


def test_the_folder_itself_may_be_a_link(bucket: Bucket, folder: Path, tmp_path: Path) -> None:
    fill(bucket, {"p/a": b"1"})
    (tmp_path / "real").mkdir()
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "real")
    assert bucket.mirror("p/", folder).ok
    assert files(tmp_path / "real") == {"a": b"1"}


def test_what_is_no_folder(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(OSError, match="x"):
        bucket.mirror("p/", tmp_path / "x")
    with pytest.raises(FileNotFoundError):
        bucket.upload_tree(tmp_path / "none", "p/")
