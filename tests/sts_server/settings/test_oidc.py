"""`[[callers.oidc]]`: what can be configured is safe, and two logins cannot mean the same name."""

import pytest

from sts_server.config import read_tables
from sts_server.errors import ConfigError
from sts_server.settings.oidc import OidcTable
from tests.sts_server.parts import CONFIG

TABLE = """
[[callers.oidc]]
issuer = "https://login.example.com"
audience = ["https://sts.example.com"]
id_prefix = "login:"
"""
ALONE = CONFIG[: CONFIG.index("[[callers")] + CONFIG[CONFIG.index("[[grants") :]


def read(text: str) -> tuple[OidcTable, ...]:
    return read_tables(text).callers.oidc


def problem(text: str) -> str:
    with pytest.raises(ConfigError) as error:
        read_tables(text)
    (line,) = error.value.problems
    return line


def test_what_is_not_said_has_a_default() -> None:
    (login,) = read(CONFIG + TABLE)
    assert login.algorithms == ("RS256", "ES256")
    assert (login.id_claim, login.groups_claim, login.claims) == ("sub", None, ())
    assert (login.leeway, login.jwks_uri, login.jwks_file) == (30, None, None)
    assert (login.ca_file, login.bearer_file) == (None, None)


def test_tokens_alone_are_callers_enough() -> None:
    (login,) = read(ALONE + TABLE.replace('id_prefix = "login:"', ""))
    assert login.id_prefix == ""
    assert "[[callers.oidc]]" in problem(ALONE)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.example.com/",
        "https://login.example.com:8443/realms/a",
        "http://127.0.0.1:8080",
        "http://localhost:8080/a",
        "http://[::1]:8080",
    ],
)
def test_an_issuer_is_https_or_on_this_machine(issuer: str) -> None:
    (login,) = read(CONFIG + TABLE.replace("https://login.example.com", issuer))
    assert login.issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "login.example.com",
        "accounts",
        "http://login.example.com",
        "http://127.0.0.1.example.com",
        "ftp://login.example.com",
        "file:///etc/passwd",
        "https://",
        "https:///a",
        "https://a@login.example.com",
        "https://login.example.com:0",
        "https://login.example.com:99999",
        "https://[::1",
        "https://login.example.com/?a=b",
        "https://login.example.com/?",
        "https://login.example.com/#",
        "https://login.example.com/a b",
        "https://login.example.com/\\n",
        "https://lögin.example.com",
    ],
)
def test_any_other_issuer_is_refused(issuer: str) -> None:
    line = problem(CONFIG + TABLE.replace("https://login.example.com", issuer))
    assert line.startswith("callers.oidc[0].issuer: must ")


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ('issuer = "https://login.example.com"', "", ".issuer", "is missing"),
        ('audience = ["https://sts.example.com"]', "", ".audience", "is missing"),
        ('["https://sts.example.com"]', "[]", ".audience", "is empty"),
        ('["https://sts.example.com"]', '[""]', "", "an empty text"),
        ('["https://sts.example.com"]', '["a", "a"]', ".audience", "twice"),
        ('["https://sts.example.com"]', '"a"', ".audience", "a list like"),
        ('"login:"', '"login"', ".id_prefix", "at most 32"),
        ('"login:"', '"login:"\nalgorithms = ["HS256"]', ".algorithms[0]", "'RS256'"),
        ('"login:"', '"login:"\nalgorithms = ["none"]', ".algorithms[0]", "'RS256'"),
        ('"login:"', '"login:"\nalgorithms = []', ".algorithms", "is empty"),
        ('"login:"', '"login:"\nalgorithms = ["RS256", "RS256"]', ".algorithms", "twice"),
        ('"login:"', '"login:"\nleeway = 301', ".leeway", "300"),
        ('"login:"', '"login:"\nleeway = -1', ".leeway", "0"),
        ('"login:"', '"login:"\nleeway = "1"', ".leeway", "integer"),
        ('"login:"', '"login:"\nid_claim = ""', ".id_claim", "a claim like"),
        ('"login:"', '"login:"\nid_claim = "a b"', ".id_claim", "a claim like"),
        ('"login:"', '"login:"\ngroups_claim = "/"', ".groups_claim", "a claim like"),
        ('"login:"', '"login:"\nclaims = ["/a//b"]', ".claims[0]", "a claim like"),
        ('"login:"', '"login:"\nclaims = ["b", "/a/b"]', "", "same word"),
        ('"login:"', '"login:"\njwks_uri = "http://a.example/k"', ".jwks_uri", "must be https"),
        ('"login:"', '"login:"\njwks_uri = "https://a.example/k#x"', ".jwks_uri", "fragment"),
        ('"login:"', '"login:"\njwks_file = ""', ".jwks_file", "is empty"),
        ('"login:"', '"login:"\njwks_file = "a"\nca_file = "b"', "", "nothing is fetched"),
        ('"login:"', '"login:"\njwks_file = "a"\nbearer_file = "b"', "", "nothing is fetched"),
        ('"login:"', '"login:"\njwks_file = "a"\njwks_uri = "https://a.example"', "", "nothing is fetched"),
        ('"login:"', '"login:"\nrequire = { tenant = [] }', ".require.tenant", "is empty"),
        ('"login:"', '"login:"\nrequire = { tenant = "a" }', ".require.tenant", "a list like"),
        ('"login:"', '"login:"\nrequire = { "/" = ["a"] }', ".require./.[key]", "a claim like"),
        ('"login:"', '"login:"\nsecret = "x"', ".secret", "not a setting"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(old: str, new: str, place: str, what: str) -> None:
    assert old in TABLE
    line = problem(CONFIG + TABLE.replace(old, new, 1))
    assert line.startswith(f"callers.oidc[0]{place}: ")
    assert what in line


def test_a_place_may_be_an_inner_one_and_keys_may_have_a_query() -> None:
    more = """
    groups_claim = "/realm_access/roles"
    claims = ["https://a.example/team", "/kubernetes.io/namespace"]
    jwks_uri = "https://login.example.com/keys?policy=a"
    """
    (login,) = read(CONFIG + TABLE + more)
    assert login.groups_claim == "/realm_access/roles"


@pytest.mark.parametrize(
    ("prefixes", "what"),
    [
        ([""], "api_key and oidc[0] could both name the same caller"),
        (["a:", "a:"], "the id_prefix of oidc[1] begins like that of oidc[0]"),
        (["a:", "a:b:"], "the id_prefix of oidc[1] begins like that of oidc[0]"),
        (["a:b:", "a:"], "the id_prefix of oidc[0] begins like that of oidc[1]"),
        (["a:", ""], "api_key and oidc[1] could both name the same caller"),
    ],
)
def test_two_logins_never_share_names(prefixes: list[str], what: str) -> None:
    tables = "".join(
        TABLE.replace("login.", f"login{number}.").replace("login:", prefix)
        for number, prefix in enumerate(prefixes)
    )
    line = problem(CONFIG + tables)
    assert line.startswith(f"callers: {what}")


def test_two_issuers_need_two_names_where_nobody_else_is() -> None:
    bare = TABLE.replace("login:", "")
    other = bare.replace("login.", "other.")
    assert "oidc[0] and oidc[1] could both name" in problem(ALONE + bare + other)
    assert len(read(ALONE + bare + TABLE.replace("login.", "other."))) == 2


def test_a_key_may_not_be_named_like_a_tokens_caller() -> None:
    text = CONFIG.replace('id = "alice"', 'id = "login:alice"') + TABLE
    assert "begins like those of oidc[0]" in problem(text)


def test_keys_may_be_the_ones_that_carry_a_prefix() -> None:
    bare = TABLE.replace("login:", "")
    text = CONFIG.replace('id = "alice"', 'id = "login:alice"')
    (login,) = read(f'[callers]\napi_key_id_prefix = "key:"\n{text}{bare}')
    assert login.id_prefix == ""


def test_one_issuer_has_one_table() -> None:
    twin = TABLE.replace("login:", "other:")
    assert "same issuer" in problem(CONFIG + TABLE + twin)
