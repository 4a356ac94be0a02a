"""The RPC signature V1 of STS, recomputed (STS: "RPC request syntax and signature"). Pure."""

import base64
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus


def string_to_sign(
    method: str,
    parameters: Mapping[str, str],
    encode: Callable[[str], str] = lambda text: quote(text, safe=""),
) -> str:
    """Build the text whose HMAC is the signature.

    Args:
        method: HTTP method.
        parameters: All parameters; `Signature` is left out.
        encode: How names and values are percent-encoded; RFC 3986 is the rule.
    """
    pairs = sorted((name, value) for name, value in parameters.items() if name != "Signature")
    canonical = "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)
    return f"{method}&%2F&{quote(canonical, safe='')}"


def sign(secret: str, text: str) -> str:
    """Sign a text: HMAC-SHA1 keyed with the secret and `&`, in base64."""
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), text.encode(), "sha1")).decode()


def matches(secret: str, method: str, parameters: Mapping[str, str]) -> bool:
    """Say whether the `Signature` among the parameters was made with a secret.

    alibabacloud-credentials encodes a blank as `+` before it signs, so both forms count.

    Args:
        secret: The AccessKey secret of the claimed key.
        method: HTTP method.
        parameters: All parameters as they arrived.
    """
    given = parameters.get("Signature", "").encode()
    texts = (
        string_to_sign(method, parameters),
        string_to_sign(method, parameters, lambda text: quote_plus(text, safe="")),
    )
    return any(hmac.compare_digest(sign(secret, text).encode(), given) for text in texts)
