"""The official chain: each place in its order, no secret in what is said, no thread left behind.

What answers stands on this machine: the metadata service of ECS, too, which has a fixed address, is
reached through a proxy that stands here.
"""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sts_server.access_key import AccessKey, EcsRole, KeySources, OidcRole
from sts_server.clock import system_clock, to_wire
from sts_server.errors import KeyNotFound
from sts_server.upstream.key_chain import KeyChain

SECRET = "VerySecretThing"
URI_KEY = {
    "Code": "Success",
    "AccessKeyId": "STS.uri",
    "AccessKeySecret": "s",
    "SecurityToken": "t",
    "Expiration": "2099-01-01T00:00:00Z",
}


class _Told(BaseHTTPRequestHandler):
    server: "Giver"

    def _answer(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        end = self.path.partition("?")[0].rpartition("/")[2]
        status, body = self.server.answers.get(end, (404, b"not here"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = _answer  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the same
        pass


class Giver(ThreadingHTTPServer):
    """Answers by the last part of a path."""

    daemon_threads = True

    def __init__(self, answers: dict[str, tuple[int, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _Told)
        self.answers = answers
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


@contextmanager
def giving(**answers: object) -> Iterator[Giver]:
    told = {
        name: body
        if isinstance(body, tuple)
        else (200, body if isinstance(body, bytes) else json.dumps(body).encode())
        for name, body in answers.items()
    }
    server = Giver(told)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def cli_file(folder: Path, **profile: str) -> Path:
    file = folder / "config.json"
    told = {"name": "default", "mode": "AK", **profile}
    file.write_text(json.dumps({"current": "default", "profiles": [told]}))
    return file


def sdk_file(folder: Path) -> Path:
    file = folder / "credentials.ini"
    file.write_text(
        "[default]\ntype = access_key\naccess_key_id = LTAIsdk\naccess_key_secret = s\n"
        "[vend]\ntype = access_key\naccess_key_id = LTAIvend\naccess_key_secret = s\n"
    )
    return file


def chain(sources: KeySources, sts: str = "http://127.0.0.1:9") -> KeyChain:
    return KeyChain(sources, sts)


def test_the_clis_profile_comes_before_the_sdks(tmp_path: Path) -> None:
    cli = cli_file(tmp_path, access_key_id="LTAIcli", access_key_secret="s")
    sdk = sdk_file(tmp_path)
    assert chain(KeySources(cli_file=cli, sdk_file=sdk)).find() == AccessKey("LTAIcli", "s")
    assert chain(KeySources(sdk_file=sdk)).find().id == "LTAIsdk"
    assert chain(KeySources(sdk_file=sdk, profile="vend")).find().id == "LTAIvend"


def test_a_profile_with_a_token(tmp_path: Path) -> None:
    cli = cli_file(
        tmp_path, mode="StsToken", access_key_id="STS.a", access_key_secret="s", sts_token="t"
    )
    assert chain(KeySources(cli_file=cli)).find() == AccessKey("STS.a", "s", "t")


def test_what_changed_in_a_file_is_seen_after_the_key_was_forgotten(tmp_path: Path) -> None:
    cli = cli_file(tmp_path, access_key_id="LTAIold", access_key_secret="s")
    keys = chain(KeySources(cli_file=cli))
    keys.find()
    cli_file(tmp_path, access_key_id="LTAInew", access_key_secret="s")
    assert keys.find().id == "LTAIold"
    keys.forget()
    assert keys.find().id == "LTAInew"


def test_an_address_that_gives_keys_comes_last(tmp_path: Path) -> None:
    with giving(keys=URI_KEY) as giver:
        sources = KeySources(sdk_file=tmp_path / "none", uri=f"{giver.url}/keys?token=x")
        assert chain(sources).find() == AccessKey("STS.uri", "s", "t")


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Iterator[Giver]:
    """A metadata service, where whoever asks 100.100.100.200 is sent to."""
    keys = {**URI_KEY, "AccessKeyId": "STS.ecs"}
    # The part after the last slash: the list of roles has none.
    with giving(token=b"metadata-token", **{"": b"vend", "vend": keys}) as giver:
        monkeypatch.setenv("HTTP_PROXY", giver.url)
        yield giver


def test_the_role_of_the_machine(proxied: Giver) -> None:
    before = {thread.name for thread in threading.enumerate()}
    assert chain(KeySources(ecs=EcsRole())).find() == AccessKey("STS.ecs", "s", "t")
    assert proxied.asked[0] == "PUT http://100.100.100.200/latest/api/token"
    assert proxied.asked[-1].endswith("/latest/meta-data/ram/security-credentials/vend")
    left = {thread.name for thread in threading.enumerate()} - before
    assert not [name for name in left if "APScheduler" in name or "refresh" in name]


def test_the_older_way_of_the_metadata_service_can_be_closed(proxied: Giver) -> None:
    del proxied.answers["token"]
    assert chain(KeySources(ecs=EcsRole("vend"))).find().id == "STS.ecs"
    with pytest.raises(KeyNotFound):
        chain(KeySources(ecs=EcsRole("vend", only_v2=True))).find()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def test_a_machine_that_is_none_of_ecs_is_told_from_one_whose_service_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    for role, may_pass in ((EcsRole(), False), (EcsRole("vend"), True)):
        with pytest.raises(KeyNotFound) as found:
            chain(KeySources(ecs=role)).find()
        assert found.value.may_pass is may_pass
        assert "ECS metadata (nobody listens there)" in str(found.value)


def oidc(folder: Path) -> OidcRole:
    token = folder / "token"
    token.write_text(SECRET)
    return OidcRole("acs:ram::1:role/pod", "acs:ram::1:oidc-provider/ack", token)


@pytest.mark.parametrize(
    ("answer", "why", "may_pass"),
    [
        ((403, SECRET.encode()), "answered 403", False),
        ((500, SECRET.encode()), "answered 500", True),
        ((200, SECRET.encode()), "JSONDecodeError", False),
        ((200, json.dumps({"Code": SECRET}).encode()), "CredentialException", False),
        ((200, json.dumps({**URI_KEY, "AccessKeySecret": ""}).encode()), "ValueError", False),
        ((200, json.dumps({**URI_KEY, "Expiration": "2001-01-01T00:00:00Z"}).encode()), "CredentialException", False),
    ],
)  # fmt: skip
def test_why_there_is_no_key_is_told_without_what_was_answered(
    answer: tuple[int, bytes],
    why: str,
    may_pass: bool,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("DEBUG", "sdk")
    with giving(keys=answer) as giver:
        sources = KeySources(cli_file=tmp_path / "none", uri=f"{giver.url}/keys?token={SECRET}")
        with pytest.raises(KeyNotFound) as found:
            chain(sources).find()
    assert f"ALIBABA_CLOUD_CREDENTIALS_URI ({why})" in str(found.value)
    assert "the CLI's profiles (no such file or directory)" in str(found.value)
    assert found.value.may_pass is may_pass
    assert found.value.__cause__ is None
    assert SECRET not in caplog.text + "".join(capfd.readouterr()) + str(found.value)


@pytest.mark.parametrize("text", [f"{{{SECRET}", "[]", '{"profiles": [{"name": "x"}]}', "null"])
def test_a_profile_that_cannot_be_read_is_told_without_its_text(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    (tmp_path / "credentials.ini").write_text(text)
    with pytest.raises(KeyNotFound) as found:
        chain(
            KeySources(cli_file=tmp_path / "config.json", sdk_file=tmp_path / "credentials.ini")
        ).find()
    assert "the CLI's profiles (" in str(found.value)
    assert "the SDKs' profiles (" in str(found.value)
    assert SECRET not in str(found.value)
    assert not found.value.may_pass


def test_a_token_is_not_told_by_whoever_could_not_send_it(tmp_path: Path) -> None:
    sources = KeySources(oidc=oidc(tmp_path))
    with pytest.raises(KeyNotFound) as found:
        chain(sources, f"http://127.0.0.1:{closed_port()}").find()
    assert "ALIBABA_CLOUD_OIDC_TOKEN_FILE (nobody listens there)" in str(found.value)
    assert found.value.may_pass
    assert SECRET not in str(found.value)


def test_a_token_file_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    role = oidc(tmp_path)
    role.token_file.unlink()
    with pytest.raises(KeyNotFound) as found:
        chain(KeySources(oidc=role)).find()
    assert "ALIBABA_CLOUD_OIDC_TOKEN_FILE (no such file or directory)" in str(found.value)
    assert not found.value.may_pass


def test_a_key_that_cannot_be_renewed_is_told_so() -> None:
    with giving(keys=URI_KEY) as giver:
        sources = KeySources(uri=f"{giver.url}/keys")
        keys = chain(sources)
        giver.answers["keys"] = (200, json.dumps({**URI_KEY, "Expiration": _soon()}).encode())
        keys.find()
        giver.answers["keys"] = (403, SECRET.encode())
        with pytest.raises(KeyNotFound, match=r"our key cannot be renewed: answered 403"):
            keys.find()


def _soon() -> str:
    """Give a moment within the last 15 minutes of a key, when the library asks for the next."""
    return to_wire(system_clock() + 600)
