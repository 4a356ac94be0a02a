"""The sandbox's configuration: the example works, and every mistake is named with its place."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

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


OIDC = '[[oidc_providers]]\nname = "login"\nissuer = "https://a"\nclient_ids = ["app"]\n'
KEY = ec.generate_private_key(ec.SECP256R1())
JWK = jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key())
JWKS = f'{{"keys": [{JWK}]}}'
FILES = {"good.json": JWKS, "bad.json": "s3cret"}


def read_file(name: str) -> str:
    if name not in FILES:
        raise SettingError("cannot be read: No such file or directory")
    return FILES[name]


def read(text: str) -> Config:
    settings = Settings(access_key_id="LTAIx")
    return parse(text, settings, user_name="sandbox", now=NOW, read=read_file)


def test_the_example() -> None:
    config = read(EXAMPLE.read_text(encoding="utf-8"))
    assert [user.name for user in config.users] == ["app"]
    assert [role.max_duration for role in config.roles] == [timedelta(hours=2), timedelta(hours=1)]
    [provider] = config.providers
    assert provider.arn == "acs:ram::1234567890123456:oidc-provider/login"
    assert provider.client_ids == {"web-app"}
    rule = CorsRule(("http://localhost:*",), ("GET", "HEAD"), ("*",), ("ETag",), 600)
    assert config.buckets == (Bucket("archive", NOW, versioning="Enabled", cors=Cors((rule,))),)
    assert "ExampleAppSecret" not in repr(config)


def test_an_open_bucket() -> None:
    assert read(BKT + 'acl = "public-read"').buckets == (Bucket("bkt", NOW, acl="public-read"),)


@pytest.mark.parametrize("keys", [f"jwks = '{JWKS}'", 'jwks_file = "good.json"'])
def test_a_provider(keys: str) -> None:
    [provider] = read(OIDC + keys).providers
    assert (provider.issuer, provider.jwks) == ("https://a", json.loads(JWKS))


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
        (OIDC, "oidc_providers[0]: give its keys once"),
        (OIDC + f"jwks = '{JWKS}'\njwks_file = 'x'", "oidc_providers[0]: give its keys once"),
        (OIDC + "jwks = 's3cret'", "oidc_providers[0].jwks: the JWK set is not JSON"),
        (OIDC + "jwks = '[]'", "oidc_providers[0].jwks: a JWK set is"),
        (OIDC + "jwks = '{\"keys\": [1]}'", "oidc_providers[0].jwks: a JWK set is"),
        (OIDC + "jwks = '{\"keys\": []}'", "oidc_providers[0].jwks: the JWK set holds no key"),
        (OIDC + "jwks = '{\"keys\": [{}]}'", "oidc_providers[0].jwks: the JWK set holds no key"),
        (
            OIDC + 'jwks = \'{"keys": [{"d": "s3cret"}]}\'',
            "oidc_providers[0].jwks: the JWK set holds a secret key",
        ),
        (OIDC + f"jwks = '{' ' * 70_000}'", "oidc_providers[0].jwks: is larger than 65536 bytes"),
        (OIDC + "jwks_file = 'none'", "oidc_providers[0].jwks_file: cannot be read: No such"),
        (
            (OIDC + "jwks_file = 'bad.json'\n") * 2,
            "oidc_providers[1].name: is taken\noidc_providers[0].jwks_file: the JWK set is not JSON",
        ),
        (OIDC.replace("login", "-x"), "oidc_providers[0].name: is not a usable provider name"),
        (OIDC.replace("https:", "ftp:"), "oidc_providers[0].issuer: is not a usable issuer"),
        (OIDC.replace('["app"]', "[]"), "oidc_providers[0].client_ids: list should have at"),
        (OIDC.replace('"app"', '"a b"'), "oidc_providers[0].client_ids[0]: is not a usable client"),
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
        (
            lambda path: (
                path.write_text(f'{OIDC}jwks_file = "large"')
                and (path.parent / "large").write_bytes(b" " * 70_000)
            ),
            "  oidc_providers[0].jwks_file: is larger than 65536 bytes\n",
        ),
        (
            lambda path: path.write_text(f'{OIDC}jwks_file = "none"'),
            "  oidc_providers[0].jwks_file: cannot be read: No such file or directory\n",
        ),
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
