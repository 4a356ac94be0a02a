"""Puts the parts together: settings, clock and upstream in, an ASGI application out."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from starlette.applications import Starlette

from sts_server.audit import AuditLog, Record
from sts_server.cache.memory import MemoryCache
from sts_server.callers.everybody import Everybody
from sts_server.callers.oidc.login import Oidc
from sts_server.callers.opening import desk
from sts_server.catalogue import Catalogue
from sts_server.clock import Clock, system_clock
from sts_server.config import Settings
from sts_server.denials import Denials
from sts_server.deny_file import DenyFile
from sts_server.errors import ConfigError
from sts_server.http.front import front
from sts_server.http.health import health
from sts_server.http.live import Generation, Live
from sts_server.http.page import page
from sts_server.http.routes import problems, routes
from sts_server.lease import AssumeRole, Lease, RoleRequest
from sts_server.metrics import Metrics
from sts_server.needed_files import try_files
from sts_server.overlaps import overlaps
from sts_server.policy import LONGEST_POLICY, session_policy
from sts_server.probe import Probe, harmless
from sts_server.rates import Rate
from sts_server.readiness import Evidence
from sts_server.scope import Grant, Scope
from sts_server.settings import Tables
from sts_server.template import longest
from sts_server.trial import Step, trial_steps
from sts_server.upstream.opening import open_sts
from sts_server.upstream.sts import Observed, Sts, observe_nothing
from sts_server.vending import Role, Vending, telling_operator

_log = logging.getLogger(__name__)


class App(Live):
    """The application, and what of it outlives a change of its settings: leases and counts.

    Attributes:
        metrics: what it counts.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        assume_role: AssumeRole | None = None,
        audit: Callable[[Record], None] | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """Put the parts together.

        Args:
            settings: what `config.parse` read.
            assume_role: asks for a lease; by default STS does, with the settings' key.
            audit: takes each audit record; by default the settings' log does.
            clock: tells the time.

        Raises:
            ConfigError: a grant's policy can be longer than STS takes, a file cannot be opened, or
                there is no key of our own.
        """
        self._assume_role = assume_role
        self._audit = audit
        self._clock = clock
        self.metrics = Metrics(clock=clock)
        self._cache = MemoryCache(_nobody, counts=self.metrics.cache, clock=clock)
        self.metrics.read(kept=lambda: self._cache.shelves.leases)
        self._begun = False
        self._oidc: dict[str, Oidc] = {}
        super().__init__(self._generation(settings))

    async def reload(self, settings: Settings) -> None:
        """Answer by other settings from now on; the leases that are out stay known.

        Raises:
            ConfigError: they cannot be used; then nothing has changed.
        """
        await self.change_to(await asyncio.to_thread(self._generation, settings))

    def _generation(self, settings: Settings) -> Generation:
        tables = settings.tables
        check(tables)
        try_files(tables)
        for overlap in overlaps(grants(tables).values()):
            _log.warning("grants: %s", overlap)
        with contextlib.ExitStack() as opened:
            granted = grants(tables)
            audit = self.metrics.audited(
                self._audit or _audit_log(tables.server.audit, self._clock, opened), granted
            )
            # A copy: what a generation that never begins has made is nobody's.
            oidc = dict(self._oidc)
            callers = (
                Everybody()
                if settings.insecure_dev
                else desk(tables.callers, self._clock, oidc, self.metrics.proven)
            )
            rate = Rate(tables.server.requests_per_caller)
            denials = (
                DenyFile(Path(tables.server.deny_file)) if tables.server.deny_file else Denials
            )
            vending = Vending(
                callers=callers,
                grants=granted,
                bucket=tables.oss.bucket,
                role=_role(tables),
                cache=self._cache,
                audit=audit,
                rate=rate,
                denials=denials,
                clock=self._clock,
            )
            catalogue = Catalogue(
                callers=callers,
                grants=granted,
                bucket=tables.oss.bucket,
                audit=audit,
                rate=rate,
                denials=denials,
                clock=self._clock,
            )
            # Last, since whatever is read from it is read from this one from now on.
            assume_role, probe = self._upstream(settings, opened)
            inside = Starlette(
                routes=[
                    *routes(vending, catalogue, tables.oss, self._clock),
                    *health(lambda: probe.verdict),
                    *page(tables.server, tables.oss),
                ],
                exception_handlers=problems(),
            )
            # A slash too many is no other name for a lease: a redirect would go to whatever Host
            # says.
            inside.router.redirect_slashes = False
            parts = opened.pop_all()

        @contextlib.asynccontextmanager
        async def running() -> AsyncIterator[None]:
            with parts:
                self._cache.assume_role = telling_operator(probe.watching(assume_role))
                # While STS hangs, one caller must leave room for another.
                self._cache.shelves.calls_at_once = max(1, tables.sts.max_calls // 2)
                self._begun = True
                self._oidc = {it.issuer: oidc[it.issuer] for it in tables.callers.oidc}
                self.metrics.read(ready=lambda: probe.verdict.ready)
                probing = asyncio.create_task(probe.run())
                try:
                    yield
                finally:
                    probing.cancel()

        return Generation(
            front(inside, tables.server, insecure_dev=settings.insecure_dev), running()
        )

    def _upstream(
        self, settings: Settings, opened: contextlib.ExitStack
    ) -> tuple[AssumeRole, Probe]:
        """Give what asks STS for leases, and the probe of it."""
        every = settings.tables.server.probe_seconds
        if self._assume_role is not None:
            return self.metrics.timed("AssumeRole", self._assume_role), Probe(every=every)
        table = settings.tables.sts
        canary = harmless(table.role_arn, table.external_id)

        def observed(request: RoleRequest, outcome: str, seconds: float) -> None:
            name = "AssumeRoleProbe" if request == canary else "AssumeRole"
            self.metrics.called(name, outcome, seconds)

        sts = upstream(settings, self._clock, observed)
        opened.callback(sts.close)
        self.metrics.read(under_way=lambda: sts.under_way, queue=lambda: sts.waiting)
        probe = Probe(
            every=every,
            # Other settings are believed until STS refuses them: a reload takes nobody out of
            # service.
            known=Evidence(probed=self._begun),
            identify=self.metrics.timed("GetCallerIdentity", sts.identity),
            try_role=partial(sts.assume_role, canary),
        )
        return sts.assume_role, probe


async def _nobody(_: RoleRequest) -> Lease:
    raise AssertionError("no generation has begun")


def upstream(
    settings: Settings, clock: Clock = system_clock, observed: Observed = observe_nothing
) -> Sts:
    """Give STS as it is called with our own key, which is looked for now.

    Raises:
        ConfigError: there is no key. One whose source is only away is looked for again later.
    """
    return open_sts(
        settings.tables.sts,
        settings.key_sources,
        endpoint=settings.sts_endpoint,
        region=settings.tables.oss.region,
        ca_bundle=settings.ca_bundle,
        clock=clock,
        observed=observed,
    )


async def check_live(settings: Settings) -> AsyncIterator[Step]:
    """Ask STS for what the grants will need, step by step; raises ConfigError as `upstream`."""
    tables = settings.tables
    scopes = {
        name: (_longest_scope(tables, grant), grant.duration)
        for name, grant in grants(tables).items()
    }
    async with upstream(settings) as sts:
        async for step in trial_steps(sts.identity, sts.assume_role, _role(tables), scopes):
            yield step


def grants(tables: Tables) -> dict[str, Grant]:
    """Give the grants of a configuration by name."""
    return {table.name: table.grant for table in tables.grants}


def longest_policies(tables: Tables) -> dict[str, int]:
    """Measure each grant's session policy, in characters, for the longest name there can be."""
    return {
        name: len(session_policy(_longest_scope(tables, grant)))
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


def _longest_scope(tables: Tables, grant: Grant) -> Scope:
    return Scope(tables.oss.bucket, longest(grant.prefix), grant.actions)


def _role(tables: Tables) -> Role:
    return Role(tables.sts.role_arn, tables.sts.external_id)


def _audit_log(target: str, clock: Clock, opened: contextlib.ExitStack) -> Callable[[Record], None]:
    try:
        log = AuditLog(target, clock=clock)
    except OSError as error:
        raise ConfigError([f"server.audit: {target}: cannot be opened: {error.strerror}"]) from None
    opened.callback(log.close)
    return log.write
