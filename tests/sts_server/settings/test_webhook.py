"""`[callers.webhook]`: tokens go to one place only, and no name is another login's."""

import pytest
from starlette.applications import Starlette

from sts_server.config import parse
from sts_server.errors import ConfigError
from sts_server.serving import server_config
from sts_server.settings.sts import StsTable
from sts_server.settings.table import Table
from sts_server.settings.webhook import WebhookTable
from tests.sts_server.parts import CONFIG, ENVIRON, read

USUAL = {"url": '"https://login.example.com/token"', "id_prefix": '"login:"'}


def config(**settings: str | None) -> str:
    told = {name: value for name, value in {**USUAL, **settings}.items() if value is not None}
    lines = [f"{name} = {value}" for name, value in told.items()]
    return "\n".join([CONFIG, "[callers.webhook]", *lines])


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        parse(text, ENVIRON)
    return error.value.problems


def table(**settings: str | None) -> WebhookTable:
    told = read(config(**settings)).tables.callers.webhook
    assert told is not None
    return told


def test_what_is_not_said_has_a_default() -> None:
    told = table()
    assert (told.send_as, told.timeout, told.max_calls, told.remember) == ("form", 3, 16, 60)
    assert (told.claims, told.groups_claim, told.auth_file, told.ca_file) == ((), None, None, None)


@pytest.mark.parametrize(
    "url",
    ["https://login.example.com", "https://login.example.com:8443/a/b-c_d.e~/%20", "http://127.0.0.1:9/", "http://localhost/x", "http://[::1]:80/x"],
)  # fmt: skip
def test_an_address_may_have_a_path(url: str) -> None:
    assert table(url=f'"{url}"').url == url


@pytest.mark.parametrize(
    ("settings", "place", "what"),
    [
        ({"url": None}, "url", "is missing"),
        *[
            ({"url": f'"{url}"'}, "url", "must be an address like")
            for url in (
                "", "login.example.com", "ftp://login.example.com/", "https://", "https:///token",
                "https://login.example.com/token?key=1", "https://login.example.com/#a", "https://login.example.com?a",
                "https://user:word@login.example.com/", "https://a b/", "https://a/ b", "https://[::1/", "https://a:99999/",
                "https://a:b/", "https://login.example.com\\\\@evil.example/",
            )
        ],
        ({"url": '"http://login.example.com/token"'}, "url", "must be https"),
        ({"url": '"http://10.0.0.1/token"'}, "url", "must be https"),
        ({"url": '"http://127.0.0.1.example.com/"'}, "url", "must be https"),
        ({"token": '"a-secret"'}, "token", "not a setting"),
        ({"auth_file": '""'}, "auth_file", "is empty"),
        ({"send_as": '"json"'}, "send_as", "'form' or 'query'"),
        ({"timeout": "0"}, "timeout", "greater than"),
        ({"timeout": "5.1"}, "timeout", "less than"),
        ({"timeout": "nan"}, "timeout", "less than"),
        ({"timeout": "true"}, "timeout", "number"),
        ({"timeout": '"3"'}, "timeout", "number"),
        ({"max_calls": "0"}, "max_calls", "greater than"),
        ({"remember": "901"}, "remember", "less than"),
        ({"remember": "-1"}, "remember", "greater than"),
        ({"claims": '["team", "team"]'}, "claims", "twice"),
        ({"groups_claim": '""'}, "groups_claim", "is empty"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(
    settings: dict[str, str | None], place: str, what: str
) -> None:
    found = problems(config(**settings))
    assert any(line.startswith(f"callers.webhook.{place}: ") and what in line for line in found), (
        found
    )
    assert "secret" not in "".join(found)
    assert "word" not in "".join(found)


def test_a_webhook_and_sts_at_their_slowest_fit_into_the_end_of_the_server() -> None:
    def longest(table: type[Table], name: str) -> float:
        return float(table.model_json_schema()["properties"][name]["maximum"])

    grace = server_config(Starlette()).timeout_graceful_shutdown
    assert grace is not None
    assert longest(WebhookTable, "timeout") + longest(StsTable, "deadline") <= grace


def test_two_logins_share_no_names() -> None:
    assert "api_key and webhook could both name" in problems(config(id_prefix=None))[0]
    proxy = '[callers.forwarded]\nnetworks = ["::1"]\nsecret_file = "s"\nid_prefix = '
    assert "webhook begins like that of forwarded" in problems(config() + f'\n{proxy}"login:"')[0]
    assert read(config() + f'\n{proxy}"proxy:"').tables.callers.forwarded is not None
