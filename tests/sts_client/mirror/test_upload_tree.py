"""The way up: what is in a folder, below a prefix, and nothing that was not meant."""

import os
from pathlib import Path

import pytest

from sts_client import Bucket, TransferSettings, errors
from sts_client.mirror.names import MANIFEST
from sts_server.sandbox import Sandbox
from tests.sts_client.mirror.ground import PART, SETTINGS, asked, files, fill, hidden
from tests.sts_client.whole import open_uploads

LISTING = ["ListObjectsV2"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree" / "b").mkdir(parents=True)
    (tmp_path / "tree" / "a").write_bytes(b"one")
    (tmp_path / "tree" / "b" / "c").write_bytes(b"two")
    return tmp_path / "tree"


def objects(bucket: Bucket, prefix: str = "p/") -> dict[str, bytes]:
    keys = [it.key for it in bucket.list(prefix) if hasattr(it, "key")]
    return {key.removeprefix(prefix): bucket.get(key).read() for key in keys}


def test_what_is_in_the_folder_is_below_the_prefix(
    bucket: Bucket, tree: Path, sandbox: Sandbox
) -> None:
    big = os.urandom(3 * PART + 1)
    (tree / "big.csv").write_bytes(big)
    before = {path: path.stat() for path in tree.rglob("*")}
    report = bucket.upload_tree(tree, "p/", settings=SETTINGS)
    assert report.ok
    assert report.moved == ("a", "b/c", "big.csv")
    assert report.moved_bytes == 6 + len(big)
    assert objects(bucket) == {"a": b"one", "b/c": b"two", "big.csv": big}
    assert bucket.head("p/big.csv").content_type == "text/csv"
    assert {path: path.stat() for path in tree.rglob("*")} == before
    assert open_uploads(sandbox) == 0


def test_without_a_manifest_equal_sizes_are_asked_about(
    bucket: Bucket, tree: Path, sandbox: Sandbox
) -> None:
    bucket.upload_tree(tree, "p/")
    (tree / "b" / "c").write_bytes(b"TWO")
    sandbox.clear_requests()
    report = bucket.upload_tree(tree, "p/")
    assert (report.moved, report.replaced, report.unchanged) == (("b/c",), ("b/c",), 1)
    assert sorted(asked(sandbox)) == ["HeadObject", "HeadObject", *LISTING, "PutObject"]
    assert hidden(tree) == []


def test_with_a_manifest_the_listing_is_enough(
    bucket: Bucket, tree: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    where = tmp_path / "known"
    bucket.upload_tree(tree, "p/", manifest=where)
    sandbox.clear_requests()
    assert bucket.upload_tree(tree, "p/", manifest=where).unchanged == 2
    assert asked(sandbox) == LISTING
    (tree / "a").write_bytes(b"new!")
    (tree / "b" / "c").touch()
    bucket.put("p/b/c", b"by another")
    report = bucket.upload_tree(tree, "p/", manifest=where)
    assert (report.moved, report.replaced) == (("a", "b/c"), ("b/c",))
    assert objects(bucket) == {"a": b"new!", "b/c": b"two"}
    assert hidden(tree) == []


def test_a_manifest_inside_goes_by_its_own_name(bucket: Bucket, tree: Path) -> None:
    with pytest.raises(errors.UsageError, match="manifest"):
        bucket.upload_tree(tree, "p/", manifest=tree / "known")
    bucket.upload_tree(tree, "p/", manifest=tree / MANIFEST)
    assert hidden(tree) == [MANIFEST]
    assert objects(bucket).keys() == {"a", "b/c"}


def test_down_and_up_again_moves_what_was_edited(
    bucket: Bucket, folder: Path, sandbox: Sandbox
) -> None:
    fill(bucket, {"p/a": b"one", "p/b/c": b"two", "p/../evil": b"", "p/x": b"", "p/x/y": b"1"})
    bucket.mirror("p/", folder)
    kept = (folder / MANIFEST).read_bytes()
    (folder / "a").write_bytes(b"ONE")
    (folder / "new").write_bytes(b"3")
    sandbox.clear_requests()
    report = bucket.upload_tree(folder, "p/", delete=True)
    assert sorted(asked(sandbox)) == [*LISTING, "PutObject", "PutObject"]
    assert (report.moved, report.replaced, report.deleted) == (("a", "new"), (), ())
    assert [it.name for it in report.refused] == ["../evil"]
    assert (folder / MANIFEST).read_bytes() == kept
    assert bucket.exists(
        "p/x"
    )  # no mirror can have brought it, so that it is not here says nothing
    assert bucket.mirror("p/", folder).moved == ()


def test_deletions_stay_below_the_prefix_and_spare_what_was_skipped(
    bucket: Bucket, tree: Path
) -> None:
    fill(bucket, {"p/gone": b"1", "p/link": b"2", "p/way/x": b"3", "p/dir/": b"", "pq": b"4"})
    fill(bucket, {"q/x": b"5", "p/.0123abcd.part": b"6"})
    (tree / "link").symlink_to("a")
    (tree / "way").symlink_to("b", target_is_directory=True)
    (tree / ".0123abcd.part").write_bytes(b"half")
    assert bucket.upload_tree(tree, "p/").deleted == ()
    dry = bucket.upload_tree(tree, "p/", delete=True, dry_run=True)
    report = bucket.upload_tree(tree, "p/", delete=True)
    assert report.deleted == dry.deleted == ("gone",)
    assert [it.name for it in report.skipped] == ["dir/", "link", "way"]
    left = {"p/a", "p/b/c", "p/link", "p/way/x", "p/dir/", "p/.0123abcd.part", "pq", "q/x"}
    assert {it.key for it in bucket.list("") if hasattr(it, "key")} == left


def test_an_empty_folder_deletes_nothing(bucket: Bucket, tmp_path: Path) -> None:
    fill(bucket, {"p/a": b"1"})
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / MANIFEST).touch()
    with pytest.raises(errors.UsageError, match="no file"):
        bucket.upload_tree(tmp_path / "empty", "p/", delete=True)
    assert bucket.exists("p/a")


def test_a_dry_run_uploads_nothing(bucket: Bucket, tree: Path, sandbox: Sandbox) -> None:
    fill(bucket, {"p/a": b"one", "p/b/c": b"TWO"})
    sandbox.clear_requests()
    report = bucket.upload_tree(tree, "p/", dry_run=True)
    assert (report.moved, report.unchanged, report.dry_run) == (("b/c",), 1, True)
    assert sorted(asked(sandbox)) == ["HeadObject", "HeadObject", *LISTING]


def test_only_creating(bucket: Bucket, tree: Path) -> None:
    fill(bucket, {"p/a": b"one", "p/b/c": b"other"})
    (tree / "new").write_bytes(b"3")
    report = bucket.upload_tree(tree, "p/", forbid_overwrite=True)
    assert (report.moved, report.unchanged) == (("new",), 1)
    assert [it.name for it in report.failed] == ["b/c"]
    assert objects(bucket) == {"a": b"one", "b/c": b"other", "new": b"3"}


def test_only_creating_against_one_who_is_faster(bucket: Bucket, tree: Path) -> None:

    def be_first(_: int) -> None:
        bucket.put("p/b/c", b"first")

    settings = TransferSettings(on_progress=be_first)
    report = bucket.upload_tree(tree, "p/", forbid_overwrite=True, settings=settings, at_once=1)
    assert [it.name for it in report.failed] == ["b/c"]
    assert objects(bucket) == {"a": b"one", "b/c": b"first"}


def test_names_that_no_key_can_be(bucket: Bucket, tree: Path) -> None:
    (tree / "back\\slash").write_bytes(b"1")
    (tree / os.fsdecode(b"no-utf8-\xff")).write_bytes(b"2")
    deep = "/".join(["d" * 200] * 6)
    (tree / deep).parent.mkdir(parents=True)
    (tree / deep).write_bytes(b"3")
    report = bucket.upload_tree(tree, "p/")
    assert len(report.refused) == 3
    assert not report.ok
    assert objects(bucket) == {"a": b"one", "b/c": b"two"}


def test_links_are_not_followed_even_if_they_come_meanwhile(
    bucket: Bucket, tree: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "c").write_bytes(b"secret")

    def swap(_: int) -> None:
        if not (tree / "b").is_symlink():
            (tree / "b").rename(tmp_path / "away")
            (tree / "b").symlink_to(tmp_path / "secrets", target_is_directory=True)
            (tree / "d").unlink()
            (tree / "d").symlink_to(tmp_path / "secret")

    (tree / "d").write_bytes(b"three")
    settings = TransferSettings(on_progress=swap)
    report = bucket.upload_tree(tree, "p/", settings=settings, at_once=1)
    assert [it.name for it in report.failed] == ["b/c", "d"]
    assert objects(bucket) == {"a": b"one"}


def test_an_error_of_one_stops_no_other(bucket: Bucket, tree: Path, sandbox: Sandbox) -> None:
    (tree / "big").write_bytes(os.urandom(3 * PART))
    (tree / "big2").write_bytes(os.urandom(3 * PART))
    sandbox.fault(operation="UploadPart", key="p/big2", status=403, code="AccessDenied")
    try:
        report = bucket.upload_tree(tree, "p/", settings=SETTINGS)
    finally:
        sandbox.clear_faults()
    assert [it.name for it in report.failed] == ["big2"]
    assert objects(bucket).keys() == {"a", "b/c", "big"}
    assert open_uploads(sandbox) == 0


def test_deletions_that_are_refused_are_told(bucket: Bucket, tree: Path, sandbox: Sandbox) -> None:
    fill(bucket, {"p/gone": b"1"})
    sandbox.fault(operation="DeleteMultipleObjects", status=403, code="AccessDenied")
    try:
        report = bucket.upload_tree(tree, "p/", delete=True)
    finally:
        sandbox.clear_faults()
    assert (report.deleted, [it.name for it in report.failed]) == ((), ["gone"])
    assert files(tree) == {"a": b"one", "b/c": b"two"}
