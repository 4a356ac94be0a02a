"""Reads the configuration again while the server runs: all of it is taken, or nothing."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from sts_server import logs
from sts_server.app import App
from sts_server.cli.files import read
from sts_server.config import Settings, parse
from sts_server.errors import ConfigError

_log = logging.getLogger(__name__)


def reloading(
    application: App, path: Path, environ: Mapping[str, str], begun_with: Settings
) -> Callable[[], Awaitable[None]]:
    """Make what a signal calls: it reads `path` anew and logs what came of it."""

    async def reload() -> None:
        try:
            settings = parse(read(path), environ, insecure_dev=begun_with.insecure_dev)
            _check_fixed(begun_with, settings)
            await application.reload(settings)
        except ConfigError as error:
            for problem in error.problems:
                _log.error("%s is not taken, the settings stay: %s", path, problem)
        except Exception:  # noqa: BLE001 - whatever it is, whoever sent the signal has to hear of it
            _log.exception("%s is not taken, the settings stay", path)
        else:
            logs.set_up(settings.tables.server.log_format, settings.tables.server.log_level)
            _log.info("%s is taken", path)

    return reload


def _check_fixed(old: Settings, new: Settings) -> None:
    changed = [
        f"server.{name}: cannot change while the server runs; restart it"
        for name in ("listen", "metrics_listen", "max_connections", "proxies")
        if getattr(old.tables.server, name) != getattr(new.tables.server, name)
    ]
    if changed:
        raise ConfigError(changed)
