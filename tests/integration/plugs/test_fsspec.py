"""The file system in front of a sandbox: what is read is one version, what is written is whole or not there."""

import errno
import gc
import importlib
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import oss2
import pytest

from sts_client.errors import UsageError
from sts_client.objects import Entry
from sts_client.plugs.fsspec import OssFileSystem, OssStsFileSystem, register
from sts_server.sandbox import Sandbox
from tests.integration.house import KEYS, Server

PART = 128 * 1024
WHOLE = bytes(range(256)) * 2048  # 512 KiB


@pytest.fixture
def own_files(own_server: Server, token_file: Path) -> OssStsFileSystem:
    options: dict[str, Any] = {"grant": "everything", "token_file": str(token_file)}
    return OssStsFileSystem(own_server.url, **options)


@pytest.fixture
def own_folder() -> str:
    return "examplebucket/users/alice/own"


def operations_of(sandbox: Sandbox) -> list[str]:
    return [seen["operation"] for seen in sandbox.requests() if seen["operation"] != "AssumeRole"]


def uploads_in(sandbox: Sandbox) -> int:
    """Return how many uploads in parts were begun and neither ended nor given up."""
    auth = oss2.AuthV4(sandbox.access_key_id, sandbox.access_key_secret)
    session = oss2.Session()
    bucket = oss2.Bucket(
        auth, sandbox.endpoint, sandbox.bucket, region=sandbox.region, session=session
    )
    count = len(list(oss2.MultipartUploadIterator(bucket)))
    session.session.close()
    return count


# What is refused.


@pytest.mark.parametrize(
    "path",
    ["otherbucket/users/alice/a", "examplebucket2/users/alice/a", "users/alice/a", "/a", "*"],
)
def test_another_bucket_is_not_taken_for_this_one(files: OssStsFileSystem, path: str) -> None:
    for reach in (files.info, files.cat_file, files.ls, files.rm_file, files.open, files.exists):
        with pytest.raises(PermissionError):
            reach(path)
    for write in (files.pipe_file, lambda path, data: files.open(path, "wb").write(data)):
        with pytest.raises(PermissionError):
            write(path, b"x")
    for source, target in ((path, "examplebucket/users/alice/b"), ("examplebucket/b", path)):
        with pytest.raises(PermissionError):
            files.cp_file(source, target)


@pytest.mark.parametrize("key", ["users/bob/x", "users/alice-evil/x", "x", "users/alicex"])
def test_outside_the_prefix_everything_is_refused(files: OssStsFileSystem, key: str) -> None:
    path = f"examplebucket/{key}"
    for reach in (files.cat_file, files.info, files.ls, files.exists, files.rm_file, files.find):
        with pytest.raises(PermissionError):
            reach(path)
    with pytest.raises(PermissionError):
        files.pipe_file(path, b"x")
    with pytest.raises(PermissionError), files.open(path, "wb") as file:
        file.write(b"x")


def test_a_grant_that_is_not_ours_is_a_permission_error(options: dict[str, Any]) -> None:
    files = OssStsFileSystem(**{**options, "grant": "nothing"})
    with pytest.raises(PermissionError, match="does not give this caller"):
        files.cat_file("examplebucket/users/alice/a")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"token": "osk_secret", "token_file": None}, "go with each pickle"),
        ({"token": None, "token_file": None}, "give one of"),
        ({"token_variable": "A"}, "give one of"),
        ({"server": None}, "server and a grant"),
        ({"key": "LTAIsecret"}, "unknown storage options: key"),
        ({"actions": "get"}, "not one text"),
        ({"server": "https://u:osk_secret@sts.example.com"}, "user name or password"),
    ],
)
def test_options_that_cannot_be_right(
    options: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        OssStsFileSystem(**{**options, **changes})
    assert "secret" not in str(caught.value)


def test_no_secret_is_in_what_is_shown_or_pickled(files: OssStsFileSystem, folder: str) -> None:
    files.pipe_file(f"{folder}/a", b"x")
    lease = files.bucket.provider.lease()
    with files.open(f"{folder}/a") as file:
        shown = [repr(files), repr(file), files.to_json(), str(files.storage_options)]
        pickled = pickle.dumps((files, file))
    for secret in (
        KEYS["alice"],
        lease.credentials.access_key_secret,
        lease.credentials.security_token,
    ):
        assert secret.encode() not in pickled
        assert not any(secret in each for each in shown)


def test_no_path_here_is_made_of_a_name_that_leads_elsewhere(
    files: OssStsFileSystem, folder: str, tmp_path: Path
) -> None:
    files.pipe_file(f"{folder}/x/../../evil", b"x")
    with pytest.raises(ValueError, match=r"\.\."):
        files.get(f"{folder}/", str(tmp_path / "here"), recursive=True)
    assert not list(tmp_path.rglob("evil"))


# Reading.


def test_a_file_is_read_at_any_place(files: OssStsFileSystem, folder: str) -> None:
    files.pipe_file(f"{folder}/a", WHOLE)
    with files.open(f"{folder}/a", block_size=PART) as file:
        for place, count in ((0, 10), (300_000, 70_000), (len(WHOLE) - 5, 100), (7, 0), (3, 3)):
            file.seek(place)
            assert file.read(count) == WHOLE[place : place + count]
        assert file.seek(0, 2) == len(WHOLE) == file.size
        assert file.read() == b""
    assert files.cat_file(f"{folder}/a") == WHOLE
    ends = (None, 0, 5, 700_000, -3)
    for first in (None, 0, 4, 600_000, -4, -900_000):
        for last in ends:
            assert files.cat_file(f"{folder}/a", first, last) == WHOLE[first:last]


def test_an_empty_file(files: OssStsFileSystem, folder: str) -> None:
    files.touch(f"{folder}/empty")
    assert files.cat_file(f"{folder}/empty") == files.cat_file(f"{folder}/empty", 0, 9) == b""
    assert files.open(f"{folder}/empty").read() == b""


def test_a_file_that_changes_while_it_is_read_is_an_error(
    files: OssStsFileSystem, folder: str
) -> None:
    path = f"{folder}/a"
    files.pipe_file(path, b"a" * 4 * PART)
    with files.open(path, block_size=PART, cache_type="none") as file:
        assert file.read(PART) == b"a" * PART
        elsewhere = pickle.loads(pickle.dumps(file))  # noqa: S301 - it was made here
        files.pipe_file(path, b"b" * 4 * PART)
        for each in (file, elsewhere):
            with pytest.raises(OSError, match="condition") as caught:
                each.read(PART)
            assert caught.value.errno == errno.ESTALE
    with files.open(path) as file:
        assert file.read() == b"b" * 4 * PART


def test_ranges_of_one_file_are_of_one_version(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str
) -> None:
    for name in "ab":
        own_files.pipe_file(f"{own_folder}/{name}", WHOLE)
    paths = [f"{own_folder}/{name}" for name in "abab"] + [f"{own_folder}/none"]
    found = own_files.cat_ranges(paths, [0, 5, 100_000, -5, 0], [5, 9, 100_009, None, 1])
    assert found[:4] == [WHOLE[:5], WHOLE[5:9], WHOLE[100_000:100_009], WHOLE[-5:]]
    assert isinstance(found[4], FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        own_files.cat_ranges(paths, 0, 1, on_error="raise")
    # Between the first and the second range the file changes.
    own_sandbox.fault(operation="GetObject", key="users/alice/own/a", nth=2, latency=1.0)
    answers: list[Any] = []
    reader = threading.Thread(
        target=lambda: answers.extend(own_files.cat_ranges([paths[0]] * 2, [0, 9], [9, 18]))
    )
    before = operations_of(own_sandbox).count("GetObject")
    reader.start()
    while operations_of(own_sandbox).count("GetObject") < before + 1:
        threading.Event().wait(0.01)
    own_files.pipe_file(paths[0], b"b" * 100)
    reader.join()
    first, second = answers
    if first == WHOLE[:9]:
        assert isinstance(second, OSError)
        assert second.errno == errno.ESTALE
    else:
        assert first == second == b"b" * 9


def test_a_range_beyond_the_end_tells_no_version(files: OssStsFileSystem, folder: str) -> None:
    files.pipe_file(f"{folder}/a", b"1,2,3,4")
    paths = [f"{folder}/a"] * 3
    assert files.cat_ranges(paths, [100, 0, 4], [110, 3, 7]) == [b"", b"1,2", b"3,4"]


@pytest.mark.parametrize("fault", [{"truncate": 1000}, {"corrupt": "answer"}, {"cut": "inside"}])
def test_a_body_that_breaks_off_is_asked_for_again(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str, fault: dict[str, Any]
) -> None:
    own_files.pipe_file(f"{own_folder}/a", WHOLE)
    own_sandbox.fault(operation="GetObject", nth=1, **fault)
    assert own_files.cat_file(f"{own_folder}/a") == WHOLE


def test_a_lease_that_dies_in_the_middle_of_a_file_is_replaced(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str
) -> None:
    with own_files.open(f"{own_folder}/a", "wb", block_size=PART) as file:
        file.write(WHOLE[: 2 * PART])
        own_sandbox.expire()
        file.write(WHOLE[2 * PART :])
    assert own_files.cat_file(f"{own_folder}/a") == WHOLE


def test_a_lease_that_dies_while_a_file_is_read_is_replaced(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str
) -> None:
    own_files.pipe_file(f"{own_folder}/a", WHOLE)
    with own_files.open(f"{own_folder}/a", block_size=PART, cache_type="none") as file:
        assert file.read(PART) == WHOLE[:PART]
        own_sandbox.expire()
        assert file.read() == WHOLE[PART:]


# Writing.


def test_a_small_file_is_one_put_and_a_large_one_goes_in_parts(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str
) -> None:
    with own_files.open(f"{own_folder}/small.csv", "wb", block_size=PART) as file:
        file.write(b"a,b\n")
        assert not own_files.exists(f"{own_folder}/small.csv")
    assert own_files.cat_file(f"{own_folder}/small.csv") == b"a,b\n"
    assert own_files.bucket.head("users/alice/own/small.csv").content_type == "text/csv"
    assert "InitiateMultipartUpload" not in operations_of(own_sandbox)
    with own_files.open(f"{own_folder}/large", "wb", block_size=PART) as file:
        for start in range(0, len(WHOLE), 50_000):
            file.write(WHOLE[start : start + 50_000])
    assert own_files.cat_file(f"{own_folder}/large") == WHOLE
    assert operations_of(own_sandbox).count("UploadPart") == 4
    with own_files.open(f"{own_folder}/exact", "wb", block_size=PART) as file:
        file.write(WHOLE[:PART])
    assert own_files.cat_file(f"{own_folder}/exact") == WHOLE[:PART]


def test_a_with_that_is_left_by_an_error_leaves_nothing(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str
) -> None:
    def write(mode: str, data: Any, count: int) -> None:
        with own_files.open(f"{own_folder}/a", mode, block_size=PART) as file:
            for _ in range(count):
                file.write(data)
            raise KeyError("no more")

    for mode, data in (("wb", b"x" * 1000), ("w", "x" * 1000)):
        for count in (1, 300):
            with pytest.raises(KeyError):
                write(mode, data, count)
    assert not own_files.exists(f"{own_folder}/a")
    assert uploads_in(own_sandbox) == 0
    assert operations_of(own_sandbox).count("InitiateMultipartUpload") == 2


def test_a_file_that_nobody_closes_leaves_nothing(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str
) -> None:
    def forget() -> None:
        own_files.open(f"{own_folder}/a", "wb", block_size=PART).write(b"x" * PART)
        gc.collect()

    with pytest.warns(ResourceWarning, match="never closed"):
        forget()
    assert not own_files.exists(f"{own_folder}/a")
    assert uploads_in(own_sandbox) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("leave", ["discard", "__del__", "__exit__"])
def test_a_forked_child_leaves_its_parents_upload_alone(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str, leave: str
) -> None:
    arguments = (KeyError, KeyError("no more"), None) if leave == "__exit__" else ()
    with own_files.open(f"{own_folder}/a", "wb", block_size=PART) as file:
        file.write(WHOLE[: 2 * PART])
        child = os.fork()
        if child == 0:
            try:
                getattr(file, leave)(*arguments)
                os._exit(0 if file.closed else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        file.write(WHOLE[2 * PART :])
    assert own_files.cat_file(f"{own_folder}/a") == WHOLE
    assert "AbortMultipartUpload" not in operations_of(own_sandbox)


@pytest.mark.parametrize("operation", ["PutObject", "UploadPart", "CompleteMultipartUpload"])
def test_an_upload_that_fails_leaves_nothing(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str, operation: str
) -> None:
    own_sandbox.fault(operation=operation, status=403, code="AccessDenied")
    size = 1000 if operation == "PutObject" else 3 * PART
    with (
        pytest.raises(PermissionError),
        own_files.open(f"{own_folder}/a", "wb", block_size=PART) as file,
    ):
        file.write(b"x" * size)
    own_sandbox.clear_faults()
    assert not own_files.exists(f"{own_folder}/a")
    assert uploads_in(own_sandbox) == 0


def test_a_part_that_failed_can_be_written_once_more(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str
) -> None:
    with own_files.open(f"{own_folder}/a", "wb", block_size=PART) as file:
        file.write(WHOLE[:PART])
        own_sandbox.fault(operation="UploadPart", status=403, code="AccessDenied")
        with pytest.raises(PermissionError):
            file.write(WHOLE[PART : 2 * PART])
        own_sandbox.clear_faults()
        file.write(WHOLE[2 * PART :])
    assert own_files.cat_file(f"{own_folder}/a") == WHOLE


def test_created_and_never_overwritten(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str
) -> None:
    path = f"{own_folder}/a"
    for data in (b"x", b"x" * 2 * PART):
        first = own_files.open(path, "xb", block_size=PART)
        second = own_files.open(path, "xb", block_size=PART)
        first.write(data)
        second.write(b"y" * len(data))
        first.close()
        with pytest.raises(FileExistsError):
            second.close()
        with pytest.raises(FileExistsError):
            own_files.open(path, "x")
        with pytest.raises(FileExistsError):
            own_files.pipe_file(path, b"", mode="create")
        assert own_files.cat_file(path) == data
        own_files.rm(path)
    assert uploads_in(own_sandbox) == 0


def test_a_transaction_is_all_or_nothing(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str
) -> None:
    def write(*, fail: bool) -> None:
        with own_files.transaction:
            for name, size in (("small", 10), ("large", 2 * PART)):
                with own_files.open(f"{own_folder}/{name}", "wb", block_size=PART) as file:
                    file.write(b"x" * size)
                assert not own_files.exists(f"{own_folder}/{name}")
            if fail:
                raise KeyError

    with pytest.raises(KeyError):
        write(fail=True)
    assert own_files.find("examplebucket/users/alice/") == []
    assert uploads_in(own_sandbox) == 0
    write(fail=False)
    assert own_files.du(own_folder, total=False) == {
        f"{own_folder}/large": 2 * PART,
        f"{own_folder}/small": 10,
    }


def test_text_goes_and_comes(files: OssStsFileSystem, folder: str) -> None:
    with files.open(f"{folder}/a", "w", encoding="gb18030") as file:
        file.write("中文\n")
    with files.open(f"{folder}/a", "r", encoding="gb18030") as file:
        assert file.read() == "中文\n"
    with files.open(f"{folder}/a.gz", "wb", compression="gzip") as file:
        file.write(b"x" * 1000)
    assert files.info(f"{folder}/a.gz")["size"] < 100
    with files.open(f"{folder}/a.gz", compression="infer") as file:
        assert file.read() == b"x" * 1000
    with files.open(f"{folder}/t.gz", "w", compression="infer") as file:
        file.write("text")
    with files.open(f"{folder}/t.gz", "r", compression="gzip") as file:
        assert file.read() == "text"

    def fail() -> None:
        with files.open(f"{folder}/no.gz", "wb", compression="gzip") as file:
            file.write(b"x")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not files.exists(f"{folder}/no.gz")
    with pytest.raises(NotImplementedError, match="ab"):
        files.open(f"{folder}/a", "ab")


# Looking.


def test_folders_lead_to_the_prefix_and_show_nothing_else(
    own_files: OssStsFileSystem, own_folder: str
) -> None:
    own_files.pipe_file(f"{own_folder}/x/a b+中.txt", b"1")
    own_files.bucket.put("users/alice/own/x/", b"")  # as consoles make folders
    own_files.bucket.put("users/alice/own//odd", b"")
    top = ["examplebucket", "examplebucket/users", "examplebucket/users/alice"]
    for above, below in zip(["", *top], [*top, own_folder], strict=True):
        assert own_files.ls(above, detail=False) == [below]
        assert own_files.isdir(above)
    assert own_files.ls(f"{own_folder}/", detail=False) == [f"{own_folder}/x"]
    assert own_files.ls(f"{own_folder}/x", detail=False) == [f"{own_folder}/x/a b+中.txt"]
    every = [f"{own_folder}//odd", f"{own_folder}/x/a b+中.txt"]
    assert own_files.find("") == own_files.find("examplebucket") == own_files.find(own_folder)
    assert own_files.find(own_folder) == every
    assert own_files.glob(f"oss-sts://{own_folder}/*/*.txt") == every[1:]
    assert own_files.glob("oss-sts://examplebucket/**/*.txt") == every[1:]
    assert [found[0] for found in own_files.walk("examplebucket")][:3] == top
    info = own_files.info(every[1])
    assert info == own_files.ls(every[1])[0] == own_files.find(own_folder, detail=True)[every[1]]
    assert (info["size"], info["type"]) == (1, "file")
    assert own_files.modified(every[1]) == own_files.created(every[1]) == info["LastModified"]
    with pytest.raises(FileNotFoundError):
        own_files.ls(f"{own_folder}/none")
    assert not own_files.exists(f"{own_folder}/none")
    with pytest.raises(FileNotFoundError):
        own_files.cat_file(f"{own_folder}/none")
    with pytest.raises(IsADirectoryError):
        own_files.open(f"{own_folder}/x")


def test_the_empty_folder_of_a_grant_is_a_folder(own_files: OssStsFileSystem) -> None:
    assert own_files.ls("examplebucket/users/alice") == []
    assert own_files.isdir("examplebucket/users/alice")


def test_a_lease_for_one_object(options: dict[str, Any], folder: str) -> None:
    key = f"{folder.removeprefix('examplebucket/')}/one"
    files = OssStsFileSystem(**options, prefix=key)
    assert files.ls(folder) == files.find("examplebucket") == []
    with files.open(f"{folder}/one", "wb") as file:
        file.write(b"1")
    assert files.ls(folder, detail=False) == files.find("examplebucket") == [f"{folder}/one"]
    assert files.ls(f"{folder}/one", detail=False) == [f"{folder}/one"]
    assert files.cat_file(f"{folder}/one") == b"1"


def test_who_may_only_put_can_write(options: dict[str, Any], folder: str) -> None:
    files = OssStsFileSystem(**options, actions=["put"])
    for mode in ("wb", "xb"):
        with files.open(f"{folder}/{mode}", mode, block_size=PART) as file:
            file.write(b"x" * 2 * PART)
    with pytest.raises(PermissionError):
        files.cat_file(f"{folder}/wb")


def test_what_is_written_is_seen_at_once(files: OssStsFileSystem, folder: str) -> None:
    files.pipe_file(f"{folder}/a", b"1")
    keys = [files.ukey(f"{folder}/a"), files.ukey(f"{folder}/a")]
    files.pipe_file(f"{folder}/a", b"2")
    keys.append(files.ukey(f"{folder}/a"))
    assert keys[0] == keys[1] != keys[2]
    assert files.checksum(f"{folder}/a") == int(keys[2], 16)
    assert len(files.ls(folder)) == 1
    files.cp_file(f"{folder}/a", f"{folder}/b")
    files.mv(f"{folder}/b", f"{folder}/c")
    assert files.ls(folder, detail=False) == [f"{folder}/a", f"{folder}/c"]
    with pytest.raises(FileNotFoundError):
        files.cp_file(f"{folder}/none", f"{folder}/d")


def test_deleting_goes_below_a_name_and_not_beside_it(files: OssStsFileSystem, folder: str) -> None:
    for name in ("a/1", "a/b/2", "ab/3", "a.txt"):
        files.pipe_file(f"{folder}/{name}", b"x")
    files.bucket.put(f"{folder.removeprefix('examplebucket/')}/a/", b"")
    files.rm(f"{folder}/a", recursive=True)
    assert files.find(folder) == [f"{folder}/a.txt", f"{folder}/ab/3"]
    assert not files.exists(f"{folder}/a")
    with pytest.raises(FileNotFoundError):
        files.rm(f"{folder}/a", recursive=True)


@pytest.mark.parametrize("target", ["oss-sts://{}/a", "{}/a/", "{}/", "{}"])
def test_moved_to_where_it_is_a_file_stays(
    files: OssStsFileSystem, folder: str, target: str
) -> None:
    files.pipe_file(f"{folder}/a", b"x")
    for recursive in (False, True):
        files.mv(f"{folder}/a", target.format(folder), recursive=recursive)
        assert files.cat_file(f"{folder}/a") == b"x"


@pytest.mark.parametrize("target", ["q/sub", "q/b", "q/none/", "oss-sts"])
def test_nothing_is_moved_below_itself(files: OssStsFileSystem, folder: str, target: str) -> None:
    names = [f"{folder}/q/{name}" for name in ("1", "b/2")]
    for name in names:
        files.pipe_file(name, b"x")
    aim = f"oss-sts://{folder}/q/x" if target == "oss-sts" else f"{folder}/{target}"
    for depth in (None, 1):
        with pytest.raises(ValueError, match="below itself"):
            files.mv(f"{folder}/q", aim, recursive=True, maxdepth=depth)
    assert files.find(folder) == names


def test_what_stands_for_a_folder_is_moved_with_what_it_holds(
    files: OssStsFileSystem, folder: str
) -> None:
    root = folder.removeprefix("examplebucket/")
    for key in ("q/", "q/1", "q/sub/", "q//2", "qq/3"):
        files.bucket.put(f"{root}/{key}", key.encode())
    files.mv(f"{folder}/q", f"{folder}/t", recursive=True)
    entries = [each for each in files.bucket.list(f"{root}/") if isinstance(each, Entry)]
    found = {entry.key: files.bucket.get(entry.key).read() for entry in entries}
    assert found == {
        f"{root}/t/": b"q/",
        f"{root}/t/1": b"q/1",
        f"{root}/t/sub/": b"q/sub/",
        f"{root}/t//2": b"q//2",
        f"{root}/qq/3": b"qq/3",
    }


def test_no_file_of_a_move_takes_the_place_of_another(files: OssStsFileSystem, folder: str) -> None:
    names = [f"{folder}/{name}" for name in ("a", "b", "x/a")]
    for name in names:
        files.pipe_file(name, name.encode())
    for source, target in (
        (names[:2], names[1::-1]),
        (names[:2], [names[1], f"{folder}/c"]),
        ([names[0], names[2]], f"{folder}/d/"),
    ):
        with pytest.raises(ValueError, match="more than one"):
            files.mv(source, target)
    assert [files.cat_file(name) for name in files.find(folder)] == [n.encode() for n in names]
    files.mv(names[:2], f"{folder}/d/")
    files.mv(f"{folder}/d/*", f"{folder}/e/")
    assert files.find(folder) == [f"{folder}/e/a", f"{folder}/e/b", f"{folder}/x/a"]


def test_a_move_of_which_a_copy_fails_deletes_nothing(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str
) -> None:
    names = [f"{own_folder}/q/{name}" for name in "123"]
    for name in names:
        own_files.pipe_file(name, b"x")
    own_sandbox.fault(operation="CopyObject", nth=2, status=403, code="AccessDenied")
    with pytest.raises(PermissionError):
        own_files.mv(f"{own_folder}/q", f"{own_folder}/t", recursive=True)
    assert own_files.find(f"{own_folder}/q") == names
    with pytest.raises(PermissionError):
        own_files.mv(f"{own_folder}/q/1", "otherbucket/users/alice/1")
    for recursive in (False, True):
        with pytest.raises(FileNotFoundError):
            own_files.mv(f"{own_folder}/none", f"{own_folder}/u", recursive=recursive)
    assert own_files.find(f"{own_folder}/q") == names


def test_a_download_is_whole_or_not_there(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str, tmp_path: Path
) -> None:
    own_files.pipe_file(f"{own_folder}/a", WHOLE)
    own_files.get_file(f"{own_folder}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == WHOLE
    own_files.pipe_file(f"{own_folder}/a", WHOLE[::-1])
    own_sandbox.fault(operation="GetObject", corrupt="answer")
    with pytest.raises(OSError, match="CRC-64"):
        own_files.get_file(f"{own_folder}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == WHOLE
    own_sandbox.clear_faults()
    with (tmp_path / "open").open("w+b") as file:
        own_files.get_file(f"{own_folder}/a", file)
        file.seek(0)
        assert file.read() == WHOLE[::-1]
    with pytest.raises(FileNotFoundError):
        own_files.get_file(f"{own_folder}/none", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_file_from_here_is_sent_whole_or_not(
    own_files: OssStsFileSystem, own_sandbox: Sandbox, own_folder: str, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(WHOLE)
    told = fsspec.Callback()
    own_files.put_file(tmp_path / "a", f"{own_folder}/a", callback=told, mode="create")
    assert own_files.cat_file(f"{own_folder}/a") == WHOLE
    assert (told.size, told.value) == (len(WHOLE), len(WHOLE))
    with pytest.raises(FileExistsError):
        own_files.put_file(tmp_path / "a", f"{own_folder}/a", mode="create")
    own_sandbox.fault(operation="PutObject", status=403, code="AccessDenied")
    with pytest.raises(PermissionError):
        own_files.put_file(tmp_path / "a", f"{own_folder}/b")
    own_sandbox.clear_faults()

    def fail() -> None:
        with own_files.transaction:
            own_files.put_file(tmp_path / "a", f"{own_folder}/b")
            own_files.pipe_file(f"{own_folder}/c", b"x")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert own_files.find(own_folder) == [f"{own_folder}/a"]


# Leases.


def test_twenty_threads_are_one_fetch(
    own_server: Server, token_file: Path, own_folder: str
) -> None:
    options: dict[str, Any] = {"grant": "everything", "token_file": str(token_file)}
    together = threading.Barrier(20)
    failed: list[Exception] = []

    def work(number: int) -> None:
        together.wait()
        try:
            files = OssStsFileSystem(own_server.url, **options)
            files.pipe_file(f"{own_folder}/{number}", b"x")
            assert files.cat_file(f"{own_folder}/{number}") == b"x"
        except Exception as error:  # noqa: BLE001 - seen below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(own_server.audit()) == 1


def test_two_callers_never_share_leases(options: dict[str, Any], tmp_path: Path) -> None:
    class Same:
        """Looks like every other one, and is not."""

        def __init__(self, key: str) -> None:
            self.key = key

        def __call__(self) -> str:
            return self.key

        def __repr__(self) -> str:
            return "Same()"

    bob_file = tmp_path / "bob"
    bob_file.write_text(KEYS["bob"])
    given = {"server": options["server"], "grant": "uploads"}
    makers: list[Callable[[], OssStsFileSystem]] = [
        lambda: OssStsFileSystem(**given, token=Same(KEYS["alice"])),
        lambda: OssStsFileSystem(**given, token=Same(KEYS["bob"])),
        lambda: OssStsFileSystem(**given, token_file=options["token_file"]),
        lambda: OssStsFileSystem(**given, token_file=str(bob_file)),
    ]
    found = [made().bucket.provider.lease().prefix for made in makers]
    assert found == ["users/alice/", "users/bob/"] * 2


PROGRAM = """
import pickle, sys
files, file, path = pickle.load(sys.stdin.buffer)
assert file.read(3) == b"345", "the place goes along"
assert files.cat_file(path) == b"0123456789"
with files.open(path + ".child", "wb") as made:
    made.write(b"child")
"""


def test_another_process_has_leases_of_its_own(files: OssStsFileSystem, folder: str) -> None:
    path = f"{folder}/a"
    files.pipe_file(path, b"0123456789")
    with files.open(path) as file:
        assert file.read(3) == b"012"
        pickled = pickle.dumps((files, file, path))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=pickled, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert files.cat_file(f"{path}.child") == b"child"


def test_protocols(files: OssStsFileSystem, options: dict[str, Any], folder: str) -> None:
    files.pipe_file(f"{folder}/a", b"x")
    assert fsspec.registry.get("oss") is not OssFileSystem
    register()
    try:
        with fsspec.open(f"oss://{folder}/a", **options) as file:
            assert file.read() == b"x"
        theirs = fsspec.filesystem("oss", **options)
        assert theirs.unstrip_protocol(f"{folder}/a") == f"oss://{folder}/a"
    finally:
        # As before: what is registered by name only would stay behind what is registered as a class.
        importlib.import_module("fsspec.registry")._registry.pop("oss", None)
    assert json.loads(files.to_json())["protocol"] == "oss-sts"
