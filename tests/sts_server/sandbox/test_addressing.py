"""Hosts and paths: which bucket and key each pair may mean."""

import pytest

from sts_server.sandbox.oss.addressing import Names, Place, is_sts, names_bucket, places
from sts_server.sandbox.oss.errors import OssError

NAMES = Names("localhost", "cn-hangzhou", "home")


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("", b"/bkt/a", [("bkt", "a")]),
        ("127.0.0.1:9000", b"/bkt/a%2Fb//c", [("bkt", "a%2Fb//c")]),
        ("[::1]:9000", b"/bkt", [("bkt", "")]),
        ("localhost", b"/bkt/", [("bkt", "")]),
        ("LOCALHOST:80", b"/", [("", "")]),
        ("http://127.0.0.1:9000", b"/bkt/a", [("bkt", "a")]),
        ("bkt.localhost:9000", b"/a/b", [("bkt", "a/b")]),
        ("Bkt.LocalHost", b"/", [("bkt", "")]),
        ("bkt.localhost", b"//a", [("bkt", "/a")]),
        ("bkt.localhost", b"/bkt/a", [("bkt", "bkt/a")]),
        ("a.b.localhost", b"/x", [("a.b", "x")]),
        ("bkt.oss-cn-hangzhou.aliyuncs.com", b"/a", [("bkt", "a")]),
        ("bkt.oss-cn-hangzhou-internal.aliyuncs.com.", b"/a", [("bkt", "a")]),
        ("bkt.oss-accelerate.aliyuncs.com", b"/a", [("bkt", "a")]),
        ("bkt.oss-cn-hangzhou.aliyuncs.com", b"/bkt/a", [("bkt", "a"), ("bkt", "bkt/a")]),
        ("bkt.oss-cn-hangzhou.aliyuncs.com", b"/bkt2/a", [("bkt", "bkt2/a")]),
        (".oss-cn-hangzhou.aliyuncs.com", b"/", [("", "")]),
        ("oss-cn-hangzhou.aliyuncs.com", b"/", [("", "")]),
        ("files.example.com", b"/a/b", [("home", "a/b"), ("a", "b")]),
        ("files.example.com", b"/home/b", [("home", "b"), ("home", "home/b")]),
    ],
)
def test_places(host: str, path: bytes, expected: list[tuple[str, str]]) -> None:
    wanted = [Place(bucket.encode(), key.encode()) for bucket, key in expected]
    assert list(places(host, path, NAMES)) == wanted


@pytest.mark.parametrize(
    ("host", "path", "code"),
    [
        ("bkt.oss-cn-beijing.aliyuncs.com", b"/a", "AccessDenied"),
        ("oss-cn-hangzhou.aliyuncs.com", b"/bkt/a", "SecondLevelDomainForbidden"),
    ],
)
def test_hosts_that_the_real_service_refuses(host: str, path: bytes, code: str) -> None:
    with pytest.raises(OssError) as caught:
        places(host, path, NAMES)
    assert (caught.value.status, caught.value.code) == (403, code)


def test_another_domain() -> None:
    names = Names("oss.test", "cn-hangzhou", "home")
    assert places("bkt.oss.test:1", b"/a", names) == (Place(b"bkt", b"a"),)
    assert places("oss.test", b"/bkt/a", names) == (Place(b"bkt", b"a"),)
    assert names_bucket("bkt.oss.test", names)
    assert not names_bucket("oss.test", names)


@pytest.mark.parametrize(
    ("host", "sts", "bucket"),
    [
        ("sts.aliyuncs.com", True, False),
        ("sts.cn-hangzhou.aliyuncs.com:443", True, False),
        ("sts-vpc.cn-hangzhou.aliyuncs.com", True, False),
        ("sts.oss-cn-hangzhou.aliyuncs.com", False, True),
        ("sts.localhost", False, True),
        ("127.0.0.1:1", False, False),
        ("http://127.0.0.1:1", False, False),
        (".oss-cn-hangzhou.aliyuncs.com", False, False),
    ],
)
def test_who_is_meant(host: str, sts: bool, bucket: bool) -> None:
    assert (is_sts(host), names_bucket(host, NAMES)) == (sts, bucket)
