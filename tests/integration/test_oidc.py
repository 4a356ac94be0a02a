"""OIDC for real: an issuer, the server and the sandbox as programs of their own, keys that rotate, an outage."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import sts_client
from sts_server.sandbox import Sandbox
from tests.integration.house import CONFIG, KEYS, Server, vending_server

AUDIENCE = "https://sts.example.com"
LOGIN = f"""
[[callers.oidc]]
issuer = "ISSUER"
audience = ["{AUDIENCE}"]
id_prefix = "login:"
groups_claim = "groups"
[[grants]]
name = "team"
prefix = "team/"
actions = ["get", "put"]
who = {{{{ groups = ["login:dev"] }}}}
"""


@dataclass
class Issuer:
    """An issuer: the web server of Python's library over a folder, and keys that only we have."""

    folder: Path
    url: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start, or come back at the same address."""
        port = self.url.rpartition(":")[2] or "0"
        command = [sys.executable, "-u", "-m", "http.server", port, "--bind", "127.0.0.1"]
        self.process = subprocess.Popen(
            [*command, "--directory", self.folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().split('port ')[1].split()[0]}"
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        well_known = self.folder / ".well-known"
        well_known.mkdir(exist_ok=True)
        (well_known / "openid-configuration").write_text(json.dumps(document))

    def stop(self) -> None:
        """Go down."""
        if self.process is not None:
            self.process.terminate()
            self.process.communicate(timeout=30)
            self.process = None

    def show(self, *names: str) -> None:
        """Make keys of these names, where there are none yet, and show these and no others."""
        for name in names:
            self.keys.setdefault(name, ec.generate_private_key(ec.SECP256R1()))
        to_jwk = jwt.algorithms.ECAlgorithm.to_jwk
        shown = [{**to_jwk(self.keys[n].public_key(), as_dict=True), "kid": n} for n in names]
        (self.folder / "keys").write_text(json.dumps({"keys": shown}))

    def token(self, key: str, sub: str = "carol", **claims: object) -> str:
        """Sign a token."""
        now = int(time.time())
        said = {"iss": self.url, "aud": AUDIENCE, "sub": sub, "iat": now, "exp": now + 600}
        return jwt.encode({**said, **claims}, self.keys[key], "ES256", {"kid": key})


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    folder = tmp_path / "issuer"
    folder.mkdir()
    running = Issuer(folder)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def server(sandbox: Sandbox, issuer: Issuer, tmp_path: Path) -> Iterator[Server]:
    text = CONFIG + LOGIN.replace("ISSUER", issuer.url)
    with vending_server(sandbox, tmp_path, text) as running:
        yield running


def ask(server: Server, token: str, grant: str = "uploads") -> requests.Response:
    return requests.get(
        f"{server.url}/v1/credentials/{grant}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )


def test_a_token_vends_and_its_caller_has_a_folder_of_their_own(
    server: Server, issuer: Issuer
) -> None:
    issuer.show("1")
    token = issuer.token("1", "alice", groups=["dev"])
    with sts_client.connect(server.url, grant="uploads", token=token) as bucket:
        bucket.put("users/login:alice/a.txt", b"hello")
        with pytest.raises(sts_client.errors.AccessDenied):
            bucket.get("users/alice/a.txt")
    assert ask(server, token, "team").json()["Lease"]["Prefix"] == "team/"
    assert ask(server, issuer.token("1", "alice"), "team").status_code == 403
    # Another login that knows an alice has not become less of a proof.
    assert ask(server, KEYS["alice"]).json()["Lease"]["Prefix"] == "users/alice/"
    assert [line["caller"] for line in server.audit()] == ["login:alice"] * 3 + ["alice"]


def test_keys_rotate_the_issuer_goes_down_and_vending_goes_on(
    server: Server, issuer: Issuer
) -> None:
    issuer.show("1")
    old = issuer.token("1")
    assert ask(server, old).status_code == 200
    issuer.show("2")
    new = issuer.token("2")
    assert ask(server, new).status_code == 200
    taken_back = ask(server, old)
    assert (taken_back.status_code, taken_back.json()["Code"]) == (401, "Unauthenticated")
    issuer.stop()
    assert ask(server, new).status_code == 200
    assert ask(server, issuer.token("2", "dave")).status_code == 200
    assert ask(server, issuer.token("2", aud="https://a.example")).status_code == 401


def test_a_server_that_starts_before_its_issuer_waits_for_it(
    sandbox: Sandbox, issuer: Issuer, tmp_path: Path
) -> None:
    issuer.show("1")
    issuer.stop()
    text = CONFIG + LOGIN.replace("ISSUER", issuer.url)
    with vending_server(sandbox, tmp_path, text) as server:
        token = issuer.token("1")
        answer = ask(server, token)
        assert (answer.status_code, answer.json()["Code"]) == (503, "LoginUnavailable")
        assert 1 <= int(answer.headers["Retry-After"]) <= 5
        assert ask(server, KEYS["alice"]).status_code == 200
        assert ask(server, "osk_" + "x" * 43).status_code == 401
        issuer.start()
        until = time.monotonic() + 20
        while (answer := ask(server, token)).status_code == 503 and time.monotonic() < until:
            time.sleep(0.2)
        assert answer.status_code == 200


def test_forgeries_are_refused_and_nothing_of_them_is_written_down(
    server: Server, issuer: Issuer
) -> None:
    issuer.show("1")
    real = issuer.token("1", "alice")
    stranger = rsa.generate_private_key(65537, 2048)
    said = jwt.decode(real, options={"verify_signature": False}) | {"sub": "SECRET-SUB"}
    forgeries = [
        jwt.encode(said, "", "none", {"kid": "1"}),
        jwt.encode(said, "0" * 32, "HS256", {"kid": "1"}),
        jwt.encode(said, stranger, "RS256", {"kid": "1"}),
        jwt.encode(said, ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": "1"}),
        jwt.encode(said, issuer.keys["1"], "ES256", {"kid": "SECRET-KID"}),
        jwt.encode(said | {"aud": "other"}, issuer.keys["1"], "ES256", {"kid": "1"}),
        jwt.encode(said | {"exp": 1}, issuer.keys["1"], "ES256", {"kid": "1"}),
        real[:-10],
        real + "." + real,
        f"{real.split('.')[0]}.{'W' * 6000}.{real.split('.')[2]}",
    ]
    assert ask(server, real).status_code == 200
    for forgery in forgeries:
        answer = ask(server, forgery)
        assert (answer.status_code, answer.json()["Code"]) == (401, "Unauthenticated")
        assert "SECRET" not in answer.text
    log = server.audit_path.read_text()
    assert "SECRET" not in log
    assert not any(forgery[-40:] in log for forgery in forgeries)


def test_a_reload_while_the_issuer_is_down_forgets_no_key(server: Server, issuer: Issuer) -> None:
    issuer.show("1")
    assert ask(server, issuer.token("1")).status_code == 200
    issuer.stop()
    team = server.config_path.read_text().replace('prefix = "team/"', 'prefix = "teams/"')
    server.config_path.write_text(team)
    server.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 20
    while "is taken" not in server.log() and time.monotonic() < until:
        time.sleep(0.05)
    fresh = issuer.token("1", groups=["dev"])
    assert ask(server, fresh, "team").json()["Lease"]["Prefix"] == "teams/"
