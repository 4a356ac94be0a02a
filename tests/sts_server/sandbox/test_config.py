"""The sandbox's configuration: the example works, and every mistake is named with its place."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sts_server.sandbox import Sandbox, StartError
from sts_server.sandbox.config import Config, parse
from sts_server.sandbox.errors import SettingError
from sts_server.sandbox.settings import Settings
from sts_server.sandbox.store.bucket import Bucket, Cors, CorsRule

EXAMPLE = Path(__file__).parents[3] / "deploy" / "sandbox.toml"
NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)
BKT = '[[buckets]]\nname = "bkt"\n'
USER = '[[users]]\nname = "a"\naccess_key_id = "LTAIa"\naccess_key_secret = "s3cret"\n'
ROLE = '[[roles]]\nname = "r"\n'


def read(text: str) -> Config:
    return parse(text, Settings(access_key_id="LTAIx"), user_name="sandbox", now=NOW)


def test_the_example() -> None:
    config = read(EXAMPLE.read_text(encoding="utf-8"))
    assert [user.name for user in config.users] == ["app"]
    assert [role.max_duration for role in config.roles] == [timedelta(hours=2)]
    rule = CorsRule(("http://localhost:*",), ("GET", "HEAD"), ("*",), ("ETag",), 600)
    assert config.buckets == (Bucket("archive", NOW, versioning="Enabled", cors=Cors((rule,))),)
    assert "ExampleAppSecret" not in repr(config)


def test_an_open_bucket() -> None:
    assert read(BKT + 'acl = "public-read"').buckets == (Bucket("bkt", NOW, acl="public-read"),)


def test_nothing_is_enough() -> None:
    assert read("") == Config()


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[[users", "not TOML"),
        ("x = " + "[" * 5000, "not TOML"),
        ('colour = "red"', "colour: is not a setting"),
        ('"\\u0007" = 1', "'\\x07': is not a setting"),
        ("users = 1", "users: input should be a valid list"),
        ("[[users]]", "users[0].name: is missing"),
        (USER + 'admin = "yes"', "users[0].admin: is not a setting"),
        (USER.replace("LTAIa", "STS.a"), "users[0].access_key_id: is not a usable AccessKey id"),
        (USER.replace("s3cret", ""), "users[0].access_key_secret: is empty or not ASCII"),
        (USER.replace('"a"', '"a b"'), "users[0].name: is not a usable user name"),
        (USER.replace('"a"', "1"), "users[0].name: input should be a valid string"),
        (USER.replace('"a"', '"sandbox"'), "users[0].name: is taken"),
        (USER.replace("LTAIa", "LTAIx"), "users[0].access_key_id: is taken"),
        (USER + USER, "users[1].name: is taken\nusers[1].access_key_id: is taken"),
        (USER + "policies = ['{}']", "users[0].policies[0]: a policy has exactly"),
        (USER + "policies = ['no']", "users[0].policies[0]: the policy is not JSON"),
        ('[[roles]]\nname = "a_b"', "roles[0].name: is not a usable role name"),
        ('[[roles]]\nname = "oss-vend"', "roles[0].name: is taken"),
        (ROLE + "max_session_duration = 3599", "roles[0].max_session_duration: input should be"),
        (ROLE + "max_session_duration = 43201", "roles[0].max_session_duration: input should be"),
        (ROLE + "max_session_duration = 3600.5", "roles[0].max_session_duration: input should be"),
        (ROLE + 'external_id = "x"', "roles[0].external_id: is not a usable external id"),
        (ROLE + "trust = '{}'", "roles[0].trust: a policy has exactly"),
        ('[[buckets]]\nname = "Bad"', "buckets[0].name: is not a usable bucket"),
        (BKT + 'acl = "public"', "buckets[0].acl: input should be 'private'"),
        (BKT + 'versioning = "on"', "buckets[0].versioning: input should be a valid boolean"),
        (BKT + "[[buckets.cors]]", "buckets[0].cors[0].origins: is missing"),
        (
            BKT + '[[buckets.cors]]\norigins = ["*.*"]\nmethods = ["PATCH"]\nexposed = ["*"]',
            "buckets[0].cors[0].origins[0]: is not a usable pattern\nbuckets[0].cors[0].methods[0]: ",
        ),
        ('[[buckets]]\nname = "examplebucket"', "buckets[0].name: is taken"),
        (
            '[[buckets]]\nname = "Bad"\n[[users]]\nname = "s3cret?"',
            "users[0].name: is not a usable user name\nusers[0].access_key_id: is missing\n",
        ),
    ],
)
def test_mistakes_are_named_with_their_place(text: str, problems: str) -> None:
    with pytest.raises(SettingError) as refused:
        read(text)
    assert str(refused.value).startswith(problems)
    assert "s3cret" not in str(refused.value)


def test_an_external_id_beside_a_trust_policy() -> None:
    trust = '{"Version":"1","Statement":[]}'
    with pytest.raises(SettingError, match=r"roles\[0\]: write the external id into"):
        read(f"{ROLE}external_id = 'xx'\ntrust = '{trust}'")


@pytest.mark.parametrize(
    ("write", "complaint"),
    [
        (lambda path: path.write_text("[[users]]"), "  users[0].name: is missing\n"),
        (lambda path: path.write_bytes(b"\xff"), "is not UTF-8\n"),
        (lambda path: path.write_bytes(b"#" * 2_000_000), "is larger than"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory\n"),
    ],
)
def test_a_bad_file_ends_the_program_before_it_begins(
    tmp_path: Path, write: Callable[[Path], object], complaint: str
) -> None:
    path = tmp_path / "sandbox.toml"
    write(path)
    done = subprocess.run(
        [sys.executable, "-m", "sts_server.sandbox", "--config", path],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot be read: No such file"):
        Sandbox(config=tmp_path / "none").start()
