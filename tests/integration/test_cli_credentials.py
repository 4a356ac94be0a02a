"""credentials: each format with the readers that it is for, where they run here."""

import configparser
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.provider import (
    CLIProfileCredentialsProvider,
    ProfileCredentialsProvider,
)

from sts_server.sandbox import Sandbox
from tests.integration.house import KEYS, Server
from tests.integration.scripts import FOLDER
from tests.integration.shell import PROGRAM, sts_client, surroundings


def external_profile(server: Server, folder: Path) -> Path:
    """Write the configuration that client/README.md shows, into a home of its own."""
    token = folder / "token"
    token.write_text(KEYS["alice"])
    words = [*PROGRAM, "--server", server.url, "--grant", "everything"]
    command = shlex.join(
        [*words, "--token-file", str(token), "credentials", "--format", "external"]
    )
    profile = {"name": "oss-sts", "mode": "External", "process_command": command}
    (folder / ".aliyun").mkdir()
    config = folder / ".aliyun" / "config.json"
    config.write_text(json.dumps({"current": "oss-sts", "profiles": [profile]}))
    return config


def test_external_in_alibabacloud_credentials(shared: Server, tmp_path: Path) -> None:
    provider = CLIProfileCredentialsProvider(profile_file=str(external_profile(shared, tmp_path)))
    found = provider.get_credentials()
    body = shared.lease(grant="everything")
    assert found.get_access_key_id() == body["AccessKeyId"]
    assert found.get_security_token() == body["SecurityToken"]
    assert found.get_provider_name() == "cli_profile/external"


def test_external_in_node(shared: Server, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("Node or its packages are missing; `make test` says how to get them")
    external_profile(shared, tmp_path)
    done = subprocess.run(
        [node, "chain.mjs"],
        cwd=FOLDER,
        env=surroundings(shared, HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = json.loads(done.stdout)["first"]
    assert found["securityToken"] == shared.lease(grant="everything")["SecurityToken"]
    assert found["providerName"] == "default/cli_profile"


def test_env_for_oss2_and_the_default_chain(shared: Server, sandbox: Sandbox) -> None:
    reader = (
        "import os, oss2\n"
        "from alibabacloud_credentials.client import Client\n"
        "from oss2.credentials import EnvironmentVariableCredentialsProvider as Of\n"
        "auth = oss2.ProviderAuthV4(Of())\n"
        f"bucket = oss2.Bucket(auth, os.environ['OSS_ENDPOINT'], {sandbox.bucket!r},"
        " region=os.environ['OSS_REGION'])\n"
        "bucket.put_object('users/alice/env', b'a')\n"
        "print(Client().get_credential().get_provider_name())\n"
    )
    script = (
        f'eval "$({shlex.join(PROGRAM)} credentials --format env)" && '
        f"exec {shlex.join([sys.executable, '-c', reader])}"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env=surroundings(shared),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "default/env\n"


def test_json_is_what_the_server_says(shared: Server) -> None:
    found = json.loads(sts_client(shared, "credentials").stdout)
    body = shared.lease(grant="everything")
    assert found == {name: body[name] for name in found}


def test_ini_is_of_the_same_lease(shared: Server) -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(sts_client(shared, "credentials", "--format", "ini").stdout)
    body = shared.lease(grant="everything")
    assert parser["Credentials"]["ststoken"] == body["SecurityToken"]


def test_no_official_reader_takes_an_sts_key_from_its_ini(tmp_path: Path) -> None:
    """So there is no format for it: `external` and exec serve them."""
    file = tmp_path / "credentials.ini"
    file.write_text(
        "[default]\ntype = sts\naccess_key_id = a\naccess_key_secret = b\nsecurity_token = c\n"
    )
    with pytest.raises(CredentialException, match="unsupported credential type"):
        ProfileCredentialsProvider(profile_file=str(file), profile_name="default").get_credentials()


def test_a_grant_that_is_not_ours(shared: Server) -> None:
    done = sts_client(shared, "credentials", grant="nothing", check=False)
    assert (done.returncode, done.stdout) == (5, "")
    assert KEYS["alice"] not in done.stderr
