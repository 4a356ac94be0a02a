"""CORS rules and the headers they give (OSS: "PutBucketCors", "OptionObject"). Pure."""

import re
import xml.etree.ElementTree as ET

from sts_server.sandbox.oss.documents import only, parse
from sts_server.sandbox.oss.errors import OssError, invalid_argument, malformed_xml
from sts_server.sandbox.store.bucket import Cors, CorsRule
from sts_server.sandbox.xml import Element

MAX_RULES = 10
MAX_AGE = 999_999_999
CORS_METHODS = ("GET", "PUT", "DELETE", "POST", "HEAD")
LISTS = ("AllowedOrigin", "AllowedMethod", "AllowedHeader", "ExposeHeader")
AGE = re.compile(r"\d{1,9}", re.ASCII)


def matched(cors: Cors | None, origin: str, method: str, headers: str = "") -> CorsRule | None:
    """Find the first rule that a request meets in all it says.

    Args:
        cors: The configuration of the bucket, if it has one.
        origin: The Origin header.
        method: The method, for a preflight that of the request to come.
        headers: The Access-Control-Request-Headers of a preflight.
    """
    wanted = [name.strip().lower() for name in headers.split(",") if name.strip()]
    for rule in cors.rules if cors else ():
        if (
            method in rule.methods
            and any(_fits(pattern, origin) for pattern in rule.origins)
            and all(any(_fits(p.lower(), name) for p in rule.headers) for name in wanted)
        ):
            return rule
    return None


def cors_headers(cors: Cors | None, rule: CorsRule | None, origin: str) -> dict[str, str]:
    """Give the headers of an answer to a request with an Origin.

    Args:
        cors: The configuration of the bucket, if it has one.
        rule: The rule that the request meets, if any.
        origin: The Origin header.
    """
    vary = {"Vary": "Origin"} if cors is not None and cors.vary else {}
    if rule is None:
        return vary
    headers = {"Access-Control-Allow-Origin": "*" if "*" in rule.origins else origin}
    headers["Access-Control-Allow-Methods"] = ", ".join(rule.methods)
    if rule.exposed:
        headers["Access-Control-Expose-Headers"] = ", ".join(rule.exposed)
    if rule.max_age is not None:
        headers["Access-Control-Max-Age"] = str(rule.max_age)
    if "*" not in rule.origins:
        vary = {"Vary": "Origin"}
    return {**headers, **vary}


def not_allowed() -> OssError:
    """Refuse a preflight; the misspellings are the server's own."""
    return OssError(
        403,
        "AccessForbidden",
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution "
        "of Origin, request method / Access-Control-Request-Method or "
        "Access-Control-Requet-Headers are not whitelisted by the resource's CORS spec.",
    )


def read_cors(body: bytes) -> Cors:
    """Read a CORS configuration.

    Raises:
        OssError: It is malformed or breaks a limit.
    """
    tree = parse(body, "CORSConfiguration")
    only(tree, "ResponseVary", many=("CORSRule",))
    rules = tuple(_rule(element) for element in tree.findall("CORSRule"))
    if not 0 < len(rules) <= MAX_RULES:
        raise malformed_xml(f"a configuration has 1 to {MAX_RULES} rules")
    vary = (tree.findtext("ResponseVary") or "false").strip().lower()
    if vary not in ("true", "false"):
        raise malformed_xml("ResponseVary is neither true nor false")
    return Cors(rules, vary == "true")


def write_cors(cors: Cors) -> Element:
    """Write a CORS configuration."""
    rules = [Element("CORSRule", _described(rule)) for rule in cors.rules]
    vary = Element("ResponseVary", "true" if cors.vary else "false")
    return Element("CORSConfiguration", [*rules, vary])


def _described(rule: CorsRule) -> list[Element]:
    age = [] if rule.max_age is None else [Element("MaxAgeSeconds", str(rule.max_age))]
    return [
        *(Element("AllowedOrigin", text) for text in rule.origins),
        *(Element("AllowedMethod", text) for text in rule.methods),
        *(Element("AllowedHeader", text) for text in rule.headers),
        *(Element("ExposeHeader", text) for text in rule.exposed),
        *age,
    ]


def _rule(element: ET.Element) -> CorsRule:
    only(element, many=(*LISTS, "MaxAgeSeconds"))
    texts = {
        tag: tuple((child.text or "").strip() for child in element.findall(tag)) for tag in LISTS
    }
    methods = tuple(text.upper() for text in texts["AllowedMethod"])
    ages = [(child.text or "").strip() for child in element.findall("MaxAgeSeconds")]
    if not texts["AllowedOrigin"] or not methods:
        raise malformed_xml("a rule has at least one AllowedOrigin and one AllowedMethod")
    for tag, most in (("AllowedOrigin", 1), ("AllowedHeader", 1), ("ExposeHeader", 0)):
        for text in texts[tag]:
            if not text or text.count("*") > most or not text.isprintable():
                raise invalid_argument(tag, text, f"{tag} holds at most {most} asterisks.")
    for method in methods:
        if method not in CORS_METHODS:
            raise invalid_argument("AllowedMethod", method, f"One of {', '.join(CORS_METHODS)}.")
    if len(ages) > 1 or not all(AGE.fullmatch(age) and int(age) <= MAX_AGE for age in ages):
        raise invalid_argument("MaxAgeSeconds", ",".join(ages), f"One number, 0 to {MAX_AGE}.")
    return CorsRule(
        texts["AllowedOrigin"],
        methods,
        texts["AllowedHeader"],
        texts["ExposeHeader"],
        int(ages[0]) if ages else None,
    )


def _fits(pattern: str, text: str) -> bool:
    head, star, tail = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(head) + len(tail) and text.startswith(head) and text.endswith(tail)
