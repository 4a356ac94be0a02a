"""Opens the desk where callers prove who they are, by what a configuration says."""

from collections.abc import Callable, Iterator
from functools import partial

from sts_server.callers.api_keys import ApiKeys
from sts_server.callers.desk import BearerLogin, Desk
from sts_server.callers.forwarded import Forwarded
from sts_server.callers.oidc.fetch import fetch_keys, file_problems
from sts_server.callers.oidc.issuer import Issuer
from sts_server.callers.oidc.login import Oidc
from sts_server.callers.secret_file import SecretFile
from sts_server.callers.webhook import Webhook
from sts_server.callers.webhook_call import calling
from sts_server.clock import Clock
from sts_server.errors import ConfigError, Refusal
from sts_server.scope import Caller
from sts_server.settings.callers import CallersTable
from sts_server.settings.forwarded import ForwardedTable
from sts_server.settings.oidc import OidcTable
from sts_server.settings.webhook import WebhookTable


def desk(
    table: CallersTable,
    clock: Clock,
    oidc: dict[str, Oidc],
    judged: Callable[[str, Refusal | None], None],
) -> Desk:
    """Give the desk where callers prove who they are.

    Args:
        table: the settings.
        clock: tells the time.
        oidc: the logins by their issuers that are there already; those of new settings come in.
        judged: is told each kind of login that was asked, and its refusal if there was one.

    Raises:
        ConfigError: a file that a login needs cannot be used.
    """
    keys = (
        (
            key.digest,
            Caller(
                caller.id,
                frozenset(caller.groups),
                expires=key.expires.timestamp() if key.expires else None,
            ),
        )
        for caller in table.api_key
        for key in caller.keys
    )
    bearers: list[BearerLogin] = [ApiKeys(keys, id_prefix=table.api_key_id_prefix, clock=clock)]
    bearers.extend(_oidc(login, clock, oidc) for login in table.oidc)
    # Last, since it claims whatever is left: no other login's token may go out to it.
    bearers.extend(_webhook(table, clock))
    return Desk(bearers, _forwarded(table), judged=judged)


def file_trials(table: CallersTable) -> Iterator[Callable[[], object]]:
    """Give a trial of each file that a login needs; it raises ConfigError if it cannot be used."""
    if table.forwarded is not None:
        yield partial(_secret_file, table.forwarded)
    if table.webhook is not None:
        yield partial(_auth_file, table.webhook)
        yield partial(calling, table.webhook)
    for number, login in enumerate(table.oidc):
        yield partial(_try_oidc, number, login)


def _try_oidc(number: int, table: OidcTable) -> None:
    if problems := [f"callers.oidc[{number}].{it}" for it in file_problems(table)]:
        raise ConfigError(problems)


def _secret_file(table: ForwardedTable) -> SecretFile:
    return SecretFile(table.secret_file, "callers.forwarded.secret_file", shortest=32)


def _auth_file(table: WebhookTable) -> SecretFile | None:
    if table.auth_file is None:
        return None
    return SecretFile(table.auth_file, "callers.webhook.auth_file")


def _webhook(table: CallersTable, clock: Clock) -> Iterator[Webhook]:
    if (hook := table.webhook) is not None:
        file = _auth_file(hook)
        yield Webhook(hook, calling(hook, file.secrets if file else None), clock=clock)


def _forwarded(table: CallersTable) -> Iterator[Forwarded]:
    if (proxy := table.forwarded) is not None:
        yield Forwarded(proxy, _secret_file(proxy).secrets)


def _oidc(table: OidcTable, clock: Clock, known: dict[str, Oidc]) -> Oidc:
    """Give the login of an issuer. One whose settings stay the same keeps its keys."""
    login = known.get(table.issuer)
    if login is None or login.table != table:
        issuer = Issuer(table.issuer, partial(fetch_keys, table))
        login = known[table.issuer] = Oidc(table, issuer, clock=clock)
    return login
