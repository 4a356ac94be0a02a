"""The parameters of one STS call: query and form merged, blank ones kept."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from sts_server.sandbox.sts.errors import StsError, invalid, missing


def read_parameters(query: bytes, form: bytes) -> dict[str, str]:
    """Merge the parameters of a call.

    Args:
        query: The raw query string.
        form: The raw form body, or nothing.

    Raises:
        StsError: They are not UTF-8, or a name occurs twice: then one value could be signed and
            the other one used.
    """
    try:
        pairs = [
            pair
            for raw in (query, form)
            for pair in parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
        ]
    except ValueError:
        raise StsError(400, "InvalidParameter", "The parameters are not UTF-8.") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise StsError(400, "InvalidParameter", "A parameter occurs more than once.")
    return parameters


def required(parameters: Mapping[str, str], name: str) -> str:
    """Give a parameter that must be there and not be blank.

    Raises:
        StsError: It is not.
    """
    if not parameters.get(name):
        raise missing(name)
    return parameters[name]


def answer_format(parameters: Mapping[str, str]) -> str:
    """Give `JSON` or `XML`, the default.

    Raises:
        StsError: It asks for something else.
    """
    given = parameters.get("Format", "").upper() or "XML"
    if given not in ("JSON", "XML"):
        raise invalid("Format", "The Format is JSON or XML.")
    return given
