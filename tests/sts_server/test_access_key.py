"""Where our own key comes from, as an environment says it."""

from pathlib import Path

import pytest

from sts_server.access_key import AccessKey, EcsRole, KeySources, OidcRole, key_problems

RRSA = {
    "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/pod",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/ack",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/var/run/secrets/token",
}


def test_the_usual_places() -> None:
    assert KeySources.of({"HOME": "/home/vend"}) == KeySources(
        cli_file=Path("/home/vend/.aliyun/config.json"),
        sdk_file=Path("/home/vend/.alibabacloud/credentials.ini"),
        ecs=EcsRole(),
    )


def test_a_key_needs_both_its_halves() -> None:
    key = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "a", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "b"}
    assert KeySources.of(key).key == AccessKey("a", "b")
    assert KeySources.of({**key, "ALIBABA_CLOUD_SECURITY_TOKEN": "c"}).key == AccessKey(
        "a", "b", "c"
    )
    assert key_problems(key) == key_problems({}) == []
    for missing in key:
        half = {**key, missing: ""}
        assert KeySources.of(half).key is None
        assert missing in key_problems(half)[0]


def test_a_role_by_token_needs_all_three() -> None:
    assert KeySources.of(RRSA).oidc == OidcRole(
        "acs:ram::1:role/pod", "acs:ram::1:oidc-provider/ack", Path("/var/run/secrets/token")
    )
    named = KeySources.of({**RRSA, "ALIBABA_CLOUD_ROLE_SESSION_NAME": "vend"}).oidc
    assert named is not None
    assert named.session_name == "vend"
    for missing in RRSA:
        assert KeySources.of({**RRSA, missing: ""}).oidc is None


@pytest.mark.parametrize(
    ("name", "value", "sources"),
    [
        ("CLI_PROFILE_DISABLED", "true", {"cli_file": None}),
        ("ECS_METADATA_DISABLED", "True", {"ecs": None}),
        ("ECS_METADATA", "vend", {"ecs": EcsRole("vend")}),
        ("IMDSV1_DISABLED", "true", {"ecs": EcsRole(only_v2=True)}),
        ("PROFILE", "vend", {"profile": "vend"}),
        ("CREDENTIALS_FILE", "/etc/keys.ini", {"sdk_file": Path("/etc/keys.ini")}),
        ("CREDENTIALS_URI", "http://127.0.0.1:1/s", {"uri": "http://127.0.0.1:1/s"}),
    ],
)
def test_each_name_of_the_official_chain_is_read(
    name: str, value: str, sources: dict[str, object]
) -> None:
    found = KeySources.of({f"ALIBABA_CLOUD_{name}": value})
    assert {field: getattr(found, field) for field in sources} == sources


def test_what_may_hold_a_secret_is_not_shown() -> None:
    found = KeySources(key=AccessKey("a", "hidden", "hidden"), uri="http://127.0.0.1/hidden")
    assert "hidden" not in repr(found)
