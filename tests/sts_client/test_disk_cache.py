"""The disk cache: one fetch for many processes, and nothing for anybody else on the machine."""

import json
import multiprocessing
import os
import pickle
import signal
import stat
from pathlib import Path

import pytest

from sts_client import Lease, connect
from sts_client.disk_cache import DiskCache
from sts_client.errors import ServerUnavailable, UsageError
from tests.sts_client.stage import NOW, SECRETS, Queue, Travelling, lease

KEY = ("https://sts.example.com", "uploads", "alice")


class Clock:
    """A clock that stands where a test puts it."""

    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "leases"


def cache(source: Queue, folder: Path, clock: Clock | None = None, key: object = KEY) -> DiskCache:
    assert isinstance(key, tuple)
    return DiskCache(source, folder, key, clock=clock or Clock())


def kept(folder: Path) -> Path:
    (found,) = folder.glob("*.lease")
    return found


def test_the_next_process_does_not_ask(folder: Path) -> None:
    first = cache(Queue(lease(1)), folder).fetch()
    source = Queue(lease(2))
    assert cache(source, folder).fetch() == first
    assert source.asked == []


@pytest.mark.parametrize("place", range(3))
def test_another_server_wish_or_identity_is_another_lease(folder: Path, place: int) -> None:
    cache(Queue(lease(1)), folder).fetch()
    other = tuple("other" if number == place else it for number, it in enumerate(KEY))
    assert cache(Queue(lease(2)), folder, key=other).fetch() == lease(2)


def test_a_stale_lease_is_replaced_for_all(folder: Path) -> None:
    clock = Clock()
    cache(Queue(lease(1)), folder, clock).fetch()
    clock.now = NOW + 1800
    assert cache(Queue(lease(2, expiry=NOW + 7200)), folder, clock).fetch().expiry == NOW + 7200
    assert json.loads(kept(folder).read_text())["lease"]["expiry"] == NOW + 7200


def test_while_the_server_is_away_a_stale_lease_serves_and_a_dead_one_does_not(
    folder: Path,
) -> None:
    clock = Clock()
    cache(Queue(lease(1)), folder, clock).fetch()
    away = Queue(ServerUnavailable("away"))
    clock.now = NOW + 1800
    assert cache(away, folder, clock).fetch() == lease(1)
    clock.now = NOW + 3599
    with pytest.raises(ServerUnavailable):
        cache(away, folder, clock).fetch()


def test_a_refused_lease_is_not_handed_out_again(folder: Path) -> None:
    cache(Queue(lease(1)), folder).fetch()
    source = Queue(lease(2))
    assert cache(source, folder).fetch(refused="STS.1") == lease(2)
    assert source.asked == ["STS.1"]
    # Another process that was told the same gets what is there by now.
    assert cache(Queue(lease(3)), folder).fetch(refused="STS.1") == lease(2)


def test_it_is_for_its_owner_alone(folder: Path) -> None:
    mask = os.umask(0)
    try:
        cache(Queue(lease(1)), folder).fetch()
    finally:
        os.umask(mask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o701, 0o777])
def test_a_folder_that_others_can_look_into_is_refused(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    with pytest.raises(UsageError, match="open to others"):
        cache(Queue(lease(1)), folder)


@pytest.mark.parametrize("suffix", ["lease", "lock"])
def test_a_file_that_others_can_read_is_refused(folder: Path, suffix: str) -> None:
    ours = cache(Queue(lease(1)), folder)
    ours.fetch()
    (path,) = folder.glob(f"*.{suffix}")
    path.chmod(0o640)
    with pytest.raises(UsageError, match="open to others"):
        ours.fetch()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_somebody_else_is_refused(folder: Path) -> None:
    ours = cache(Queue(lease(1)), folder)
    ours.fetch()
    os.chown(kept(folder), 12345, -1)
    with pytest.raises(UsageError, match="another user"):
        ours.fetch()
    os.chown(folder, 12345, -1)
    with pytest.raises(UsageError, match="another user"):
        cache(Queue(lease(1)), folder)


def test_a_link_or_a_pipe_in_a_files_place_is_refused(folder: Path, tmp_path: Path) -> None:
    ours = cache(Queue(lease(1)), folder)
    ours.fetch()
    path = kept(folder)
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(UsageError, match="cannot be used"):
        ours.fetch()
    path.unlink()
    os.mkfifo(path, 0o600)
    assert ours.fetch() == lease(1)  # nothing comes out of it
    assert path.is_file()


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"version": 2}',
        b'{"version": 1, "lease": {}}',
        b'{"version": 1, "lease": {"credentials": []}}',
        b"\xff",
    ],
)
def test_a_damaged_file_is_fetched_anew(folder: Path, damage: bytes) -> None:
    ours = cache(Queue(lease(1), lease(2)), folder)
    ours.fetch()
    kept(folder).write_bytes(damage)
    assert ours.fetch() == lease(2)


@pytest.mark.parametrize("field", ["bucket", "issued", "expiry", "offset", "actions", "style"])
def test_a_field_of_another_kind_is_damage(folder: Path, field: str) -> None:
    ours = cache(Queue(lease(1), lease(2)), folder)
    ours.fetch()
    document = json.loads(kept(folder).read_text())
    document["lease"][field] = {}
    kept(folder).write_text(json.dumps(document))
    assert ours.fetch() == lease(2)


def _fetch_and_count(folder: Path, counter: Path) -> str:
    class Counting(Queue):
        def fetch(self, *, refused: str | None = None) -> object:  # type: ignore[override]  # as it is
            with counter.open("a") as file:
                file.write("x")
            return super().fetch(refused=refused)

    return cache(Counting(lease(1)), folder).fetch().credentials.access_key_id


def test_many_processes_ask_once(folder: Path, tmp_path: Path) -> None:
    counter = tmp_path / "asked"
    with multiprocessing.get_context("fork").Pool(8) as pool:
        found = pool.starmap(_fetch_and_count, [(folder, counter)] * 16)
    assert found == ["STS.1"] * 16
    assert counter.read_text() == "x"


def test_it_shows_no_secret_and_travels_without_any(folder: Path) -> None:
    ours = DiskCache(Travelling(), folder, KEY, clock=Clock())
    found = ours.fetch()
    pickled = pickle.dumps(ours)
    for text in (repr(ours), str(ours), pickled.decode("latin-1")):
        assert not any(secret in text for secret in SECRETS)
    other = pickle.loads(pickled)  # noqa: S301 - its own
    assert other.fetch() == found


def test_without_an_identity_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="identity"):
        connect("https://sts.example.com", grant="g", token="t", disk_cache=tmp_path / "leases")
    assert not (tmp_path / "leases").exists()


def test_who_comes_back_for_another_gets_one_with_another_offset(folder: Path) -> None:
    source = Queue(lease(1, offset=-3600.0), lease(2))
    ours = cache(source, folder, Clock())
    clock_was_wrong = ours.fetch()
    assert ours.fetch() == lease(2)
    assert clock_was_wrong.offset == -3600.0
    # Another process takes what is there.
    assert cache(Queue(lease(3)), folder).fetch() == lease(2)


def test_a_child_of_a_fork_leaves_nobody_waiting(folder: Path) -> None:
    children: list[int] = []

    class Forking(Queue):
        def fetch(self, *, refused: str | None = None) -> Lease:
            child = os.fork()
            if not child:
                signal.pause()
            children.append(child)
            return super().fetch(refused=refused)

    try:
        cache(Forking(lease(1)), folder).fetch()
        assert cache(Queue(lease(2)), folder).fetch() == lease(1)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
