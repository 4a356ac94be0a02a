"""OSS and STS under arbitrary input: an answer or a refusal, never a 500, never a hang."""

import asyncio
import string
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sts_server.sandbox.oss.errors import OssError
from sts_server.sandbox.seen import RequestLog
from sts_server.sandbox.sts.service import StsService
from tests.sts_server.sandbox.house import House

# The deadline is what makes a hang, or a pattern gone quadratic, a failure.
brief = settings(max_examples=150, deadline=timedelta(seconds=2))

METHODS = st.sampled_from(["GET", "HEAD", "PUT", "DELETE", "POST", "OPTIONS", "PATCH", "get"])
# What gets through an HTTP parser: no control characters, and no blank in a target.
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"))
QUERY_BYTES = st.text(string.ascii_letters + string.digits + "%&=+;/?-._~*\xff", max_size=60)
PARAMETERS = st.sampled_from(
    [
        *("list-type=2", "prefix=users", "max-keys=10", "max-keys=-1", "max-keys=9" * 30),
        *(
            "max-keys=\u0661",
            "delimiter=%2F",
            "encoding-type=url",
            "start-after=%FF",
            "fetch-owner=",
        ),
        *("continuation-token=AAAA", "continuation-token=%00", "x-oss-process", "uploads"),
        *(
            "response-content-type=%0D%0Ax%3A1",
            "response-expires=1",
            "versionId=1",
            "acl",
            "&&",
            "=",
        ),
        *(
            "x-oss-signature-version=OSS4-HMAC-SHA256",
            "x-oss-expires=1e9",
            "x-oss-date=2",
            "Expires=x",
        ),
    ]
)
HEADER_NAMES = st.sampled_from(
    [
        *("range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"),
        *("content-md5", "content-type", "x-oss-range-behavior", "x-oss-forbid-overwrite"),
        *(
            "x-oss-meta-a",
            "x-oss-storage-class",
            "date",
            "x-oss-unheard-of",
            "expires",
            "cache-control",
        ),
    ]
)
DATES = st.sampled_from(
    [
        *("Mon, 01 Dec 2025 08:30:00 GMT", "Mon, 01 Dec 0000 08:30:00 GMT", "20251201T083000Z"),
        *("99991231T235959Z", "00000101T000000Z", "20251301T000000Z", "2025-12-01T08:30:00Z"),
    ]
)
RANGES = st.builds(
    "bytes={}-{}".format,
    st.integers(0, 10**30) | st.just(""),
    st.integers(-5, 10**30) | st.text("0123456789,- \u0661", max_size=6),
)
HEADERS = st.dictionaries(HEADER_NAMES, VALUES | DATES | RANGES, max_size=3)
AUTHORIZATIONS = VALUES | st.builds(
    "OSS4-HMAC-SHA256 Credential={}/{}/{}/oss/aliyun_v4_request,{}Signature={}".format,
    st.sampled_from(["LTAIuser", "STS.x", "", "\xff"]),
    st.sampled_from(["20251201", "00000000", "x", "20251201/20251201"]),
    st.sampled_from(["cn-hangzhou", "", "*"]),
    st.sampled_from(["", "AdditionalHeaders=host,", "AdditionalHeaders=;;,", "Signature=a,"]),
    st.sampled_from(["0" * 64, "", "zz", "\xff"]),
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    running = House(tmp_path_factory.mktemp("fuzz"))
    assert running.ask("PUT", "/bkt/a/x", (b"hello",)).status == 200
    yield running
    running.store.close()


@brief
@given(
    method=METHODS,
    path=st.text(string.printable.strip() + "\xff", max_size=40).map(lambda text: f"/{text}")
    | st.sampled_from(["*", "/bkt/%", "/bkt/%ff", "/bkt/%2F", "//", "/bkt//", "/bkt/a/x", "/bkt/"]),
    query=QUERY_BYTES | PARAMETERS,
    headers=HEADERS,
    authorization=AUTHORIZATIONS,
    date=VALUES | DATES,
)
@example(
    method="GET",
    path="/bkt/a/x",
    query="",
    headers={},
    authorization="OSS4-HMAC-SHA256 Credential=LTAIuser/2\x80/c/oss/aliyun_v4_request,"
    f"Signature={'0' * 64}",
    date="\x80",
)
def test_strangers(
    house: House,
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    authorization: str,
    date: str,
) -> None:
    named = {**headers, "authorization": authorization, "x-oss-date": date, "host": "h:1"}
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "raw_path": path.partition("?")[0].encode("latin-1"),
        "query_string": query.encode("latin-1", "replace"),
        "headers": [(k.encode(), v.encode("latin-1", "replace")) for k, v in named.items()],
        "client": ("127.0.0.1", 1),
    }
    reply = asyncio.run(house.send(scope, (b"body",)))
    assert 400 <= reply.status < 500
    assert "x-oss-ec" in reply.headers


@brief
@given(
    method=METHODS.filter(str.isupper),
    key=st.sampled_from(["a/x", "a/x", "a/y", ""]),
    query=st.lists(PARAMETERS, max_size=3, unique=True).map("&".join) | st.just(""),
    headers=HEADERS,
)
def test_members(house: House, method: str, key: str, query: str, headers: dict[str, str]) -> None:
    """Signed well, by one who may do everything: the parsers behind the signature are reached."""
    role = house.session.role
    everybody = house.accounts.assume(role, "fuzz", timedelta(hours=1), None)
    with suppress(OssError):  # the test's own signer reads the request too, and may refuse it first
        reply = house.ask(method, f"/bkt/{key}?{query}", who=everybody, headers=headers)
        assert 200 <= reply.status < 500


@brief
@given(
    parameters=st.lists(PARAMETERS.filter(lambda text: "-" in text), max_size=2),
    value=QUERY_BYTES,
)
def test_listings(house: House, parameters: list[str], value: str) -> None:
    everybody = house.accounts.assume(house.session.role, "fuzz", timedelta(hours=1), None)
    query = "&".join(["list-type=2", *parameters, f"prefix={value}"])
    with suppress(OssError):
        assert 200 <= house.ask("GET", f"/bkt/?{query}", who=everybody).status < 500


@brief
@given(
    query=QUERY_BYTES,
    form=QUERY_BYTES,
    action=st.sampled_from(["AssumeRole", "GetCallerIdentity", "None", "\xff"]),
    parameters=st.dictionaries(
        st.sampled_from(
            [
                *("Version", "AccessKeyId", "Timestamp", "SignatureNonce", "Signature", "Format"),
                *("SignatureMethod", "SignatureVersion", "SecurityToken", "RoleArn"),
            ]
        ),
        st.sampled_from(
            ["2015-04-01", "LTAIuser", "HMAC-SHA1", "1.0", "JSON", "", "9999", "%FF", "%00"]
        )
        | DATES,
    ),
)
def test_calls_to_sts(
    house: House, query: str, form: str, action: str, parameters: dict[str, str]
) -> None:
    status = 0

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    named = "&".join(f"{name}={value}" for name, value in parameters.items())
    scope = {
        "type": "http",
        "method": "POST",
        "raw_path": b"/",
        "query_string": f"Action={action}&{named}&{query}".encode("latin-1"),
        "headers": [(b"host", b"h")],
    }
    service = StsService(house.accounts, house.clock, RequestLog())
    asyncio.run(service(scope, form.encode("latin-1"), send))
    assert 400 <= status < 500
