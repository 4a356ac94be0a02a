"""Tokens: what the issuer signed for this server is a proof, and nothing that looks like it is.

The forgeries are those of RFC 8725, "JSON Web Token Best Current Practices", each signed for real.
"""

import json
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from sts_server.errors import Unauthenticated
from sts_server.scope import Caller
from tests.sts_server.callers.oidc.mint import (
    AUDIENCE,
    CLAIMS,
    EC,
    EC_384,
    ED,
    ISSUER,
    OTHER_ISSUER,
    OTHER_RSA,
    RSA,
    SHORT_RSA,
    b64,
    believed,
    jwk,
    jwks,
    login,
    part,
    refused,
    sign,
    token,
)
from tests.sts_server.parts import T0

PEM = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256")])
@pytest.mark.parametrize(
    "kind", [None, "JWT", "jwt", "at+jwt", "application/at+jwt", "Application/JWT"]
)
def test_what_the_issuer_signed_for_us_is_a_proof(key: Any, algorithm: str, kind: str) -> None:
    caller = believed(token(key, algorithm, {"typ": kind}))
    assert caller == Caller("alice", expires=T0 + 3600)


@pytest.mark.parametrize("aud", [AUDIENCE, [AUDIENCE], ["https://a.example", AUDIENCE]])
def test_one_of_the_audiences_is_enough(aud: object) -> None:
    assert believed(token(aud=aud)).id == "alice"


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "PS512"), (EC_384, "ES384"), (ED, "EdDSA"), (RSA, "RS384")]
)
def test_other_algorithms_are_taken_where_they_are_allowed(key: Any, algorithm: str) -> None:
    at = login(jwks(jwk(key, algorithm)), f'algorithms = ["{algorithm}"]')
    assert believed(token(key, algorithm), at).id == "alice"
    assert "(alg)" in refused(token(key, algorithm))


# RFC 8725, section 2.1 and 3.1: weak signatures, and a key used for what it is not for.


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("signature", ["", "AA"])
def test_an_unsigned_token_is_no_proof(algorithm: str, signature: str) -> None:
    shown = f"{part({'alg': algorithm, 'kid': '1'})}.{part(CLAIMS)}.{signature}"
    assert login().claims(shown)
    assert "(alg)" in refused(shown)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("secret", [PEM, json.dumps(jwk()).encode(), b"", jwk()["n"].encode()])
def test_a_public_key_is_no_secret_to_sign_with(algorithm: str, secret: bytes) -> None:
    assert "(alg)" in refused(token(secret, algorithm))
    # An issuer that shows a secret as one of its keys is not believed either.
    shared = {"kty": "oct", "k": b64(secret), "kid": "1", "alg": algorithm}
    assert "(alg)" in refused(token(secret, algorithm), login(jwks(jwk(), shared)))
    posing = {"kty": "oct", "k": b64(secret), "kid": "1", "alg": "RS256"}
    head = {"alg": "RS256"}
    assert "not its issuer's" in refused(token(secret, algorithm, head), login(jwks(posing)))


@pytest.mark.parametrize(
    ("key", "signed", "said"),
    [
        (RSA, "PS256", "RS256"),
        (RSA, "RS384", "RS256"),
        (EC, "ES256", "RS256"),
        (RSA, "RS256", "ES256"),
        (OTHER_RSA, "RS256", "RS256"),
        (EC_384, "ES384", "ES256"),
        (ED, "EdDSA", "ES256"),
    ],
)
def test_another_signature_under_an_allowed_name_is_none(key: Any, signed: str, said: str) -> None:
    assert "signature" in refused(token(key, signed, {"alg": said}))


def test_a_key_is_bound_to_the_one_algorithm_it_names() -> None:
    more = 'algorithms = ["RS256", "PS256"]'
    assert believed(token(RSA, "PS256"), login(jwks(jwk()), more)).id == "alice"
    at = login(jwks(jwk(alg="RS256")), more)
    assert "not its issuer's" in refused(token(RSA, "PS256"), at)


@pytest.mark.parametrize(
    ("key", "algorithm", "member"),
    [
        (RSA, "RS256", {"use": "enc"}),
        (RSA, "RS256", {"key_ops": ["encrypt"]}),
        (RSA, "RS256", {"key_ops": "verify"}),
        (RSA, "RS256", {"alg": "RSA-OAEP"}),
        (RSA, "RS256", {"kty": "EC"}),
        (RSA, "RS256", {"n": "!"}),
        (RSA, "RS256", {"n": 5}),
        (RSA, "RS256", {"e": "AQ"}),
        (RSA, "RS256", {"n": None}),
        (SHORT_RSA, "RS256", {}),
        (EC, "ES256", {"crv": "P-384"}),
        (EC, "ES256", {"x": "AA"}),
        (EC, "ES256", {"d": "AA"}),
    ],
)
def test_a_key_that_is_not_for_this_is_not_used(
    key: Any, algorithm: str, member: Mapping[str, Any]
) -> None:
    at = login(jwks(jwk(key, algorithm, **member), 7))  # type: ignore[arg-type]
    assert "not its issuer's" in refused(token(key, algorithm), at)


def test_a_key_of_another_curve_does_not_fit() -> None:
    at = login(jwks(jwk(EC_384, "ES384")), 'algorithms = ["ES256", "ES384"]')
    assert "not its issuer's" in refused(token(EC_384, "ES384", {"alg": "ES256"}), at)
    assert believed(token(EC_384, "ES384"), at).id == "alice"


def test_a_key_that_everybody_could_sign_with_is_not_used() -> None:
    private = jwt.algorithms.RSAAlgorithm.to_jwk(RSA, as_dict=True)
    private["key_ops"] = ["sign", "verify"]
    assert "not its issuer's" in refused(token(), login(jwks({**private, "kid": "1"})))


# RFC 8725, section 3.10 and RFC 7515, section 4.1: a head that brings its own key, or asks for more.


@pytest.mark.parametrize(
    "head",
    [
        {"jwk": jwk(OTHER_RSA)},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/cert.pem"},
        {"x5c": ["MIIB"]},
    ],
)
def test_a_key_that_the_token_brings_is_not_looked_at(head: Mapping[str, Any]) -> None:
    assert "signature" in refused(token(OTHER_RSA, head=head))
    assert believed(token(head=head)).id == "alice"


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ({"crit": ["exp"], "exp": 1}, "crit"),
        ({"crit": []}, "crit"),
        ({"crit": ["b64"], "b64": False}, "crit"),
        ({"b64": False}, "not a valid one"),
        ({"typ": "logout+jwt"}, "typ"),
        ({"typ": "dpop+jwt"}, "typ"),
        ({"typ": "secevent+jwt"}, "typ"),
        ({"typ": "JOSE"}, "typ"),
        ({"typ": ""}, "typ"),
        ({"typ": ["JWT"]}, "typ"),
        ({"typ": {}}, "typ"),
        ({"alg": None}, "alg"),
        ({"alg": 5}, "alg"),
        ({"alg": ["RS256"]}, "alg"),
        ({"alg": "rs256"}, "alg"),
        ({"kid": 1}, "kid"),
        ({"kid": ["1"]}, "kid"),
        ({"kid": "2"}, "not its issuer's"),
        ({"kid": ""}, "not its issuer's"),
        ({"kid": "../../dev/null"}, "not its issuer's"),
        ({"kid": "1' OR '1'='1"}, "not its issuer's"),
    ],
)
def test_a_head_that_says_more_than_it_may_is_refused(head: Mapping[str, Any], why: str) -> None:
    assert why in refused(token(head=head))


def test_a_token_that_names_no_key_is_taken_where_only_one_fits() -> None:
    unnamed = token(head={"kid": None})
    assert believed(unnamed).id == "alice"
    assert believed(unnamed, login(jwks(jwk(kid=None)))).id == "alice"
    several = login(jwks(jwk(), jwk(OTHER_RSA, kid="2")))
    assert "(kid)" in refused(unnamed, several)
    assert "(kid)" in refused(token(), login(jwks(jwk(), jwk(OTHER_RSA))))


# RFC 8725, section 3.8, 3.9 and 3.12: who made it, for whom, and as what.


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": ISSUER + "/"}, "not a valid one"),
        ({"iss": ISSUER.upper()}, "not a valid one"),
        ({"iss": OTHER_ISSUER}, "not a valid one"),
        ({"iss": [ISSUER]}, "not a valid one"),
        ({"iss": None}, "no iss"),
        ({"aud": None}, "no aud"),
        ({"aud": ""}, "no aud"),
        ({"aud": []}, "no aud"),
        ({"aud": "https://a.example"}, "audience"),
        ({"aud": AUDIENCE + "/"}, "audience"),
        ({"aud": AUDIENCE[:-1]}, "audience"),
        ({"aud": {AUDIENCE: 1}}, "audience"),
        ({"aud": [AUDIENCE, 5]}, "audience"),
        ({"aud": [[AUDIENCE]]}, "audience"),
        ({"exp": None}, "no exp"),
        ({"exp": T0 - 30}, "over"),
        ({"exp": 0}, "over"),
        ({"exp": str(T0 + 60)}, "exp is not a moment"),
        ({"exp": True}, "exp is not a moment"),
        ({"exp": -1}, "exp is not a moment"),
        ({"exp": 10**12}, "exp is not a moment"),
        ({"exp": [T0 + 60]}, "exp is not a moment"),
        ({"nbf": T0 + 31}, "not valid yet (nbf)"),
        ({"nbf": "soon"}, "nbf is not a moment"),
        ({"iat": T0 + 31}, "not valid yet (iat)"),
        ({"iat": {}}, "iat is not a moment"),
        ({"sub": None}, "sub is not a text"),
        ({"sub": ""}, "sub is not a text"),
        ({"sub": 7}, "sub is not a text"),
        ({"sub": ["alice"]}, "sub is not a text"),
        ({"sub": "a" * 257}, "sub is not a text"),
    ],
)
def test_a_token_must_be_for_us_and_for_now(claims: Mapping[str, Any], why: str) -> None:
    assert why in refused(token(**claims))


@pytest.mark.parametrize("claims", [{"exp": T0 - 29}, {"nbf": T0 + 30}, {"iat": T0 + 29.5}])
def test_clocks_may_differ_a_little(claims: Mapping[str, Any]) -> None:
    assert believed(token(**claims)).id == "alice"
    with pytest.raises(Unauthenticated):
        believed(token(**claims), login(more="leeway = 0"))


def test_a_token_needs_no_iat() -> None:
    assert believed(token(iat=None, jti=7)).id == "alice"


@pytest.mark.parametrize(
    "sub", ["a/../b", "a" * 256, "a\r\nX: 1", "\x00", "中", "\ud800", "*", "osk_a", "{caller_hash}"]
)
def test_an_odd_name_is_a_name_that_grants_judge(sub: str) -> None:
    assert believed(token(sub=sub)).id == sub


def test_two_issuers_that_share_a_kid_share_nothing_else() -> None:
    ours, other = login(jwks(jwk())), login(jwks(jwk(OTHER_RSA)), issuer=OTHER_ISSUER)
    good, theirs = token(), token(OTHER_RSA, iss=OTHER_ISSUER)
    assert (ours.claims(good), other.claims(good)) == (True, False)
    assert (ours.claims(theirs), other.claims(theirs)) == (False, True)
    assert believed(good, ours).id == believed(theirs, other).id == "alice"
    assert "signature" in refused(token(OTHER_RSA), ours)
    assert "signature" in refused(token(iss=OTHER_ISSUER), other)
    assert "not a valid one" in refused(theirs, login(jwks(jwk(OTHER_RSA))))


# RFC 8725, section 2.4 to 2.8: how it is written down.


@pytest.mark.parametrize(
    "claims",
    [
        b"",
        b"7",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        json.dumps(CLAIMS).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode(),
        json.dumps(CLAIMS).encode()[:-1] + b',"sub":"root"}',
        json.dumps(CLAIMS).encode()[:-1] + b',"a":{"b":1,"b":2}}',
        json.dumps(CLAIMS).encode()[:-1] + b',"a":NaN}',
        json.dumps(CLAIMS).encode()[:-1] + b',"a":-Infinity}',
        json.dumps(CLAIMS).encode()[:-1] + b',"exp":1e999}',
        json.dumps({**CLAIMS, "exp": 0}).replace('"exp": 0', '"exp": 1e999').encode(),
        json.dumps({**CLAIMS, "exp": 0}).replace('"exp": 0', '"exp": ' + "9" * 5000).encode(),
        b'{"iss":"' + ISSUER.encode() + b'","a":' + b"[" * 2900 + b"]" * 2900 + b"}",
        b'{"iss":"' + ISSUER.encode() + b'","a":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}",
        b"[" * 5800,
    ],
)
def test_what_two_readers_could_read_as_two_things_is_refused(claims: bytes) -> None:
    head = {"alg": "RS256", "kid": "1"}
    assert refused(sign(head, claims, RSA, "RS256"))
    assert refused(sign(claims, CLAIMS, RSA, "RS256"))
    login().claims(sign(head, claims, RSA, "RS256"))


def test_a_head_that_says_a_thing_twice_is_refused() -> None:
    head = b'{"alg":"HS256","kid":"1","alg":"RS256"}'
    assert "twice" in refused(sign(head, CLAIMS, RSA, "RS256"))


@pytest.mark.parametrize(
    "change", ["{}=", "{}.", ".{}", "{}\n", " {}", "{}.e30", "{}é", "{}\ud800"]
)
def test_a_token_that_is_written_otherwise_is_none(change: str) -> None:
    shown = change.format(token())
    assert refused(shown)


@pytest.mark.parametrize("change", ["{}=", "{}==", "{},", '"{}"', "<{}>", "{}.e30", "{}é"])
def test_a_token_with_a_sign_too_many_is_shown_to_nobody_else(change: str) -> None:
    assert login().claims(change.format(token()))


def test_a_token_of_an_event_is_no_proof() -> None:
    event = "http://schemas.openid.net/event/backchannel-logout"
    assert "event" in refused(token(events={event: {}}))


def test_a_changed_token_is_another() -> None:
    at, good = login(), token()
    assert believed(good, at).id == "alice"
    head, claims, signature = good.split(".")
    rewritten = part({**CLAIMS, "sub": "root"})
    assert "signature" in refused(f"{head}.{rewritten}.{signature}", at)
    # The last character of 342 holds 4 bits: four ways to write it, of which one is right.
    twins = [signature[:-1] + chr(ord(signature[-1]) + step) for step in (-1, 1)]
    for changed in ("", "AAAA", signature[:-4], signature + "AAAA", *twins):
        assert refused(f"{head}.{claims}.{changed}", at)


def test_an_endless_token_is_refused_before_it_is_read() -> None:
    long = token(a="x" * 8192)
    assert login().claims(long)
    assert "longer than 8192" in refused(long)
    assert not login().claims(token(a="x" * 40_000))


@pytest.mark.parametrize(
    "shown",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "a.!.c",
        "e30.e30.e30",
        "osk_" + "a" * 43,
        f"a.{part('x')}.c",
        f"a.{part({'iss': 7})}.c",
        f"a.{b64(b'[' * 9000)}.c",
        f"a.{b64(b'9' * 9000)}.c",
        f"a.{b64(bytes(range(256)))}.c",
        token(iss=OTHER_ISSUER),
        token(iss=ISSUER + "/"),
        "\ud800",
    ],
)
def test_what_is_not_of_this_issuer_is_left_to_other_logins(shown: str) -> None:
    assert not login().claims(shown)


@settings(max_examples=300, deadline=None)
@given(st.text(), st.binary(max_size=200), st.binary(max_size=200))
def test_whatever_comes_is_an_answer_and_never_a_fault(text: str, one: bytes, two: bytes) -> None:
    at = login()
    for shown in (text, f"{b64(one)}.{b64(two)}.{b64(one)}", sign(one, two, EC, "ES256")):
        at.claims(shown)
        refused(shown, at)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "zip"]),
    st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "groups", "team"]),
    JSON,
    JSON,
)
def test_whatever_is_signed_is_a_caller_or_a_refusal(
    member: str, claim: str, one: object, two: object
) -> None:
    at = login(more='groups_claim = "groups"\nclaims = ["team", "/team/a"]')
    shown = sign({"alg": "ES256", "kid": "1", member: one}, {**CLAIMS, claim: two}, EC, "ES256")
    at.claims(shown)
    try:
        caller = believed(shown, at)
    except Unauthenticated:
        return
    assert isinstance(caller.id, str)
    assert all(isinstance(group, str) for group in caller.groups)


def test_no_refusal_repeats_anything_of_the_token() -> None:
    for shown in (
        token(OTHER_RSA, sub="SECRET-NAME", head={"kid": "SECRET-KID"}),
        token(sub="SECRET-NAME", aud="SECRET-AUDIENCE"),
        token(sub="SECRET-NAME", exp="SECRET-EXP"),
        token(head={"typ": "SECRET-TYPE"}),
        token(head={"alg": "SECRET-ALG"}),
    ):
        assert "SECRET" not in refused(shown)
