"""`[callers.forwarded]`: what is believed is said exactly, and no name is another login's."""

import pytest

from sts_server.config import parse
from sts_server.errors import ConfigError
from sts_server.settings.forwarded import ForwardedTable
from tests.sts_server.parts import CONFIG, ENVIRON, read

USUAL = {
    "networks": '["10.0.0.5"]',
    "secret_file": '"/run/secret"',
    "id_prefix": '"proxy:"',
}


def config(**settings: str | None) -> str:
    told = {name: value for name, value in {**USUAL, **settings}.items() if value is not None}
    lines = [f"{name} = {value}" for name, value in told.items()]
    # Wider than any network here, so that none is refused for being counted as one caller.
    server = '[server]\nproxies = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1", "fd00::/8", "2001:db8::/32"]'
    return "\n".join([server, CONFIG, "[callers.forwarded]", *lines])


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        parse(text, ENVIRON)
    return error.value.problems


def table(**settings: str | None) -> ForwardedTable:
    told = read(config(**settings)).tables.callers.forwarded
    assert told is not None
    return told


def test_what_is_not_said_has_a_default() -> None:
    told = table()
    assert told.headers == ("X-Forwarded-User", "X-Forwarded-Secret")
    assert told.claims == {}


@pytest.mark.parametrize(
    "network", ["10.0.0.0/8", "192.168.1.1", "127.0.0.1/32", "::1", "fd00::/8", "2001:db8::/32"]
)
def test_a_network_is_the_proxys(network: str) -> None:
    assert table(networks=f'["{network}"]').networks == (network,)


@pytest.mark.parametrize(
    ("settings", "place", "what"),
    [
        ({"networks": None}, "networks", "is missing"),
        ({"networks": "[]"}, "networks", "is empty"),
        ({"networks": '["0.0.0.0/0"]'}, "networks[0]", "wider than the network of any proxy"),
        ({"networks": '["::1", "::/0"]'}, "networks[1]", "wider"),
        ({"networks": '["0.0.0.0/1", "128.0.0.0/1"]'}, "networks[0]", "wider"),
        ({"networks": '["::ffff:0:0/96"]'}, "networks[0]", "IPv4 network written as IPv6"),
        ({"networks": '["10.0.0.5/8"]'}, "networks[0]", "a network like"),
        ({"networks": '["proxy.example"]'}, "networks[0]", "a network like"),
        ({"networks": '[""]'}, "networks[0]", "a network like"),
        ({"networks": "[10]"}, "networks[0]", "string"),
        ({"secret_file": None}, "secret_file", "is missing"),
        ({"secret_file": '""'}, "secret_file", "is empty"),
        ({"secret": '"0123456789012345678901234567890123"'}, "secret", "not a setting"),
        ({"id_header": '"X_User"'}, "id_header", "letters, digits or -"),
        ({"id_header": '"X-User:"'}, "id_header", "letters, digits or -"),
        ({"id_header": '""'}, "id_header", "letters, digits or -"),
        ({"id_header": '"Authorization"'}, "id_header", "meaning of its own"),
        ({"id_header": '"x-forwarded-for"'}, "id_header", "meaning of its own"),
        ({"secret_header": '"Cookie"'}, "secret_header", "meaning of its own"),
        ({"secret_header": '"X-FORWARDED-USER"'}, "", "two things"),
        ({"groups_header": '"x-forwarded-user"'}, "", "two things"),
        ({"claims": '{ team = "X-Forwarded-Secret" }'}, "", "two things"),
        ({"claims": '{ team = "X-A", site = "x-a" }'}, "", "two things"),
        ({"claims": '{ team = "Host" }'}, "claims.team", "meaning of its own"),
        ({"claims": '{ "" = "X-Team" }'}, "claims.", "is empty"),
        ({"id_prefix": '"proxy"'}, "id_prefix", "end in one of"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(
    settings: dict[str, str | None], place: str, what: str
) -> None:
    found = problems(config(**settings))
    where = f"callers.forwarded.{place}".removesuffix(".") if place else "callers.forwarded"
    assert any(line.startswith(where) and what in line for line in found), found
    assert "0123456789" not in "".join(found)


def test_two_logins_share_no_names() -> None:
    assert "api_key and forwarded could both name" in problems(config(id_prefix=None))[0]
    text = config().replace('id = "alice"', 'id = "proxy:alice"')
    assert "begins like those of forwarded" in problems(text)[0]
    bare = config(id_prefix=None).replace("[[", '[callers]\napi_key_id_prefix = "key:"\n[[', 1)
    assert read(bare).tables.callers.api_key_id_prefix == "key:"


def test_the_proxy_may_be_the_only_login() -> None:
    text = config(id_prefix=None)
    start, end = text.index("[[callers.api_key"), text.index("[[grants")
    assert read(text[:start] + text[end:]).tables.callers.api_key == ()
