"""Reads a TOML text into more users, roles, buckets and OIDC providers.

Every mistake is named at once. Pure: who calls it reads the files.
"""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from sts_server.sandbox.accounts import Role, User
from sts_server.sandbox.errors import SettingError
from sts_server.sandbox.jwks import parse_jwks
from sts_server.sandbox.ram.document import parse_policy, parse_trust_policy
from sts_server.sandbox.settings import Settings
from sts_server.sandbox.store.bucket import Bucket, Cors, CorsRule
from sts_server.sandbox.sts.oidc import Provider
from sts_server.sandbox.tables import BucketTable, ProviderTable, RoleTable, Tables, UserTable


@dataclass(frozen=True)
class Config:
    """What a file adds to the user, the role and the bucket that every sandbox has."""

    users: tuple[User, ...] = ()
    roles: tuple[Role, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    providers: tuple[Provider, ...] = ()


def parse(
    text: str, settings: Settings, *, user_name: str, now: datetime, read: Callable[[str], str]
) -> Config:
    """Read a configuration.

    Args:
        text: The TOML document.
        settings: Whose account everything belongs to, and whose names are taken.
        user_name: The name of the user that every sandbox has.
        now: When buckets are made.
        read: Reads a JWKS file by its path as written; raises SettingError if it cannot.

    Raises:
        SettingError: With a line for every mistake: its place and what is wrong. Values are not
            repeated, since one of them may be a secret in the wrong place.
    """
    try:
        tables = Tables.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingError(f"not TOML: {error}") from None
    except ValidationError as error:
        raise SettingError("\n".join(map(_problem, error.errors()))) from None
    problems = [
        *_doubles("users", "name", [user_name, *(one.name for one in tables.users)]),
        *_doubles(
            "users",
            "access_key_id",
            [settings.access_key_id, *(one.access_key_id for one in tables.users)],
        ),
        *_doubles("roles", "name", [settings.role_name, *(one.name for one in tables.roles)]),
        *_doubles("buckets", "name", [settings.bucket, *(one.name for one in tables.buckets)]),
        *_doubles("oidc_providers", "name", ["", *(one.name for one in tables.oidc_providers)]),
    ]
    providers = []
    for place, table in enumerate(tables.oidc_providers):
        try:
            providers.append(_provider(table, settings.account, read))
        except SettingError as error:
            problems.append(f"oidc_providers[{place}].jwks_file: {error}")
    if problems:
        raise SettingError("\n".join(problems))
    return Config(
        tuple(_user(one, settings.account) for one in tables.users),
        tuple(_role(one, settings.account) for one in tables.roles),
        tuple(_bucket(one, now) for one in tables.buckets),
        tuple(providers),
    )


def _user(table: UserTable, account: str) -> User:
    return User(
        name=table.name,
        account=account,
        access_key_id=table.access_key_id,
        access_key_secret=table.access_key_secret,
        policies=tuple(map(parse_policy, table.policies)),
        active=table.active,
    )


def _role(table: RoleTable, account: str) -> Role:
    return Role(
        name=table.name,
        account=account,
        trust=parse_trust_policy(table.trust or account_trust(account, table.external_id)),
        policies=tuple(map(parse_policy, table.policies)),
        max_duration=timedelta(seconds=table.max_session_duration),
    )


def _bucket(table: BucketTable, now: datetime) -> Bucket:
    rules = tuple(
        CorsRule(
            tuple(rule.origins),
            tuple(rule.methods),
            tuple(rule.headers),
            tuple(rule.exposed),
            rule.max_age,
        )
        for rule in table.cors
    )
    return Bucket(
        table.name,
        now.replace(microsecond=0),
        acl=table.acl,
        versioning="Enabled" if table.versioning else "",
        cors=Cors(rules) if rules else None,
    )


def _provider(table: ProviderTable, account: str, read: Callable[[str], str]) -> Provider:
    return Provider(
        arn=f"acs:ram::{account}:oidc-provider/{table.name}",
        issuer=table.issuer,
        client_ids=frozenset(table.client_ids),
        jwks=parse_jwks(read(table.jwks_file or "") if table.jwks is None else table.jwks),
    )


def account_trust(account: str, external_id: str | None = None) -> str:
    """Write the trust policy that lets an account's users in, if their own policies do too.

    Args:
        account: The account id.
        external_id: What they must name, or None.
    """
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"RAM": [f"acs:ram::{account}:root"]},
    }
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return json.dumps({"Version": "1", "Statement": [statement]})


def _doubles(table: str, member: str, values: Sequence[str]) -> list[str]:
    """Name every value that occurs before; the first one is the sandbox's own, in no table."""
    return [
        f"{table}[{place - 1}].{member}: is taken"
        for place, value in enumerate(values)
        if value in values[:place]
    ]


def _problem(item: Mapping[str, Any]) -> str:
    place = "".join(
        f"[{step}]" if isinstance(step, int) else f".{_shown(step)}" for step in item["loc"]
    )
    match item["type"]:
        case "missing":
            what = "is missing"
        case "extra_forbidden":
            what = "is not a setting that this version knows"
        case "value_error":
            what = str(item["ctx"]["error"])
        case _:
            what = item["msg"][0].lower() + item["msg"][1:]
    return f"{place.removeprefix('.')}: {what}"


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)
