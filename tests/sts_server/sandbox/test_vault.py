"""Sessions that survive a restart, in a file that nobody else may read."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sts_server.sandbox.accounts import Accounts, Role
from sts_server.sandbox.clock import Clock
from sts_server.sandbox.errors import SettingError
from sts_server.sandbox.ram.document import parse_policy, parse_trust_policy
from sts_server.sandbox.vault import Vault

NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
NOTHING = '{"Version":"1","Statement":[]}'
ROLE = Role("r", "1234567890123456", parse_trust_policy(NOTHING), ())


class House:
    """One run of a sandbox, as far as sessions go."""

    def __init__(self, folder: Path, *roles: Role) -> None:
        self.vault = Vault(folder)
        self.clock = Clock(lambda: NOW, self.vault.offset(), self.vault.save_offset)
        self.accounts = Accounts([], roles or [ROLE], self.clock, vault=self.vault)


def test_sessions_and_time_go_on_where_they_were(tmp_path: Path) -> None:
    first = House(tmp_path / "v")
    narrowed = first.accounts.assume(ROLE, "a", timedelta(hours=2), parse_policy(NOTHING))
    full = first.accounts.assume(ROLE, "b", timedelta(hours=1), None)
    over = first.accounts.assume(ROLE, "c", timedelta(hours=2), None)
    gone = first.accounts.assume(ROLE, "d", timedelta(hours=2), None)
    first.clock.advance(timedelta(minutes=30, microseconds=5))
    first.accounts.expire(over.access_key_id)
    first.accounts.revoke(gone.access_key_id)
    first.vault.close()

    again = House(tmp_path / "v")
    assert again.clock.offset == timedelta(minutes=30, microseconds=5)
    assert again.accounts.session(narrowed.access_key_id) == narrowed
    assert again.accounts.session(full.access_key_id) == full
    restored = again.accounts.session(over.access_key_id)
    assert restored is not None
    assert restored.expiration == again.clock.now()
    assert again.accounts.session(gone.access_key_id) is None
    again.accounts.revoke()
    again.clock.reset()
    again.vault.close()

    empty = House(tmp_path / "v")
    assert empty.clock.offset == timedelta()
    assert empty.vault.load() == []
    empty.vault.close()


def test_sessions_of_a_role_that_is_no_more(tmp_path: Path) -> None:
    first = House(tmp_path / "v")
    session = first.accounts.assume(ROLE, "a", timedelta(hours=2), None)
    first.vault.close()
    other = Role("other", "1234567890123456", parse_trust_policy(NOTHING), ())
    again = House(tmp_path / "v", other)
    assert again.accounts.session(session.access_key_id) is None
    again.vault.close()


def test_nobody_else_may_read_it_and_no_secret_shows(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    before = os.umask(0)
    try:
        house = House(folder)
    finally:
        os.umask(before)
    session = house.accounts.assume(ROLE, "a", timedelta(hours=2), None)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    [saved] = house.vault.load()
    assert session.access_key_secret not in repr(saved)
    assert session.security_token not in repr(saved)
    house.vault.close()


@pytest.mark.parametrize(
    ("name", "mode"),
    [(".", 0o750), (".", 0o701), ("sessions.sqlite", 0o640), ("sessions.sqlite", 0o602)],
)
def test_loose_modes_are_refused(tmp_path: Path, name: str, mode: int) -> None:
    folder = tmp_path / "v"
    House(folder).vault.close()
    (folder / name).chmod(mode)
    with pytest.raises(SettingError, match="is open to others"):
        Vault(folder)


def test_what_is_no_file_of_ours_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    House(folder).vault.close()
    (folder / "sessions.sqlite").unlink()
    (folder / "sessions.sqlite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingError, match="is not this user's own"):
        Vault(folder)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(SettingError, match="is not this user's own"):
        Vault(tmp_path / "link")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    House(folder).vault.close()
    (folder / "sessions.sqlite").write_bytes(b"x" * 4096)
    with pytest.raises(SettingError, match="cannot be used"):
        Vault(folder)
