"""Nobody in particular: what plain HTTP reaches in buckets that are open, and in those that are not."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

import oss2
import pytest
import requests

from sts_server.sandbox import Sandbox

ACLS = ("private", "public-read", "public-read-write")


@pytest.fixture(scope="module")
def buckets(sandbox: Sandbox) -> Iterator[dict[str, str]]:
    """The address of a bucket of each ACL; in each there are `a` and, closed, `own`."""
    auth = oss2.AuthV4(sandbox.access_key_id, sandbox.access_key_secret)
    session = oss2.Session()
    made = {}
    for acl in ACLS:
        bucket = oss2.Bucket(
            auth, sandbox.endpoint, f"open-{acl}", region=sandbox.region, session=session
        )
        bucket.create_bucket(acl)
        bucket.put_object("a", b"hello")
        bucket.put_object("own", b"own", headers={"x-oss-object-acl": "private"})
        made[acl] = bucket
    yield {acl: f"{sandbox.endpoint}/{bucket.bucket_name}" for acl, bucket in made.items()}
    for bucket in made.values():
        for name in ("a", "own"):
            bucket.delete_object(name)
        bucket.delete_bucket()
    session.session.close()


def ask(method: str, url: str, body: bytes | None = None) -> tuple[int, str, str]:
    answer = requests.request(method, url, data=body, timeout=10)
    if answer.ok or not answer.content:
        return answer.status_code, "", ""
    error = ET.fromstring(answer.content)
    return answer.status_code, error.findtext("Code", ""), error.findtext("EC", "")


OK, GONE = (200, "", ""), (204, "", "")
CLOSED = (403, "AccessDenied", "0003-00000001")
MISSING = (404, "NoSuchKey", "0026-00000001")
NEVER = (403, "AccessDenied", "0003-00000905")


@pytest.mark.parametrize(
    ("method", "what", "expected"),
    [
        ("GET", "a", (CLOSED, OK, OK)),
        ("HEAD", "a", ((403, "", ""), OK, OK)),
        ("GET", "own", (CLOSED, CLOSED, CLOSED)),
        ("GET", "nothing", (CLOSED, MISSING, MISSING)),
        ("PUT", "new", (CLOSED, CLOSED, OK)),
        ("PUT", "own", (CLOSED, CLOSED, CLOSED)),
        ("DELETE", "new", (CLOSED, CLOSED, GONE)),
        ("GET", "a?acl", (NEVER, NEVER, NEVER)),
        ("GET", "a?tagging", (NEVER, NEVER, NEVER)),
        ("PUT", "a?acl", (NEVER, NEVER, NEVER)),
        ("GET", "", (NEVER, NEVER, NEVER)),
        ("GET", "?list-type=2", (NEVER, NEVER, NEVER)),
        ("GET", "?uploads", (NEVER, NEVER, NEVER)),
        ("GET", "?bucketInfo", (NEVER, NEVER, NEVER)),
        ("PUT", "?tagging", (NEVER, NEVER, NEVER)),
        ("DELETE", "", (NEVER, NEVER, NEVER)),
    ],
)
def test_each_acl(
    buckets: dict[str, str], method: str, what: str, expected: tuple[tuple[int, str, str], ...]
) -> None:
    body = b"x" if method == "PUT" else None
    assert tuple(ask(method, f"{buckets[acl]}/{what}", body) for acl in ACLS) == expected


def test_the_list_of_buckets_is_the_owners(sandbox: Sandbox) -> None:
    assert ask("GET", f"{sandbox.endpoint}/") == NEVER


@pytest.mark.parametrize("name", ["content-type", "content-disposition", "expires"])
def test_headers_of_the_answer_are_chosen_by_who_signs(buckets: dict[str, str], name: str) -> None:
    url = f"{buckets['public-read']}/a?response-{name}=text/html"
    assert ask("GET", url)[:2] == (400, "InvalidRequest")
    assert requests.get(f"{buckets['public-read']}/a", timeout=10).content == b"hello"
