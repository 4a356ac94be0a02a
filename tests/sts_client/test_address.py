"""Lease and key in, URL out."""

import pytest

from sts_client.credentials import Style
from sts_client.objects.address import address_of
from tests.sts_client.stage import LEASE, lease

OSS = "https://oss-cn-hangzhou.aliyuncs.com"


@pytest.mark.parametrize(
    ("endpoint", "style", "url"),
    [
        (OSS, "virtual", "https://examplebucket.oss-cn-hangzhou.aliyuncs.com/a/b%20c"),
        (OSS, "path", "https://oss-cn-hangzhou.aliyuncs.com/examplebucket/a/b%20c"),
        ("https://files.example.com", "cname", "https://files.example.com/a/b%20c"),
        (
            "https://h.example.com:8443/",
            "virtual",
            "https://examplebucket.h.example.com:8443/a/b%20c",
        ),
        ("http://127.0.0.1:9000", "virtual", "http://127.0.0.1:9000/examplebucket/a/b%20c"),
        ("http://localhost:9000", "virtual", "http://localhost:9000/examplebucket/a/b%20c"),
        ("http://[::1]:9000", "virtual", "http://[::1]:9000/examplebucket/a/b%20c"),
    ],
)
def test_styles(endpoint: str, style: Style, url: str) -> None:
    assert address_of(lease(endpoint=endpoint, style=style)).url("a/b c") == url


def test_an_endpoint_and_a_style_of_the_callers_own() -> None:
    address = address_of(LEASE, endpoint="oss-cn-hangzhou-internal.aliyuncs.com", style="virtual")
    assert address.url("k") == "https://examplebucket.oss-cn-hangzhou-internal.aliyuncs.com/k"


def test_the_bucket_itself_with_a_query() -> None:
    address = address_of(LEASE, endpoint=OSS, style="virtual")
    assert address.url("", [("prefix", "a/b"), ("acl", "")]) == (
        "https://examplebucket.oss-cn-hangzhou.aliyuncs.com/?acl&prefix=a%2Fb"
    )


def test_dots_are_written_so_that_nobody_resolves_them() -> None:
    address = address_of(LEASE, endpoint=OSS, style="virtual")
    for key, path in {
        "a/../b": "a/%2E%2E/b",
        "./a": "%2E/a",
        "..": "%2E%2E",
        "a.b/.c/...": "a.b/.c/...",
    }.items():
        assert address.url(key) == f"https://examplebucket.oss-cn-hangzhou.aliyuncs.com/{path}"
