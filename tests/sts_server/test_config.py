"""Configurations: good ones become settings, bad ones are named, all mistakes at once."""

import pytest

from sts_server.access_key import AccessKey
from sts_server.config import parse
from sts_server.errors import ConfigError
from sts_server.scope import Grant
from tests.sts_server.parts import CONFIG, ENVIRON, OWN_SECRET, read


def problems(text: str, environ: dict[str, str] = ENVIRON) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        parse(text, environ)
    return error.value.problems


def changed(old: str, new: str) -> str:
    assert old in CONFIG
    return CONFIG.replace(old, new, 1)


def test_what_is_not_said_has_a_default() -> None:
    settings = read()
    tables = settings.tables
    assert (tables.server.listen, tables.server.audit) == ("127.0.0.1:8000", "stderr")
    assert tables.oss.endpoint == "https://oss-cn-hangzhou.aliyuncs.com"
    assert tables.oss.style == "virtual"
    assert tables.sts.max_calls == 8
    assert tables.sts.endpoint is None
    assert tables.grants[0].grant == Grant(
        "uploads", "users/{caller}/", ("get", "put", "list"), frozenset({"*"}), frozenset(), 3600
    )
    assert settings.sts_endpoint == "https://sts.cn-hangzhou.aliyuncs.com"


@pytest.mark.parametrize("listen", ["[::1]:0", "0.0.0.0:80", "127.0.0.1:65535"])
def test_it_listens_where_it_is_told(listen: str) -> None:
    assert read(f'[server]\nlisten = "{listen}"\n{CONFIG}').tables.server.listen == listen


@pytest.mark.parametrize("listen", ["off", "[::1]:0", "0.0.0.0:9464", "127.0.0.1:0"])
def test_metrics_are_where_they_are_told_to_be(listen: str) -> None:
    text = f'[server]\nlisten = "127.0.0.1:0"\nmetrics_listen = "{listen}"\n{CONFIG}'
    assert read(text).tables.server.metrics_listen == listen


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "https://app.example.com:8443",
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "http://[::1]:3000",
        "https://xn--bcher-kva.example",
    ],
)
def test_a_page_is_named_as_browsers_do(origin: str) -> None:
    server = read(f'[server]\nallow_origins = ["{origin}"]\n{CONFIG}').tables.server
    assert server.allow_origins == (origin,)


def test_insecure_dev_is_for_a_file_that_names_nobody() -> None:
    nobody = CONFIG[: CONFIG.index("[[callers")] + CONFIG[CONFIG.index("[[grants") :]
    assert parse(nobody, ENVIRON, insecure_dev=True).insecure_dev
    assert not read().insecure_dev
    with pytest.raises(ConfigError, match="leave one of the two out"):
        parse(CONFIG, ENVIRON, insecure_dev=True)


@pytest.mark.parametrize(
    ("lines", "endpoint", "style"),
    [
        ('endpoint = "http://127.0.0.1:9000"', "http://127.0.0.1:9000", "path"),
        ('endpoint = "http://localhost:9000"', "http://localhost:9000", "path"),
        (
            'endpoint = "https://cdn.example.com"\nstyle = "cname"',
            "https://cdn.example.com",
            "cname",
        ),
        ('endpoint = "https://oss.example.com"', "https://oss.example.com", "virtual"),
    ],
)
def test_endpoint_and_style_follow_from_each_other(lines: str, endpoint: str, style: str) -> None:
    oss = read(changed('region = "cn-hangzhou"', f'region = "cn-hangzhou"\n{lines}')).tables.oss
    assert (oss.endpoint, oss.style) == (endpoint, style)


def test_a_page_and_a_bucket_at_an_address_do_not_go_together() -> None:
    page = '[server]\npage = true\npage_sdk = "https://a.example/x.js"\n'
    (line,) = problems(page + changed("[sts]", 'endpoint = "http://127.0.0.1:9000"\n[sts]'))
    assert "give oss.endpoint a name" in line
    read(page + changed("[sts]", 'endpoint = "http://localhost:9000"\n[sts]'))
    read(changed("[sts]", 'endpoint = "http://127.0.0.1:9000"\n[sts]'))


def test_our_own_key_comes_from_the_environment_and_is_not_shown() -> None:
    token, bundle = "OwnSessionToken", "/etc/ca.pem"
    settings = read(
        environ={**ENVIRON, "ALIBABA_CLOUD_SECURITY_TOKEN": token, "REQUESTS_CA_BUNDLE": bundle}
    )
    assert settings.key_sources.key == AccessKey("LTAIexample", OWN_SECRET, token)
    assert settings.ca_bundle == bundle
    assert OWN_SECRET not in repr(settings)
    assert token not in repr(settings)


def test_half_a_key_is_a_mistake() -> None:
    for name, other in (ENVIRON, reversed(ENVIRON)):
        (line,) = problems(CONFIG, {name: "x", other: ""})
        assert line == f"environment: {other} is not set, but {name} is: a key has both"


def test_without_a_key_in_the_environment_it_is_somewhere_else() -> None:
    assert read(environ={}).key_sources.key is None


IN_VPC = {**ENVIRON, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": "True"}


@pytest.mark.parametrize(
    ("lines", "environ", "endpoint"),
    [
        ("", ENVIRON, "https://sts.cn-hangzhou.aliyuncs.com"),
        ("vpc = true", ENVIRON, "https://sts-vpc.cn-hangzhou.aliyuncs.com"),
        ("", IN_VPC, "https://sts-vpc.cn-hangzhou.aliyuncs.com"),
        ("vpc = false", IN_VPC, "https://sts.cn-hangzhou.aliyuncs.com"),
        ('region = "cn-beijing"', IN_VPC, "https://sts-vpc.cn-beijing.aliyuncs.com"),
        ('endpoint = "https://sts.example.com"', IN_VPC, "https://sts.example.com"),
    ],
)
def test_sts_is_the_regions_inside_the_vpc_or_where_it_is_said(
    lines: str, environ: dict[str, str], endpoint: str
) -> None:
    assert read(changed("[sts]", f"[sts]\n{lines}"), environ).sts_endpoint == endpoint


def test_the_whole_bucket_has_to_be_said() -> None:
    whole = read(changed('prefix = "staff/"', "whole_bucket = true")).tables.grants[1]
    assert whole.grant.prefix == ""


def test_claims_and_the_end_of_a_token_become_a_grant() -> None:
    who = (
        'who = { groups = ["boss"], claims = { team = ["a", "b"], "https://a.example/r" = ["x"] } }'
    )
    text = changed('who = { groups = ["staff"] }', f"{who}\nend_with_token = true")
    (_, table) = read(text).tables.grants
    assert table.grant.claims == {"team": {"a", "b"}, "https://a.example/r": {"x"}}
    assert table.grant.end_with_token
    assert str(table.who) == "group boss or claim team=a|b and claim https://a.example/r=x"


def test_three_mistakes_are_three_lines_with_their_places() -> None:
    text = (
        CONFIG.replace('"examplebucket"', '"Example_Bucket"')
        .replace('"users/{caller}/"', '"users/*/"')
        .replace("[sts]", "[sts]\ncolour = 1")
    )
    found = problems(text)
    assert len(found) == 3
    assert [line.split(":")[0] for line in found] == [
        "oss.bucket",
        "sts.colour",
        "grants[0].prefix (uploads)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ('"examplebucket"', '"a"', "oss.bucket", "3-63"),
        ('"examplebucket"', "7", "oss.bucket", "string"),
        ('"cn-hangzhou"', '"oss-cn-hangzhou"', "oss.region", "without oss-"),
        ('"cn-hangzhou"', '"CN"', "oss.region", "region like"),
        ("[sts]", 'endpoint = "ftp://a.example"\n[sts]', "oss.endpoint", "must be https"),
        ("[sts]", 'endpoint = "http://a.example"\n[sts]', "oss.endpoint", "must be https"),
        ("[sts]", 'endpoint = "https://a.example/x"\n[sts]', "oss.endpoint", "without a path"),
        ("[sts]", 'endpoint = "https://u:p@a.example"\n[sts]', "oss.endpoint", "an address like"),
        ("[sts]", 'endpoint = "https://[::1"\n[sts]', "oss.endpoint", "an address like"),
        ("[oss]", "[server]\npage = true\n[oss]", "server", "page needs page_sdk"),
        ("[oss]", '[server]\npage_sdk = "https://a.example/x.js"\n[oss]', "server", "say page = true"),
        ("[oss]", '[server]\npage = ""\n[oss]', "server.page", "true, false, or the path"),
        ("[oss]", "[server]\npage = 1\n[oss]", "server.page", "true, false, or the path"),
        *(
            ("[oss]", f'[server]\npage = true\npage_sdk = "{sdk}"\n[oss]', "server.page_sdk", what)
            for sdk, what in (
                ("http://a.example/x.js", "must be https"),
                ("https://a.example", "whole address of a script"),
                ("https://a.example/", "whole address of a script"),
                ("https://a.example/x/", "whole address of a script"),
                ("https://[::1]/x.js", "whole address of a script"),
                ("https://a.example/x.js; script-src *", "an address like"),
                ("https://a.example/x.js?a", "an address like"),
                ("https://u@a.example/x.js", "an address like"),
                ("https://a.example/'unsafe-inline'", "an address like"),
                ("data:text/javascript,x", "an address like"),
            )
        ),
        ("[oss]", '[server]\npage = true\npage_sdk_integrity = "md5-AAAA"\n[oss]', "server.page_sdk_integrity", "a digest like"),
        ("[sts]", 'style = "dns"\n[sts]', "oss.style", "'virtual', 'path' or 'cname'"),
        ("acs:ram::1234567890123456:role/oss-vend", "oss-vend", "sts.role_arn", "a role like"),
        ("[sts]", "[sts]\nmax_calls = 0", "sts.max_calls", "greater than"),
        ("[sts]", "[sts]\nmax_calls = true", "sts.max_calls", "integer"),
        ("[sts]", '[sts]\nexternal_id = "a b"', "sts.external_id", "2-1224"),
        ("[sts]", "[sts]\ncalls_per_minute = 59", "sts.calls_per_minute", "greater than"),
        ("[sts]", "[sts]\nqueue = -1", "sts.queue", "greater than"),
        ("[sts]", "[sts]\ndeadline = 13", "sts.deadline", "less than"),
        ("[sts]", "[sts]\nread_timeout = 7", "sts", "deadline is less than"),
        ("[sts]", "[sts]\nconnect_timeout = 4\ndeadline = 3", "sts", "deadline is less than"),
        ("[sts]", '[sts]\nvpc = "yes"', "sts.vpc", "true or false"),
        ("[sts]", '[sts]\nregion = "Hangzhou"', "sts.region", "region like"),
        ("[sts]", '[sts]\nvpc = true\nendpoint = "https://a.example"', "sts", "leave out vpc"),
        ("[sts]", '[sts]\nregion = "cn-beijing"\nendpoint = "https://a.example"', "sts", "leave out vpc"),
        ('"alice"', '"a/../b"', "callers.api_key[0].id (a/../b)", "1-64"),
        ('"alice"', '"bob"', "callers", "same id"),
        ("[oss]", '[server]\nlisten = "8000"\n[oss]', "server.listen", "an address and a port"),
        ("[oss]", '[server]\nmetrics_listen = "9464"\n[oss]', "server.metrics_listen", 'or "off"'),
        ("[oss]", '[server]\nmetrics_listen = "127.0.0.1:8000"\n[oss]', "server", "another port"),
        ("[oss]", "[server]\nprobe_seconds = 0\n[oss]", "server.probe_seconds", "greater than"),
        ("[oss]", '[server]\nlog_format = "xml"\n[oss]', "server.log_format", "'text' or 'json'"),
        ("[oss]", '[server]\nlog_level = "debug"\n[oss]', "server.log_level", "'error'"),
        ("[oss]", '[server]\nlisten = "a.example:1"\n[oss]', "server.listen", "an address and a port"),
        ("[oss]", '[server]\nlisten = "127.0.0.1:70000"\n[oss]', "server.listen", "a port"),
        ("[oss]", '[server]\naudit = ""\n[oss]', "server.audit", "is empty"),
        ("[oss]", '[server]\nallow_origins = ["*"]\n[oss]', "server.allow_origins[0]", "everybody's"),
        ("[oss]", '[server]\nallow_origins = ["null"]\n[oss]', "server.allow_origins[0]", "everybody's"),
        ("[oss]", '[server]\nallow_origins = ["http://a.example"]\n[oss]', "server.allow_origins[0]", "must be https"),
        ("[oss]", '[server]\nallow_origins = ["https://a.example/"]\n[oss]', "server.allow_origins[0]", "without a path"),
        ("[oss]", '[server]\nallow_origins = ["https://a.example:443"]\n[oss]', "server.allow_origins[0]", "leave out"),
        ("[oss]", '[server]\nallow_origins = ["http://localhost:80"]\n[oss]', "server.allow_origins[0]", "leave out"),
        ("[oss]", '[server]\nallow_origins = ["https://A.example"]\n[oss]', "server.allow_origins[0]", "lower case"),
        ("[oss]", '[server]\nallow_origins = ["https://*.example"]\n[oss]', "server.allow_origins[0]", "lower case"),
        ("[oss]", '[server]\nallow_origins = ["https://bücher.example"]\n[oss]', "server.allow_origins[0]", "ASCII"),
        ("[oss]", '[server]\nroot_path = "sts"\n[oss]', "server.root_path", 'like "/sts"'),
        ("[oss]", '[server]\nroot_path = "/sts/"\n[oss]', "server.root_path", 'like "/sts"'),
        ("[oss]", '[server]\nroot_path = "/a/../b"\n[oss]', "server.root_path", 'like "/sts"'),
        ("[oss]", '[server]\nproxies = ["10.0.0.1/8"]\n[oss]', "server.proxies[0]", "a network like"),
        ("[oss]", '[server]\nproxies = ["0.0.0.0/0"]\n[oss]', "server.proxies[0]", "wider than"),
        ("[oss]", "[server]\nrequests_per_address = -1\n[oss]", "server.requests_per_address", "greater than"),
        ("[oss]", "[server]\nrequests_per_caller = 1.5\n[oss]", "server.requests_per_caller", "integer"),
        ("[oss]", "[server]\nmax_connections = 9\n[oss]", "server.max_connections", "greater than"),
        ('"users/{caller}/"', '""', "grants[0].prefix (uploads)", "whole_bucket = true"),
        ('"users/{caller}/"', '"users/{name}/"', "grants[0].prefix (uploads)", "placeholder"),
        ('"users/{caller}/"', '"users/{caller}"', "grants[0] (uploads)", "cannot be listed"),
        ('prefix = "users/{caller}/"', "", "grants[0] (uploads)", "prefix is missing"),
        ('prefix = "staff/"', 'prefix = "staff/"\nwhole_bucket = true', "grants[1] (staff-only)", "both"),
        ('prefix = "staff/"', 'prefix = "staff/"\nwhole_bucket = "yes"', "grants[1].whole_bucket (staff-only)", "true or false"),
        ('"users/{caller}/"', '"users/{caller}{claim.x}/"', "grants[0].prefix (uploads)", "two placeholders"),
        ('groups = ["staff"] }', "claims = {} }", "grants[1].who (staff-only)", "names nobody"),
        ('groups = ["staff"] }', "claims = { team = [] } }", "grants[1].who.claims.team (staff-only)", "is empty"),
        ('groups = ["staff"] }', 'claims = { team = ["*"] } }', "grants[1].who.claims.team (staff-only)", "name the values"),
        ('groups = ["staff"] }', 'claims = { team = ["a", "a"] } }', "grants[1].who.claims.team (staff-only)", "twice"),
        ('groups = ["staff"] }', 'claims = { team = "a" } }', "grants[1].who.claims.team (staff-only)", 'a list like ["a"]'),
        ('groups = ["staff"] }', 'claims = { "a b" = ["a"] } }', "grants[1].who.claims.a b.[key] (staff-only)", "a claim's name"),
        ('groups = ["staff"] }', 'groups = ["*"] }', "grants[1].who.groups (staff-only)", "name the values"),
        ('callers = ["*"]', 'callers = ["*"], claims = { team = ["a"] }', "grants[0].who (uploads)", "everybody already"),
        ('callers = ["*"]', 'callers = ["*", "alice"]', "grants[0].who (uploads)", "everybody already"),
        ('["get", "put", "list"]', "[]", "grants[0].actions (uploads)", "is empty"),
        ('["get", "put", "list"]', '["get", "get"]', "grants[0].actions (uploads)", "twice"),
        ('["get", "put", "list"]', '["get", "puut"]', "grants[0].actions[1] (uploads)", "'get', 'put'"),
        ('who = { callers = ["*"] }', "", "grants[0].who (uploads)", "is missing"),
        ('who = { callers = ["*"] }', "who = {}", "grants[0].who (uploads)", "names nobody"),
        ('who = { callers = ["*"] }', 'who = { users = ["a"] }', "grants[0].who.users (uploads)", "not a setting"),
        ('who = { callers = ["*"] }', 'who = { callers = ["*"] }\nduration = 60', "grants[0].duration (uploads)", "900"),
        ('who = { callers = ["*"] }', 'who = { callers = ["*"] }\nduration = "900"', "grants[0].duration (uploads)", "integer"),
        ('"uploads"', '"staff-only"', "grants", "same name"),
        ('"uploads"', '"Up loads"', "grants[0].name (Up loads)", "lower-case"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(old: str, new: str, place: str, what: str) -> None:
    found = problems(changed(old, new))
    assert any(line.startswith(f"{place}: ") and what in line for line in found), found


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('["get", "put", "list"]', '"get"', 'grants[0].actions (uploads): must be a list like ["a"]'),
        ('groups = ["staff"]\n', 'groups = "staff"\n', 'callers.api_key[0].groups (alice): must be a list like ["a"]'),
        ('groups = ["staff"]\n', "groups = [1]\n", "callers.api_key[0].groups[0] (alice): must be a string, in quotes"),
        ('who = { callers = ["*"] }', 'who = "*"', "grants[0].who (uploads): must be a table"),
        ('groups = ["staff"] }', "claims = 1 }", "grants[1].who.claims (staff-only): must be a table"),
        ('"examplebucket"', "7", "oss.bucket: must be a string, in quotes"),
        ("[sts]", '[sts]\nvpc = "yes"', "sts.vpc: must be true or false"),
        ("[sts]", '[sts]\nmax_calls = "8"', "sts.max_calls: must be a whole number, an integer without quotes"),
        ("[oss]", '[callers.webhook]\nurl = "http://127.0.0.1/"\nid_prefix = "w:"\ntimeout = "3"\n[oss]', "callers.webhook.timeout: must be a number"),
        ("[oss]", '[callers.forwarded]\nnetworks = ["::1"]\nsecret_file = "f"\nclaims = "a"\n[oss]', "callers.forwarded.claims: must be a table"),
        ("[oss]", '[server]\ndeny_file = ""\n[oss]', "server.deny_file: is empty"),
        ("[oss]", "server = 7\n[oss]", "server: must be a table"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_in_words_of_toml(old: str, new: str, line: str) -> None:
    assert line in problems(changed(old, new))


def test_tables_that_are_repeated_are_written_so() -> None:
    text = CONFIG[: CONFIG.index("[[grants")]
    assert "grants: must be written [[grants]]" in problems("grants = {}\n" + text)
    text = CONFIG[: CONFIG.index("[[callers")] + CONFIG[CONFIG.index("[[grants") :]
    line = "callers.api_key: must be written [[callers.api_key]]"
    assert line in problems("[callers.api_key]\n" + text)


def test_a_digest_that_is_none_is_not_repeated() -> None:
    (line,) = problems(CONFIG.replace('sha256 = ["', 'sha256 = ["osk_oops', 1))
    assert line.startswith("callers.api_key[0].sha256[0].digest (alice): must be 64 hex")
    assert "oops" not in line


def test_the_digest_of_an_example_is_nobodys() -> None:
    (line,) = problems(CONFIG.replace(CONFIG.split('sha256 = ["')[1][:64], "0" * 64))
    assert "new-key" in line


def test_one_key_is_not_two_callers() -> None:
    first = CONFIG.split('sha256 = ["')[1][:64]
    second = CONFIG.split('sha256 = ["')[2][:64]
    assert "share a key" in problems(CONFIG.replace(second, first))[0]


def test_a_key_may_say_when_it_is_over() -> None:
    digest = CONFIG.split('sha256 = ["')[1][:64]
    told = f'{{ digest = "{digest}", expires = 2027-01-01T00:00:00Z }}'
    (key,) = read(CONFIG.replace(f'"{digest}"', told, 1)).tables.callers.api_key[0].keys
    assert key.digest == digest
    assert key.expires is not None
    assert key.expires.isoformat() == "2027-01-01T00:00:00+00:00"


@pytest.mark.parametrize("moment", ["2027-01-01T00:00:00", '"2027-01-01T00:00:00Z"', "1800000000"])
def test_a_moment_names_its_zone(moment: str) -> None:
    digest = CONFIG.split('sha256 = ["')[1][:64]
    told = f'{{ digest = "{digest}", expires = {moment} }}'
    (line,) = problems(CONFIG.replace(f'"{digest}"', told, 1))
    assert line.startswith("callers.api_key[0].sha256[0].expires (alice): ")


@pytest.mark.parametrize("prefix", ["key", "a b:", "k" * 32 + ":", "*:", "/"])
def test_an_id_prefix_ends_in_a_sign_that_names_may_hold(prefix: str) -> None:
    (line,) = problems(f'[callers]\napi_key_id_prefix = "{prefix}"\n{CONFIG}')
    assert line.startswith("callers.api_key_id_prefix: must be at most 32")


def test_without_callers_nobody_could_prove_who_they_are() -> None:
    text = CONFIG[: CONFIG.index("[[callers")] + CONFIG[CONFIG.index("[[grants") :]
    assert problems(text)[0].startswith("callers: nobody can prove")


def test_without_grants_nothing_could_be_given() -> None:
    text = CONFIG[: CONFIG.index("[[grants")]
    assert problems(text)[0] == "grants: is missing"
    assert "is empty" in problems("grants = []\n" + text)[0]


def test_a_key_that_is_missing_is_named() -> None:
    (line,) = problems(CONFIG, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample"})
    assert line.startswith("environment: ALIBABA_CLOUD_ACCESS_KEY_SECRET is not set")


def test_half_a_key_is_named_beside_the_other_mistakes() -> None:
    found = problems("[oss]\nbucket = \n", {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample"})
    assert [line.split(":")[0] for line in found] == ["environment", "not TOML"]
    assert "line 2" in found[1]


def test_callers_that_are_no_table_are_named() -> None:
    text = (
        "callers = 7\n" + CONFIG[: CONFIG.index("[[callers")] + CONFIG[CONFIG.index("[[grants") :]
    )
    assert problems(text)[0].startswith("callers: ")


def test_a_proxy_that_speaks_for_callers_is_not_counted_as_one_of_them() -> None:
    def told(proxies: str) -> str:
        table = (
            '[callers.forwarded]\nnetworks = ["10.1.2.0/24"]\nsecret_file = "f"\nid_prefix = "p:"'
        )
        return f"[server]\nproxies = {proxies}\n{CONFIG}\n{table}"

    for proxies in ("[]", '["127.0.0.0/8", "fd00::/8"]', '["10.1.2.0/25"]'):
        (line,) = problems(told(proxies))
        assert "10.1.2.0/24 must stand in server.proxies" in line
    assert read(told('["10.0.0.0/8"]')).tables.callers.forwarded is not None


@pytest.mark.parametrize("text", ["a = " + "9" * 5000, "a = " + "[" * 5000])
def test_what_is_too_much_to_read_is_one_line(text: str) -> None:
    (line,) = problems(text)
    assert line.startswith("not TOML: a number is too long")
