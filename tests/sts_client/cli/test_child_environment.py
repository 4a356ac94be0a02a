"""The environment of a child: what would win over the URI is gone, all else is as it was."""

import pytest

from sts_client.cli.child import environment

URI = "http://127.0.0.1:1/secret"


@pytest.mark.parametrize(
    "name",
    [
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_PROFILE",
        "ALIBABA_CLOUD_ROLE_ARN",
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
        "ALIBABA_CLOUD_ECS_METADATA",
        "ALIBABACLOUD_ACCESS_KEY_ID",
        "ALICLOUD_ACCESS_KEY",
        "ALIYUN_ACCESS_KEY_ID",
        "OSS_ACCESS_KEY_ID",
        "OSS_SESSION_TOKEN",
        "OSS_STS_TOKEN",
        "OSS_STS_SERVER",
        "oss_sts_token",
        "HTTP_PROXY",
        "http_proxy",
    ],
)
def test_what_is_taken_away(name: str) -> None:
    assert name not in environment({name: "x"}, URI)


def test_what_stays() -> None:
    kept = {"HOME": "/home/a", "PATH": "/bin", "HTTPS_PROXY": "http://p", "MY_OSS_KEY": "x"}
    assert kept.items() <= environment(kept, URI).items()


def test_what_is_said_instead() -> None:
    found = environment({"ALIBABA_CLOUD_CREDENTIALS_URI": "http://old"}, URI)
    assert {name: value for name, value in found.items() if name.startswith("ALIBABA")} == {
        "ALIBABA_CLOUD_CREDENTIALS_URI": URI,
        "ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true",
        "ALIBABA_CLOUD_CREDENTIALS_FILE": "/dev/null",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "ALIBABA_CLOUD_IMDSV1_DISABLED": "true",
    }


def test_this_machine_is_asked_without_a_proxy() -> None:
    found = environment({"no_proxy": "example.com"}, URI)
    assert (found["no_proxy"], found["NO_PROXY"]) == ("example.com,127.0.0.1", "127.0.0.1")
