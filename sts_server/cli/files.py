"""Reads the files that the command line names."""

from pathlib import Path

from sts_server.errors import ConfigError


def read(path: Path) -> str:
    """Read a text; raises ConfigError."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8 text"]) from None
