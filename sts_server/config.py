"""Reads a TOML text and an environment into frozen Settings, naming every bad value at once."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from sts_server.access_key import KeySources, key_problems
from sts_server.errors import ConfigError
from sts_server.settings import Tables

_WORDS: Final[Mapping[str, str]] = {
    # What pydantic calls a mistake -> what to do about it in TOML.
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "float_type": "must be a number",
    "int_type": "must be a whole number, an integer without quotes",
    "mapping_type": "must be a table",
    "model_attributes_type": "must be a table",
    "model_type": "must be a table",
    "string_too_short": "is empty",
    "string_type": "must be a string, in quotes",
    "tuple_type": 'must be a list like ["a"]',
}


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the server is told: the file's tables, and what the environment holds.

    Attributes:
        key_sources: where our own key comes from.
        sts_endpoint: where STS is.
        ca_bundle: a file of certificates to trust when STS is called.
        insecure_dev: nobody proves who they are; everybody is the caller `dev`.
    """

    tables: Tables
    key_sources: KeySources
    sts_endpoint: str
    ca_bundle: str | None = None
    insecure_dev: bool = False


def parse(text: str, environ: Mapping[str, str], *, insecure_dev: bool = False) -> Settings:
    """Read a configuration.

    Args:
        text: the TOML document.
        environ: where our own key comes from; never the document.
        insecure_dev: for a document in which nobody can prove who they are, and only for one.

    Raises:
        ConfigError: with a line for every mistake: its place, what is wrong, what to do. Values are
            not repeated, since one of them may be a secret in the wrong place.
    """
    problems = [f"environment: {problem}" for problem in key_problems(environ)]
    try:
        tables = read_tables(text, insecure_dev=insecure_dev)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    in_vpc = environ.get("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "").lower() == "true"
    sts_endpoint = tables.sts.endpoint_in(tables.oss.region, in_vpc=in_vpc)
    # The first name is the official SDK's own, the second that of every Python program.
    ca_bundle = environ.get("ALIBABA_CLOUD_CA_BUNDLE") or environ.get("REQUESTS_CA_BUNDLE")
    return Settings(
        tables, KeySources.of(environ), sts_endpoint, ca_bundle or None, insecure_dev=insecure_dev
    )


def read_tables(text: str, *, insecure_dev: bool = False) -> Tables:
    """Read the tables of a configuration, without the key that is not in it; raises as `parse`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"not TOML: {error}"]) from None
    except (ValueError, RecursionError):
        raise ConfigError(["not TOML: a number is too long, or a list too deep"]) from None
    # No callers at all is a mistake of its own, found where callers are checked.
    document.setdefault("callers", {})
    try:
        return Tables.model_validate(document, context={"insecure_dev": insecure_dev})
    except ValidationError as error:
        raise ConfigError([_problem(document, dict(item)) for item in error.errors()]) from None


def _problem(document: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    place: Sequence[str | int] = item["loc"]
    match item["type"]:
        case "missing":
            what = "is missing"
        case "extra_forbidden":
            what = "is not a setting that this version knows"
        case "value_error":
            what = str(item["ctx"]["error"])
        case "tuple_type" if str(place[0]) == "grants" and len(place) == 1:
            what = "must be written [[grants]]"
        case "tuple_type" if len(place) == 2 and place[0] == "callers":  # noqa: PLR2004 - callers.api_key
            what = f"must be written [[callers.{place[1]}]]"
        case kind if kind in _WORDS:
            what = _WORDS[kind]
        case _:
            what = item["msg"][0].lower() + item["msg"][1:]
    where = _place(document, place)
    return f"{where}: {what}" if where else what


def _place(document: Any, place: Sequence[str | int]) -> str:
    """Write a place as `grants[1].prefix (uploads)`: where, and which one by its own name."""
    path, label = "", ""
    for step in place:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            document = None
        if isinstance(step, int) and isinstance(document, dict):
            name = document.get("name", document.get("id"))
            if isinstance(name, str) and name.isprintable():
                label = f" ({name})"
    return path.removeprefix(".") + label
