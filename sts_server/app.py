"""Puts the parts together: settings, clock and upstream in, an ASGI application out."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import ASGIApp

from sts_server.audit import AuditLog, Record
from sts_server.cache.memory import MemoryCache
from sts_server.callers.api_keys import ApiKeys
from sts_server.callers.desk import Desk
from sts_server.clock import Clock, system_clock
from sts_server.config import Settings
from sts_server.errors import ConfigError
from sts_server.http.envelope import Envelope
from sts_server.http.routes import problems, routes
from sts_server.lease import AssumeRole
from sts_server.policy import LONGEST_POLICY, session_policy
from sts_server.prefix import longest
from sts_server.scope import Caller, Grant, Scope
from sts_server.settings import Tables
from sts_server.settings.callers import CallersTable
from sts_server.upstream import Sts
from sts_server.vending import Role, Vending, telling_operator


def build(
    settings: Settings,
    *,
    assume_role: AssumeRole | None = None,
    audit: Callable[[Record], None] | None = None,
    clock: Clock = system_clock,
) -> ASGIApp:
    """Build the application.

    Args:
        settings: what `config.parse` read.
        assume_role: asks for a lease; by default STS does, with the settings' key.
        audit: takes each audit record; by default the settings' log does.
        clock: tells the time.

    Raises:
        ConfigError: a grant's policy can be longer than STS takes, or a file cannot be opened.
    """
    tables = settings.tables
    check(tables)
    if settings.ca_bundle is not None and not Path(settings.ca_bundle).exists():
        raise ConfigError(["environment: the CA bundle it names does not exist"])
    sts: Sts | None = None
    if assume_role is None:
        sts = Sts(
            key_id=settings.key.id,
            key_secret=settings.key.secret,
            security_token=settings.key.security_token,
            region=tables.oss.region,
            endpoint=tables.sts.endpoint,
            max_calls=tables.sts.max_calls,
            ca_bundle=settings.ca_bundle,
            clock=clock,
        )
        assume_role = sts.assume_role
    vending = Vending(
        callers=desk(tables.callers, clock),
        grants=grants(tables),
        bucket=tables.oss.bucket,
        role=Role(tables.sts.role_arn, tables.sts.external_id),
        cache=MemoryCache(
            telling_operator(assume_role),
            # While STS hangs, one caller must leave room for another.
            calls_at_once=max(1, tables.sts.max_calls // 2),
            clock=clock,
        ),
        audit=audit or _audit_log(tables.server.audit, clock).write,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        if sts is not None:
            sts.close()

    inside = Starlette(
        routes=routes(vending, tables.oss, clock),
        exception_handlers=problems(),
        lifespan=lifespan,
    )
    # A slash too many is no other name for a lease: a redirect would go to whatever Host says.
    inside.router.redirect_slashes = False
    # Outermost, so that even what Starlette answers to a fault of our own is sealed.
    return Envelope(inside)


def desk(table: CallersTable, clock: Clock) -> Desk:
    """Give the desk where callers prove who they are."""
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
    return Desk([ApiKeys(keys, id_prefix=table.api_key_id_prefix, clock=clock)])


def grants(tables: Tables) -> dict[str, Grant]:
    """Give the grants of a configuration by name."""
    return {table.name: table.grant for table in tables.grants}


def longest_policies(tables: Tables) -> dict[str, int]:
    """Measure each grant's session policy, in characters, for the longest name there can be."""
    return {
        name: len(session_policy(Scope(tables.oss.bucket, longest(grant.prefix), grant.actions)))
        for name, grant in grants(tables).items()
    }


def check(tables: Tables) -> None:
    """Refuse a configuration some of whose leases STS would refuse.

    Raises:
        ConfigError: with a line for each grant whose policy can be too long.
    """
    problems = [
        f"grants ({name}): prefix is too long: its session policy can reach {length} characters of "
        f"the {LONGEST_POLICY} that STS takes"
        for name, length in longest_policies(tables).items()
        if length > LONGEST_POLICY
    ]
    if problems:
        raise ConfigError(problems)


def _audit_log(target: str, clock: Clock) -> AuditLog:
    try:
        return AuditLog(target, clock=clock)
    except OSError as error:
        raise ConfigError([f"server.audit: cannot be opened: {error.strerror}"]) from None
