"""The door to the command line: names the extra to install where a part is missing."""

import os
import sys

_INTERRUPTED = 130

try:
    from sts_server.cli import main as _main
except KeyboardInterrupt:
    # Half a second of imports is long enough to press Ctrl-C in.
    sys.exit(_INTERRUPTED)
except ModuleNotFoundError as _missing:
    if (_missing.name or "").startswith("sts_server"):
        raise
    sys.exit(f'sts-server: {_missing.name} is missing; run: pip install "oss-sts[server]"')


def main() -> None:
    """Run `sts-server` and leave with its exit code."""
    code = _main()
    if code == _INTERRUPTED:
        # A call to STS may still be under way in a thread, and Python would wait for it.
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
