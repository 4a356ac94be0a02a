"""The audit log: one whole line each, which nobody else reads and no caller forges."""

import json
from pathlib import Path

import pytest

from sts_server.audit import AuditLog
from tests.sts_server.parts import SetClock


def test_a_record_is_one_line_with_its_time(tmp_path: Path, clock: SetClock) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(str(path), clock=clock)
    log.write({"caller": 'eve\n{"caller":"alice"}\u2028', "peer": "127.0.0.1"})
    log.write({"caller": "bob"})
    first, second = path.read_bytes().split(b"\n")[:-1]
    assert json.loads(first)["caller"].startswith("eve\n")
    assert json.loads(second) == {"time": "2025-12-01T08:30:00Z", "caller": "bob"}


def test_the_file_is_for_its_owner_and_is_never_cut(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    AuditLog(str(path)).write({"n": 1})
    AuditLog(str(path)).write({"n": 2})
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().splitlines()) == 2


def test_it_goes_to_standard_error_when_told(capfd: pytest.CaptureFixture[str]) -> None:
    AuditLog("stderr").write({"n": 1})
    assert '"n":1' in capfd.readouterr().err
