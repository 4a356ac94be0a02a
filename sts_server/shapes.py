"""The shapes of a configuration's values: each takes a value and gives it back, or says why not."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from pydantic import AfterValidator

from sts_server.prefix import is_safe_value
from sts_server.template import template_problem

_LAST_PORT: Final = 65_535
_WIDEST_NETWORK: Final = 8  # bits: 10.0.0.0/8 and fd00::/8 are the widest that are private
_TAKEN_HEADERS = re.compile(
    r"accept|authorization|connection|content-.*|cookie|expect|forwarded|host|keep-alive|origin"
    r"|proxy-.*|te|trailer|transfer-encoding|upgrade|via|x-forwarded-(for|host|proto)|x-request-id"
)
_OWN_PORT: Final = {"http": 80, "https": 443}
_URL = "must be an address like https://host or http://127.0.0.1:9000, without a path"
_DOCUMENT = "must be an address like https://host/path"


def shaped(pattern: str, what: str) -> AfterValidator:
    """Make a shape from a regular expression, and the words for what it describes."""
    shape = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not shape.fullmatch(value):
            raise ValueError(f"must be {what}")
        return value

    return AfterValidator(check)


def no_repeats(values: tuple[str, ...]) -> tuple[str, ...]:
    """Take values that are all different."""
    if len(set(values)) < len(values):
        raise ValueError("holds the same value twice")
    return values


def not_empty(values: tuple[str, ...]) -> tuple[str, ...]:
    """Take at least one value. pydantic's own min_length complains when the only one is wrong."""
    if not values:
        raise ValueError("is empty")
    return values


def no_star(values: tuple[str, ...]) -> tuple[str, ...]:
    """Take values none of which only looks like a pattern."""
    if "*" in values:
        raise ValueError(
            "holds '*', which stands for everybody among callers only; name the values"
        )
    return values


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by number or as `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_address(host: str) -> bool:
    """Whether a host is a number, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_bare(host: str) -> bool:
    """Whether a host is a number or `localhost`: a bucket's name cannot be put in front of it."""
    return host == "localhost" or is_address(host)


def url(value: str) -> str:
    """Take the address of a service: over TLS, or on this machine."""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(_URL) from None
    if not host or port == 0 or value != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        raise ValueError(_URL)
    _refuse_open(parts.scheme, host)
    return value


def document_url(value: str) -> str:
    """Take the address of a document: over TLS, or on this machine."""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(_DOCUMENT) from None
    # urlsplit overlooks line breaks and tabs.
    if not host or port == 0 or "@" in parts.netloc or not re.fullmatch(r"[!-~]+", value):
        raise ValueError(_DOCUMENT)
    if "#" in value:
        raise ValueError("must have no fragment")
    _refuse_open(parts.scheme, host)
    return value


def issuer(value: str) -> str:
    """Take the name of an issuer (OpenID Connect Core 1.0, section 2: iss)."""
    if "?" in document_url(value):
        raise ValueError("must have no query")
    return value


def url_with_path(value: str) -> str:
    """Take the address of one page of a service: over TLS, or on this machine."""
    parts = re.fullmatch(r"(https?://[A-Za-z0-9.:\[\]-]+)(/[A-Za-z0-9._~%/-]*)?", value)
    if not parts:
        raise ValueError("must be an address like https://host/path, without a user or a query")
    url(parts[1])
    return value


def origin(value: str) -> str:
    """Take the origin of a page exactly as browsers write it: they compare nothing, nor do we."""
    if value in ("*", "null"):
        raise ValueError("must name one page's origin; '*' and 'null' would be everybody's")
    parts = urlsplit(url(value))
    if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[1-9][0-9]*)?", value):
        raise ValueError("must be in lower case, in ASCII (xn--…), as browsers send it")
    if parts.port == _OWN_PORT[parts.scheme]:
        raise ValueError(f"must be without :{parts.port}, which browsers leave out")
    return value


def script_url(value: str) -> str:
    """Take the address of one script, so that a page's policy can name it and no other."""
    host = urlsplit(url_with_path(value)).netloc
    if "[" in host or value.endswith(("/", host)):
        raise ValueError("must be the whole address of a script, like https://host/ali-oss.js")
    return value


def folder(value: object) -> object:
    """Take a folder, or whether the usual one is meant."""
    if not isinstance(value, bool | str) or value == "":
        raise ValueError("must be true, false, or the path of a folder")
    return value


def network(value: str) -> str:
    """Take a network of proxies in CIDR form, or one address."""
    try:
        taken = ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(
            "must be a network like 10.0.0.0/24 or fd00::/64, or one address"
        ) from None
    if taken.prefixlen < _WIDEST_NETWORK:
        raise ValueError(
            f"is wider than the network of any proxy: name one of /{_WIDEST_NETWORK} or narrower"
        )
    if isinstance(taken, ipaddress.IPv6Network) and taken.network_address.ipv4_mapped:
        raise ValueError("is an IPv4 network written as IPv6: write it as 10.0.0.0/24")
    return value


def header(value: str) -> str:
    """Take the name of a header of one's own, in letters that no proxy reads as another's."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,63}", value):
        raise ValueError("must be the name of a header: 1-64 letters, digits or -")
    if _TAKEN_HEADERS.fullmatch(value.lower()):
        raise ValueError("is a header with a meaning of its own; choose another, such as X-My-User")
    return value


def root_path(value: str) -> str:
    """Take the path below which a proxy serves us; empty for none."""
    if value and not re.fullmatch(r"(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-])+", value):
        raise ValueError('must be a path like "/sts", without a slash at its end')
    return value


def listen_address(value: str) -> str:
    """Take an address to listen on. A missing host is not read as every network of the machine."""
    host, _, port = value.rpartition(":")
    if not _is_bindable(host) or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > _LAST_PORT:
        raise ValueError("must be an address and a port like 127.0.0.1:8000 or [::1]:8000")
    return value


def listen_address_or_off(value: str) -> str:
    """Take an address to listen on, or the word that nothing should."""
    if value == "off":
        return value
    try:
        return listen_address(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "off"') from None


def digest(value: str) -> str:
    """Take the SHA-256 digest of a key that somebody holds."""
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError("must be 64 hexadecimal digits as `sts-server new-key NAME` prints them")
    if value == "0" * 64:
        raise ValueError("is only an example's; `sts-server new-key NAME` makes one")
    return value


def caller_id(value: str) -> str:
    """Take an id that can stand in a prefix."""
    if not is_safe_value(value):
        raise ValueError("must be 1-64 letters, digits or ._@+=,:|~- and not '.' or '..'")
    return value


def id_prefix(value: str) -> str:
    """Take what the ids, groups and claims of one login begin with."""
    if value and not (is_safe_value(value) and re.fullmatch(r".{0,31}[._@+=,:|~-]", value)):
        raise ValueError('must be at most 32 characters that end in one of ._@+=,:|~- as "login:"')
    return value


def template(value: str) -> str:
    """Take a template of prefixes."""
    if value == "":
        raise ValueError(
            "is empty; to give the whole bucket leave it out and say whole_bucket = true"
        )
    if problem := template_problem(value):
        raise ValueError(problem)
    return value


def _refuse_open(scheme: str, host: str) -> None:
    if scheme != "https" and not (scheme == "http" and is_loopback(host)):
        raise ValueError("must be https: only a loopback address may be http")


def _is_bindable(host: str) -> bool:
    bracketed = re.fullmatch(r"\[(.+)\]", host)
    try:
        ipaddress.IPv6Address(bracketed[1]) if bracketed else ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def is_inside(network: str, other: str) -> bool:
    """Whether all of a network is within another one."""
    inner, outer = ipaddress.ip_network(network), ipaddress.ip_network(other)
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # of one version by now
