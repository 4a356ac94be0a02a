"""Many keys deleted at once: all of them, or none."""

import base64
import hashlib
from xml.sax.saxutils import escape

import pytest

from tests.sts_server.sandbox.house import House, Reply


def delete(house: House, body: str, **wish: str) -> Reply:
    raw = body.encode()
    md5 = base64.b64encode(hashlib.md5(raw, usedforsecurity=False).digest()).decode()
    headers = {"content-md5": wish.get("md5", md5)}
    return house.ask("POST", f"/bkt?delete{wish.get('more', '')}", (raw,), house.owner, headers)


def naming(*keys: str, quiet: str = "false") -> str:
    objects = "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
    return f"<Delete><Quiet>{quiet}</Quiet>{objects}</Delete>"


def test_deleting_many(house: House) -> None:
    for key in ("a/1", "a/2", "a/3"):
        house.ask("PUT", f"/bkt/{key}", (b"x",))
    reply = delete(house, naming("a/1", "a/2", "a/none"))
    assert [key.text for key in reply.xml.iter("Key")] == ["a/1", "a/2", "a/none"]
    assert len(house.bodies()) == 1
    quiet = delete(house, naming("a/3", quiet="true"))
    assert (quiet.status, quiet.body) == (200, b"")
    assert house.bodies() == []


@pytest.mark.parametrize("sign", ["\x01", "&#1;", "&#x1;"])
def test_names_that_xml_cannot_hold(house: House, sign: str) -> None:
    house.ask("PUT", "/bkt/a/\x01~", (b"x",))
    body = f"<Delete><Object><Key>a/{sign}~</Key></Object></Delete>"
    reply = delete(house, body, more="&encoding-type=url")
    assert reply.xml.findtext("Deleted/Key") == "a%2F%01~"
    assert house.bodies() == []


def test_one_key_denied_denies_all(house: House) -> None:
    house.ask("PUT", "/bkt/a/1", (b"x",))
    rule = {"Effect": "Allow", "Action": "oss:DeleteObject", "Resource": "acs:oss:*:*:bkt/a/*"}
    body = naming("a/1", "b/1").encode()
    md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    headers = {"content-md5": md5}
    reply = house.ask("POST", "/bkt?delete", (body,), house.limited(rule), headers)
    assert reply.error == (403, "AccessDenied", "0003-00000201")
    assert len(house.bodies()) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (naming(), "MalformedXML"),
        (naming(*map(str, range(1001))), "MalformedXML"),
        (naming(""), "MalformedXML"),
        (naming("a", quiet="perhaps"), "MalformedXML"),
        (naming("/a"), "InvalidObjectName"),
        (naming("a" * 1024), "InvalidObjectName"),
        ("<Delete><Object><Name>a</Name></Object></Delete>", "MalformedXML"),
        ("<Delete>", "MalformedXML"),
        ("no xml", "MalformedXML"),
        ("<Delete><Object><Key>&#xFFFFFF;</Key></Object></Delete>", "MalformedXML"),
        (f"<Delete>{' ' * 2 * 1024**2}</Delete>", "EntityTooLarge"),
    ],
)
def test_documents_that_are_refused(house: House, body: str, code: str) -> None:
    assert delete(house, body).error[:2] == (400, code)


def test_the_digest_is_needed_and_checked(house: House) -> None:
    assert delete(house, naming("a"), md5="1B2M2Y8AsgTpgAmY7PhCfg==").error[1] == "InvalidDigest"
    bare = house.ask("POST", "/bkt?delete", (b"",), house.owner)
    assert bare.error[:2] == (400, "MissingArgument")
