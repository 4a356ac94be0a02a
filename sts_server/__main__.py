"""The door to the command line: names the extra to install where a part is missing."""

import sys

try:
    from sts_server.cli import main as _main
except KeyboardInterrupt:
    # Half a second of imports is long enough to press Ctrl-C in.
    sys.exit(130)
except ModuleNotFoundError as _missing:
    if (_missing.name or "").startswith("sts_server"):
        raise
    sys.exit(f'sts-server: {_missing.name} is missing; run: pip install "oss-sts[server]"')


def main() -> None:
    """Run `sts-server` and leave with its exit code."""
    sys.exit(_main())


if __name__ == "__main__":
    main()
