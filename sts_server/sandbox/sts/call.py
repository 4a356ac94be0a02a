"""One STS call as plain values: RPC parameters, whether they came as parameters or as headers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sts_server.sandbox.sts.errors import StsError
from sts_server.sandbox.sts.parameters import read_parameters

FORM = "application/x-www-form-urlencoded"
# What ACS3 says in headers and RPC in parameters (STS: "V3 request syntax and signature").
NAMED_BY_HEADER = {"Action": "x-acs-action", "Version": "x-acs-version"}


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        method: HTTP method.
        parameters: Query, form, and what headers say in their place.
        sent: Query and form alone, which is what RPC signs.
        query: The parameters of the query alone, which is what ACS3 signs.
        headers: Lower-case names; none of them occurs twice.
        body: The whole body, which ACS3 signs too.
    """

    method: str
    parameters: Mapping[str, str] = field(repr=False)
    sent: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def read_call(scope: Mapping[str, Any], body: bytes) -> Call:
    """Read an ASGI scope and its body.

    Args:
        scope: The ASGI scope.
        body: The body; only a form has meaning.

    Raises:
        StsError: Something occurs twice, or is not UTF-8.
    """
    headers: dict[str, str] = {}
    for name_bytes, value in scope["headers"]:
        name = name_bytes.decode("latin-1").lower()
        if name in headers and (name.startswith("x-acs-") or name in ("authorization", "host")):
            raise StsError(400, "InvalidParameter", "A header occurs more than once.")
        headers[name] = value.decode("utf-8", "replace").strip()
    is_form = headers.get("content-type", FORM).partition(";")[0].strip().lower() == FORM
    sent = read_parameters(scope["query_string"], body if is_form else b"")
    parameters = dict(sent)
    for name, header in NAMED_BY_HEADER.items():
        if header in headers and parameters.setdefault(name, headers[header]) != headers[header]:
            raise StsError(400, "InvalidParameter", f"{name} and {header} differ.")
    if "x-acs-action" in headers:
        parameters.setdefault("Format", "JSON")
    return Call(
        method=scope["method"],
        parameters=parameters,
        sent=sent,
        query=read_parameters(scope["query_string"], b""),
        headers=headers,
        body=body,
    )
