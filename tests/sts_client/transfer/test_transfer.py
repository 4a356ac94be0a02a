"""Transfers against the sandbox: whatever goes wrong on the way, no wrong byte and nothing half."""

import json
import os
import random
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastcrc import crc64

from sts_client import Bucket, NotModified, TransferSettings, errors
from sts_client.transfer.plan import Span
from sts_client.transfer.slice import Slice
from sts_client.transfer.upload import _expect_unchanged
from sts_client.transfer.workers import run_all
from sts_server.sandbox import Sandbox
from tests.sts_client.whole import open_uploads, opened, told

MIB = 1024 * 1024
PART = 128 * 1024
SETTINGS = TransferSettings(part_size=PART, threads=4, wait=lambda _: None)
DATA = random.Random(7).randbytes(9 * PART + 77)  # noqa: S311 - it hides nothing


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def bucket(sandbox: Sandbox) -> Iterator[Bucket]:
    sandbox.reset()
    with opened(sandbox) as bucket:
        yield bucket


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def operations(sandbox: Sandbox) -> list[str]:
    return [str(it["operation"]) for it in sandbox.requests()]


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 3 * PART, len(DATA)])
def test_what_goes_up_comes_down(bucket: Bucket, tmp_path: Path, size: int) -> None:
    (tmp_path / "up").write_bytes(DATA[:size])
    put = bucket.upload(tmp_path / "up", "big.csv", metadata={"by": "alice"}, settings=SETTINGS)
    assert put.crc64 == crc64.xz(DATA[:size])
    down = bucket.download("big.csv", tmp_path / "down", settings=SETTINGS)
    assert down.transferred
    assert (tmp_path / "down").read_bytes() == DATA[:size]
    assert down.head.metadata == {"by": "alice"}
    assert down.head.content_type == "text/csv"
    assert hidden(tmp_path) == []


def test_a_file_that_is_the_same_stays(bucket: Bucket, tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "it").write_bytes(DATA)
    bucket.upload(tmp_path / "it", "k", settings=SETTINGS)
    before = (tmp_path / "it").stat()
    assert not bucket.download("k", tmp_path / "it", settings=SETTINGS).transferred
    assert (tmp_path / "it").stat().st_mtime_ns == before.st_mtime_ns
    assert "GetObject" not in operations(sandbox)
    changed = bytearray(DATA)
    changed[5] ^= 1
    (tmp_path / "it").write_bytes(changed)
    assert bucket.download("k", tmp_path / "it", settings=SETTINGS).transferred
    assert (tmp_path / "it").read_bytes() == DATA


def test_conditions_decide_before_anything_moves(bucket: Bucket, tmp_path: Path) -> None:
    etag = bucket.put("k", DATA).etag
    (tmp_path / "it").write_text("old")
    path = tmp_path / "it"
    assert isinstance(bucket.download("k", path, if_none_match=etag), NotModified)
    with pytest.raises(errors.PreconditionFailed):
        bucket.download("k", path, if_match='"OTHER"')
    with pytest.raises(errors.NoSuchKey):
        bucket.download("none", path)
    assert path.read_text() == "old"
    bucket.download("k", path, if_match=etag, settings=SETTINGS)
    assert path.read_bytes() == DATA


def test_permissions_and_links_are_kept(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("k", DATA)
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    bucket.download("k", link, settings=SETTINGS)
    assert link.is_symlink()
    assert real.read_bytes() == DATA
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_an_object_that_is_replaced_while_it_is_read_is_never_a_mix(
    bucket: Bucket, tmp_path: Path
) -> None:
    bucket.put("k", DATA)
    moved = threading.Event()

    def replace(_: int) -> None:
        if not moved.is_set():
            moved.set()
            bucket.put("k", DATA[::-1])

    settings = TransferSettings(
        part_size=PART, threads=1, on_progress=lambda it: replace(it) if it else None
    )
    (tmp_path / "it").write_text("old")
    with pytest.raises(errors.ObjectChanged):
        bucket.download("k", tmp_path / "it", settings=settings)
    assert (tmp_path / "it").read_text() == "old"
    bucket.download("k", tmp_path / "it", settings=SETTINGS)
    assert (tmp_path / "it").read_bytes() == DATA[::-1]
    assert hidden(tmp_path) == []


FAULTS: list[dict[str, Any]] = [
    {"cut": "before"},
    {"cut": "inside"},
    {"cut": "after"},
    {"truncate": 100},
    {"corrupt": "answer"},
    {"status": 500, "code": "InternalError"},
    {"status": 503, "code": "ServiceUnavailable"},
    {"status": 429, "code": "QpsLimitExceeded"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("nth", [1, 4])
@pytest.mark.parametrize("size", [PART, len(DATA)])
def test_a_download_gets_over_one_of_each_trouble(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path, fault: dict[str, Any], nth: int, size: int
) -> None:
    bucket.put("k", DATA[:size])
    sandbox.fault(operation="GetObject", nth=nth if size > PART else 1, **fault)
    bucket.download("k", tmp_path / "it", settings=SETTINGS)
    assert (tmp_path / "it").read_bytes() == DATA[:size]
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("size", [PART, len(DATA)])
def test_a_trouble_that_stays_ends_with_an_error_and_nothing_half(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path, fault: dict[str, Any], size: int
) -> None:
    bucket.put("k", DATA[:size])
    (tmp_path / "it").write_text("old")
    sandbox.fault(operation="GetObject", **fault)
    try:
        with pytest.raises(errors.StsClientError):
            bucket.download("k", tmp_path / "it", settings=SETTINGS)
    finally:
        sandbox.clear_faults()
    assert (tmp_path / "it").read_text() == "old"
    bucket.download("k", tmp_path / "it", settings=SETTINGS)
    assert (tmp_path / "it").read_bytes() == DATA[:size]
    assert hidden(tmp_path) == []


def test_what_came_is_taken_up_and_not_trusted(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path
) -> None:
    bucket.put("k", DATA)
    sandbox.fault(operation="GetObject", nth=6, status=403, code="AccessDenied")
    one = TransferSettings(part_size=PART, threads=1, wait=lambda _: None)
    with pytest.raises(errors.AccessDenied):
        bucket.download("k", tmp_path / "it", settings=one)
    part, _ = (tmp_path / name for name in reversed(hidden(tmp_path)))
    assert stat.S_IMODE(part.stat().st_mode) == 0o600
    with part.open("r+b") as file:  # as after a crash of the machine
        file.seek(2 * PART)
        file.write(b"lost")
    before = operations(sandbox).count("GetObject")
    moved: list[int] = []
    settings = TransferSettings(part_size=PART, threads=1, on_progress=moved.append)
    bucket.download("k", tmp_path / "it", settings=settings)
    assert operations(sandbox).count("GetObject") - before == 10 - 5 + 1
    assert sum(moved) == len(DATA)
    assert (tmp_path / "it").read_bytes() == DATA
    assert hidden(tmp_path) == []


def test_what_came_of_another_version_is_not_taken_up(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path
) -> None:
    bucket.put("k", DATA)
    sandbox.fault(operation="GetObject", nth=6, status=403, code="AccessDenied")
    with pytest.raises(errors.AccessDenied):
        bucket.download("k", tmp_path / "it", settings=SETTINGS)
    bucket.put("k", DATA[::-1])
    bucket.download("k", tmp_path / "it", settings=SETTINGS)
    assert (tmp_path / "it").read_bytes() == DATA[::-1]


@pytest.mark.parametrize("name", ["part", "journal"])
def test_a_link_in_the_way_is_not_written_through(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path, name: str
) -> None:
    bucket.put("k", DATA)
    sandbox.fault(operation="GetObject", nth=3, status=403, code="AccessDenied")
    with pytest.raises(errors.AccessDenied):
        bucket.download("k", tmp_path / "it", settings=SETTINGS)
    (path,) = (tmp_path / it for it in hidden(tmp_path) if it.endswith(name))
    path.unlink()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path.symlink_to(victim)
    bucket.download("k", tmp_path / "it", settings=SETTINGS)
    assert (tmp_path / "it").read_bytes() == DATA
    assert victim.read_text() == "precious"


def test_two_who_download_to_one_place_do_not_meet(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("k", DATA)
    errors_: list[BaseException] = []

    def fetch() -> None:
        try:
            bucket.download("k", tmp_path / "it", settings=SETTINGS)
        except BaseException as error:  # noqa: BLE001 - told below
            errors_.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors_ == []
    assert (tmp_path / "it").read_bytes() == DATA
    assert hidden(tmp_path) == []


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        (operation, fault)
        for operation in ("PutObject", "UploadPart", "CompleteMultipartUpload")
        for fault in FAULTS
        if "truncate" not in fault and "corrupt" not in fault
    ],
    ids=str,
)
def test_an_upload_gets_over_one_of_each_trouble(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path, operation: str, fault: dict[str, Any]
) -> None:
    data = DATA[:PART] if operation == "PutObject" else DATA
    (tmp_path / "it").write_bytes(data)
    sandbox.fault(operation=operation, nth=1, **fault)
    bucket.upload(tmp_path / "it", "k", settings=SETTINGS)
    assert bucket.get("k").read() == data
    assert open_uploads(sandbox) == 0


@pytest.mark.parametrize(
    "fault", [{"cut": "after"}, {"wrong_crc": True}, {"corrupt": "request"}], ids=str
)
@pytest.mark.parametrize("operation", ["PutObject", "UploadPart"])
def test_a_damaged_piece_is_sent_again(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path, operation: str, fault: dict[str, Any]
) -> None:
    data = DATA[:PART] if operation == "PutObject" else DATA
    (tmp_path / "it").write_bytes(data)
    sandbox.fault(operation=operation, nth=1, **fault)
    bucket.upload(tmp_path / "it", "k", settings=SETTINGS)
    assert bucket.get("k").read() == data


@pytest.mark.parametrize("operation", ["UploadPart", "CompleteMultipartUpload"])
@pytest.mark.parametrize(
    "fault", [{"cut": "before"}, {"status": 500, "code": "InternalError"}], ids=str
)
def test_an_upload_that_fails_is_aborted(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path, operation: str, fault: dict[str, Any]
) -> None:
    (tmp_path / "it").write_bytes(DATA)
    sandbox.fault(operation=operation, **fault)
    try:
        with pytest.raises(errors.StsClientError):
            bucket.upload(tmp_path / "it", "k", settings=SETTINGS)
    finally:
        sandbox.clear_faults()
    assert not bucket.exists("k")
    assert open_uploads(sandbox) == 0


def test_only_one_of_two_creates(bucket: Bucket, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(DATA)
    (tmp_path / "small").write_bytes(b"small")
    bucket.upload(tmp_path / "it", "k", forbid_overwrite=True, settings=SETTINGS)
    for name in ("it", "small"):
        with pytest.raises(errors.FileAlreadyExists):
            bucket.upload(tmp_path / name, "k", forbid_overwrite=True, settings=SETTINGS)
    assert bucket.get("k").read() == DATA
    assert open_uploads(sandbox) == 0
    with pytest.raises(errors.UsageError, match="forbid_overwrite"):
        bucket.upload(tmp_path / "it", "k", if_match="x")  # type: ignore[arg-type]  # nobody may


def test_one_who_creates_meanwhile_wins(bucket: Bucket, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(DATA)

    def create(moved: int) -> None:
        if moved:
            bucket.put("k", b"first")

    settings = TransferSettings(part_size=PART, threads=1, on_progress=create)
    with pytest.raises(errors.FileAlreadyExists):
        bucket.upload(tmp_path / "it", "k", forbid_overwrite=True, settings=settings)
    assert bucket.get("k").read() == b"first"
    assert open_uploads(sandbox) == 0


def test_a_created_object_whose_answer_is_lost_is_ones_own(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "it").write_bytes(DATA)
    sandbox.fault(operation="CompleteMultipartUpload", nth=1, cut="after")
    result = bucket.upload(tmp_path / "it", "k", forbid_overwrite=True, settings=SETTINGS)
    assert result.crc64 == crc64.xz(DATA)


def test_a_file_that_changes_is_not_uploaded(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "it"
    path.write_bytes(DATA)
    settings = TransferSettings(
        part_size=PART,
        threads=1,
        on_progress=lambda it: os.utime(path, ns=(1, 1)) if it else None,
    )
    with pytest.raises(errors.PayloadError, match="changed"):
        bucket.upload(path, "k", settings=settings)
    assert not bucket.exists("k")
    assert open_uploads(sandbox) == 0


def test_a_small_file_that_is_rewritten_while_it_is_read_is_not_uploaded(
    bucket: Bucket, tmp_path: Path
) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"a" * MIB)
    bucket.put("k", b"old")
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        ended: list[int] = []
        read = Slice(file.fileno(), Span(1, 0, MIB), at_end=lambda: ended.append(1)).read
        read(MIB - 1)
        assert ended == []
        read(1)
        assert ended == [1]
        path.write_bytes(b"b" * MIB)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(errors.PayloadError) as caught:
            _expect_unchanged("k", file.fileno(), before)
    assert "changed" in str(caught.value)


def test_another_file_of_the_same_size_and_time_takes_up_nothing(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path
) -> None:
    path, other = tmp_path / "it", tmp_path / "other"
    path.write_bytes(DATA)
    settings = TransferSettings(
        part_size=PART, threads=1, wait=lambda _: None, journal=tmp_path / "notes"
    )
    sandbox.fault(operation="UploadPart", nth=6, status=403, code="AccessDenied")
    with pytest.raises(errors.AccessDenied):
        bucket.upload(path, "k", settings=settings)
    other.write_bytes(DATA[::-1])
    found = path.stat()
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.replace(path)
    bucket.upload(path, "k", settings=settings)
    assert bucket.get("k").read() == DATA[::-1]


def test_an_interrupt_while_tasks_are_handed_out_stops_all_of_them() -> None:
    stop = threading.Event()
    done: list[int] = []

    def work() -> None:
        stop.wait(5)
        done.append(1)

    def tasks() -> Iterator[Callable[[], None]]:
        for _ in range(20):
            yield work
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(tasks(), threads=2, stop=stop)
    assert len(done) <= 2


def test_an_upload_that_is_noted_is_taken_up(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "it"
    path.write_bytes(DATA)
    settings = TransferSettings(
        part_size=PART, threads=1, wait=lambda _: None, journal=tmp_path / "notes"
    )
    sandbox.fault(operation="UploadPart", nth=6, status=403, code="AccessDenied")
    with pytest.raises(errors.AccessDenied):
        bucket.upload(path, "k", settings=settings)
    assert open_uploads(sandbox) == 1
    (note,) = (tmp_path / "notes").iterdir()
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    before = operations(sandbox).count("UploadPart")
    bucket.upload(path, "k", settings=settings)
    assert operations(sandbox).count("UploadPart") - before == 10 - 5
    assert bucket.get("k").read() == DATA
    assert list((tmp_path / "notes").iterdir()) == []
    assert open_uploads(sandbox) == 0


def test_a_note_of_another_file_or_of_no_upload_is_nothing(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "it"
    path.write_bytes(DATA)
    settings = TransferSettings(
        part_size=PART, threads=1, wait=lambda _: None, journal=tmp_path / "notes"
    )
    for change in (lambda: path.write_bytes(DATA[::-1]), sandbox.reset):
        sandbox.fault(operation="UploadPart", nth=3, status=403, code="AccessDenied")
        with pytest.raises(errors.AccessDenied):
            bucket.upload(path, "k", settings=settings)
        change()
        if change == sandbox.reset:
            with opened(sandbox) as fresh:
                fresh.upload(path, "k", settings=settings)
                assert fresh.get("k").read() == path.read_bytes()
        else:
            bucket.upload(path, "k", settings=settings)
            assert bucket.get("k").read() == path.read_bytes()


def test_a_lease_may_end_while_a_file_moves(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.reset()
    (tmp_path / "it").write_bytes(DATA)
    with opened(sandbox) as bucket:
        ended: list[int] = []

        def end(moved: int) -> None:
            if moved and len(ended) < 3:
                ended.append(moved)
                sandbox.expire()

        settings = TransferSettings(part_size=PART, threads=2, on_progress=end)
        bucket.upload(tmp_path / "it", "k", settings=settings)
        ended.clear()
        bucket.download("k", tmp_path / "down", settings=settings)
    assert (tmp_path / "down").read_bytes() == DATA


def test_settings_that_cannot_be() -> None:
    with pytest.raises(errors.UsageError):
        TransferSettings(threads=0)


def test_parts_that_oss_would_not_take(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(DATA)
    with pytest.raises(errors.UsageError):
        bucket.upload(tmp_path / "it", "k", settings=TransferSettings(part_size=1000))
    with pytest.raises(FileNotFoundError):
        bucket.upload(tmp_path / "none", "k")


PROGRAM = """
import sys
from pathlib import Path
from sts_client import TransferSettings
from tests.sts_client.whole import opened_at
import json
with opened_at(json.loads(sys.argv[1])) as bucket:
    moved = []
    def tell(number):
        moved.append(number)
        if len(moved) == 4:
            print("now", flush=True)
    settings = TransferSettings(part_size=131072, threads=1, on_progress=tell)
    bucket.download("k", sys.argv[2], settings=settings)
"""


def test_a_download_that_is_killed_goes_on_where_it_was(
    bucket: Bucket, sandbox: Sandbox, tmp_path: Path
) -> None:
    bucket.put("k", DATA)
    sandbox.fault(operation="GetObject", latency=0.2)
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(told(sandbox)), str(tmp_path / "it")],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"now\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    finally:
        sandbox.clear_faults()
    assert not (tmp_path / "it").exists()
    before = operations(sandbox).count("GetObject")
    bucket.download("k", tmp_path / "it", settings=SETTINGS)
    assert operations(sandbox).count("GetObject") - before < 9
    assert (tmp_path / "it").read_bytes() == DATA
    assert hidden(tmp_path) == []
