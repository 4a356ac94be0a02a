"""The same over HTTPS: real host names behind a resolver rule, and nobody who does not trust it."""

import json
import os
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import alibabacloud_oss_v2 as oss
import oss2
import pytest
import requests
from alibabacloud_oss_v2.transport import RequestsHttpClient
from alibabacloud_sts20150401 import models
from alibabacloud_sts20150401.client import Client
from alibabacloud_tea_openapi.models import Config

from sts_server.sandbox import Sandbox, StartError


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("tls")
    folder.chmod(0o755)
    with Sandbox(tls_port=0, domain="oss.test", data=folder) as running:
        yield running


def get(sandbox: Sandbox, host: str) -> str:
    """Ask the sandbox as if a resolver had led here from a host; give the head of the answer."""
    context = ssl.create_default_context(cafile=sandbox.ca_file)
    port = int(sandbox.tls_endpoint.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        secured.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        with secured.makefile("rb") as answer:
            return answer.read().decode()


@pytest.mark.parametrize(
    "host",
    [
        "examplebucket.oss-cn-hangzhou.aliyuncs.com",
        "other.oss-cn-hangzhou-internal.aliyuncs.com",
        "sts.aliyuncs.com",
        "sts.cn-hangzhou.aliyuncs.com",
        "examplebucket.localhost",
        "examplebucket.oss.test",
        "localhost",
    ],
)
def test_the_certificate_is_good_for(secure: Sandbox, host: str) -> None:
    expected = "x-acs-request-id" if host.startswith("sts.") else "x-oss-request-id"
    assert expected in get(secure, host)


def test_a_host_that_it_is_not_good_for(secure: Sandbox) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        get(secure, "files.example.com")


def test_who_does_not_know_the_authority_does_not_trust_it(secure: Sandbox) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(secure.tls_endpoint, timeout=10)
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(secure.tls_endpoint, timeout=10)


def test_the_sdks(secure: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", secure.ca_file)
    auth = oss2.AuthV4(secure.access_key_id, secure.access_key_secret)
    session = oss2.Session()
    bucket = oss2.Bucket(
        auth, secure.tls_endpoint, secure.bucket, region=secure.region, session=session
    )
    bucket.put_object("a", b"over tls")
    session.session.close()
    config = oss.config.load_default()
    config.region, config.endpoint = secure.region, secure.tls_endpoint
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(
        secure.access_key_id, secure.access_key_secret
    )
    with RequestsHttpClient(verify=secure.ca_file) as config.http_client:
        got = oss.Client(config).get_object(oss.GetObjectRequest(bucket=secure.bucket, key="a"))
        assert got.body.content == b"over tls"


def test_no_key_is_written(secure: Sandbox) -> None:
    file = Path(secure.ca_file)
    assert file.name == "ca.pem"
    assert "PRIVATE" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o644
    assert not list(file.parent.glob("*.new"))


@pytest.mark.parametrize("loose", ["folder", "file"])
def test_a_place_that_others_can_write(tmp_path: Path, loose: str) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "ca.pem").write_text("")
    (tmp_path / "ca.pem").chmod(0o644)
    which = tmp_path if loose == "folder" else tmp_path / "ca.pem"
    os.chmod(which, which.stat().st_mode | 0o020)  # noqa: PTH101 - a mode that is loose on purpose
    with (
        pytest.raises(StartError, match="can be written by others"),
        Sandbox(tls_port=0, data=tmp_path),
    ):
        pass


def test_without_it_there_is_none(sandbox: Sandbox) -> None:
    assert (sandbox.tls_endpoint, sandbox.ca_file) == ("", "")


def test_policies_see_whether_a_request_was_secure(
    secure: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease itself comes over HTTPS too, from alibabacloud-sts20150401."""
    statement = {
        "Effect": "Allow",
        "Action": ["oss:PutObject"],
        "Resource": [f"acs:oss:*:*:{secure.bucket}/*"],
        "Condition": {"Bool": {"acs:SecureTransport": ["true"]}},
    }
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", secure.ca_file)
    config = Config(
        access_key_id=secure.access_key_id,
        access_key_secret=secure.access_key_secret,
        endpoint=secure.tls_endpoint.removeprefix("https://"),
        ca=secure.ca_file,
    )
    wish = models.AssumeRoleRequest(
        role_arn=secure.role_arn,
        role_session_name="alice",
        policy=json.dumps({"Version": "1", "Statement": [statement]}),
    )
    lease = Client(config).assume_role(wish).body.credentials
    auth = oss2.StsAuth(lease.access_key_id, lease.access_key_secret, lease.security_token)
    session = oss2.Session()
    for endpoint in (secure.tls_endpoint, secure.endpoint):
        bucket = oss2.Bucket(auth, endpoint, secure.bucket, session=session)
        if endpoint == secure.tls_endpoint:
            assert bucket.put_object("b", b"b").status == 200
            continue
        with pytest.raises(oss2.exceptions.AccessDenied):
            bucket.put_object("b", b"b")
    session.session.close()
