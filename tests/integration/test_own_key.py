"""Our own key by the official chain, in a real server: a temporary one that ends, and one by token."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from sts_server.sandbox import Sandbox
from tests.integration.house import Server, assume, vending_server

ACCOUNT = "1234567890123456"
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/cluster"
POD = f"acs:ram::{ACCOUNT}:role/pod"
ISSUER = "https://cluster.example.com"
ADMIN = ("LTAI5tExampleAdmin", "ExampleAdminSecret0123456789")
SIGNER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A cloud in which the role of a pod may assume the role that is vended."""
    folder = tmp_path_factory.mktemp("cloud")
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SIGNER.public_key()))
    (folder / "keys.json").write_text(json.dumps({"keys": [{**jwk, "kid": "1"}]}))
    trust = [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Federated": [PROVIDER]},
            "Condition": {
                "StringEquals": {"oidc:aud": "sts", "oidc:iss": ISSUER, "oidc:sub": "pod"}
            },
        },
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"RAM": [f"acs:ram::{ACCOUNT}:root"]},
        },
    ]
    right = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    config = folder / "sandbox.toml"
    config.write_text(f"""
        [[oidc_providers]]
        name = "cluster"
        issuer = "{ISSUER}"
        client_ids = ["sts"]
        jwks_file = "keys.json"

        [[users]]
        name = "admin"
        access_key_id = "{ADMIN[0]}"
        access_key_secret = "{ADMIN[1]}"
        policies = ['{json.dumps({"Version": "1", "Statement": [right]})}']

        [[roles]]
        name = "pod"
        trust = '{json.dumps({"Version": "1", "Statement": trust})}'
        policies = ['{json.dumps({"Version": "1", "Statement": [right]})}']
    """)
    with Sandbox(config=config) as running:
        yield running


def own_key(cloud: Sandbox) -> dict[str, str]:
    """Take the role of a pod: a temporary key that may assume the role that is vended."""
    return assume(cloud, {"RoleArn": POD, "RoleSessionName": "pod"}, ADMIN)


def nothing(home: Path, **given: str) -> dict[str, str]:
    """Give an environment without a key, and without the metadata service."""
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "HOME": str(home),
        **given,
    }


def test_a_temporary_key_of_the_environment(cloud: Sandbox, tmp_path: Path) -> None:
    keys = own_key(cloud)
    environ = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": keys["AccessKeyId"],
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": keys["AccessKeySecret"],
        "ALIBABA_CLOUD_SECURITY_TOKEN": keys["SecurityToken"],
    }
    with vending_server(cloud, tmp_path, **environ) as server:
        assert server.lease()["Code"] == "Success"
        cloud.expire(keys["AccessKeyId"])
        # There is no other: the operator has to know.
        assert refused(server, prefix="users/alice/a/") == (502, "UpstreamRefused")


def refused(server: Server, **wish: str) -> tuple[int, str]:
    with pytest.raises(requests.HTTPError) as error:
        server.lease(**wish)
    answer = error.value.response
    return answer.status_code, answer.json()["Code"]


def test_a_role_by_token_is_taken_again_when_its_key_is_over(
    cloud: Sandbox, tmp_path: Path
) -> None:
    """As RRSA gives it to a pod: the server holds no key that lives for long."""
    now = datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "aud": "sts",
        "sub": "pod",
        "iat": now,
        "exp": now + timedelta(hours=1),
    }
    token = tmp_path / "token"
    token.write_text(jwt.encode(claims, SIGNER, "RS256", {"kid": "1"}))
    environ = nothing(
        tmp_path,
        ALIBABA_CLOUD_ROLE_ARN=POD,
        ALIBABA_CLOUD_OIDC_PROVIDER_ARN=PROVIDER,
        ALIBABA_CLOUD_OIDC_TOKEN_FILE=str(token),
    )
    with vending_server(cloud, tmp_path, **environ) as server:
        assert server.lease()["Code"] == "Success"
        cloud.advance(7200)
        # The key that the library still believes in is over. Nobody who asks notices.
        assert server.lease(prefix="users/alice/b/")["Code"] == "Success"
        taken = [seen for seen in cloud.requests() if seen["operation"] == "AssumeRoleWithOIDC"]
        assert len(taken) == 2
    cloud.reset()


def test_a_profile_that_is_written_anew(cloud: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / ".aliyun" / "config.json"
    file.parent.mkdir()

    def write(keys: dict[str, str]) -> None:
        profile = {
            "name": "vend",
            "mode": "StsToken",
            "access_key_id": keys["AccessKeyId"],
            "access_key_secret": keys["AccessKeySecret"],
            "sts_token": keys["SecurityToken"],
        }
        file.write_text(json.dumps({"current": "vend", "profiles": [profile]}))

    first, second = own_key(cloud), own_key(cloud)
    write(first)
    with vending_server(cloud, tmp_path, **nothing(tmp_path)) as server:
        assert server.lease()["Code"] == "Success"
        write(second)
        cloud.expire(first["AccessKeyId"])
        assert server.lease(prefix="users/alice/c/")["Code"] == "Success"


class _Metadata(BaseHTTPRequestHandler):
    """The metadata service of a machine, asked through a proxy: its address is not ours to have."""

    keys: dict[str, str]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        role = self.path.endswith("/security-credentials/")
        self._say(b"vend" if role else json.dumps({"Code": "Success", **self.keys}).encode())

    def do_PUT(self) -> None:
        self._say(b"a-metadata-token")

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def metadata(keys: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("_Told", (_Metadata,), {"keys": keys, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_role_of_the_machine(cloud: Sandbox, tmp_path: Path) -> None:
    with metadata(own_key(cloud)) as (proxy, asked):
        environ = nothing(tmp_path, ALIBABA_CLOUD_ECS_METADATA_DISABLED="", HTTP_PROXY=proxy)
        with vending_server(cloud, tmp_path, **environ) as server:
            assert server.lease()["Code"] == "Success"
    assert asked
    assert all(path.startswith("http://100.100.100.200/latest/meta-data/ram/") for path in asked)


def test_with_a_key_in_the_environment_nobody_else_is_asked(cloud: Sandbox, tmp_path: Path) -> None:
    with (
        metadata(own_key(cloud)) as (proxy, asked),
        vending_server(cloud, tmp_path, HTTP_PROXY=proxy) as server,
    ):
        assert server.lease()["Code"] == "Success"
    assert asked == []


def test_a_named_role_whose_service_is_away_stops_no_server(cloud: Sandbox, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"
    environ = nothing(
        tmp_path,
        ALIBABA_CLOUD_ECS_METADATA_DISABLED="",
        ALIBABA_CLOUD_ECS_METADATA="vend",
        HTTP_PROXY=proxy,
    )
    with vending_server(cloud, tmp_path, **environ) as server:
        assert refused(server) == (503, "UpstreamUnavailable")
