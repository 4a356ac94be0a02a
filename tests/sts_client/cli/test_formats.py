"""Credentials as others read them: each format by its grammar, values that try to get out."""

import configparser
import json
import re
import subprocess
from dataclasses import replace

import pytest

from sts_client import Credentials
from sts_client.cli.formats import FORMATS, as_env, as_ini, as_rclone, moment
from sts_client.errors import UsageError
from tests.sts_client.cli.house import Run, cloud, status
from tests.sts_client.stage import LEASE, SECRET, TOKEN

NASTY = "a'b\"c$(touch /tmp/x)`id`;#%(x)s\\"


def test_json_is_what_a_uri_answers() -> None:
    assert json.loads(FORMATS["json"](LEASE, "")) == {
        "Code": "Success",
        "AccessKeyId": "STS.NTExampleAccessKeyId",
        "AccessKeySecret": SECRET,
        "SecurityToken": TOKEN,
        "Expiration": "2025-12-01T09:30:00Z",
        "LastUpdated": "2025-12-01T08:30:00Z",
    }


def test_external_is_what_a_process_command_says() -> None:
    assert json.loads(FORMATS["external"](LEASE, "")) == {
        "mode": "StsToken",
        "access_key_id": "STS.NTExampleAccessKeyId",
        "access_key_secret": SECRET,
        "sts_token": TOKEN,
        "expiration": "2025-12-01T09:30:00Z",
    }


@pytest.mark.parametrize("value", [NASTY, TOKEN])
def test_env_is_evaluated_to_what_it_says(value: str) -> None:
    lease = replace(LEASE, credentials=Credentials("STS.1", value, value))
    script = f"{as_env(lease)}\nenv -0"
    told = subprocess.run(["/bin/sh", "-c", script], env={}, capture_output=True, check=True)
    assert told.stderr == b""
    found = dict(line.split("=", 1) for line in told.stdout.decode().split("\0") if "=" in line)
    for name in ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"):
        assert found[name] == value
    for name in ("OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"):
        assert found[name] == value
    assert found["OSS_REGION"] == "cn-hangzhou"


def test_ini_is_a_section_of_ossutil() -> None:
    for profile, section in (("", "Credentials"), ("work", "work")):
        parser = configparser.RawConfigParser()
        parser.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser says
        parser.read_string(as_ini(LEASE, profile))
        assert parser.sections() == [section]
        assert dict(parser[section]) == {
            "language": "EN",
            "endpoint": LEASE.endpoint,
            "region": "cn-hangzhou",
            "accessKeyID": "STS.NTExampleAccessKeyId",
            "accessKeySecret": SECRET,
            "stsToken": TOKEN,
        }


def test_rclone_is_a_remote() -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(as_rclone(replace(LEASE, endpoint="https://oss-cn-x.aliyuncs.com"), ""))
    assert parser["oss"]["endpoint"] == "oss-cn-x.aliyuncs.com"
    assert (parser["oss"]["type"], parser["oss"]["provider"]) == ("s3", "Alibaba")
    assert parser["oss"]["session_token"] == TOKEN


@pytest.mark.parametrize("name", ["a]\n[b", "a b", "ä", "]"])
def test_a_profile_is_a_name(name: str) -> None:
    for write in (as_ini, as_rclone):
        with pytest.raises(UsageError):
            write(LEASE, name)


def test_times_have_no_fractions() -> None:
    assert moment(1_764_577_800.9) == "2025-12-01T08:30:00Z"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_secret_on_a_terminal_unless_it_is_meant(name: str) -> None:
    with cloud(status(200)) as (url, asked):
        run = Run(url, "credentials", "--format", name, tty=True)
        assert (run.code, run.out) == (2, b"")
        assert "--show" in run.err
        shown = Run(url, "credentials", "--format", name, "--show", tty=True, secrets=False)
        assert SECRET in shown.out.decode()
        piped = Run(url, "credentials", "--format", name, secrets=False)
        assert re.search(re.escape(SECRET), piped.out.decode())
    assert asked == []
