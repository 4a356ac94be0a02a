"""`python -m sts_server.sandbox`."""

import sys

try:
    from sts_server.sandbox.cli import main

    if __name__ == "__main__":
        sys.exit(main())
except KeyboardInterrupt:
    # Pressed before there was a handler for it: while Python was still importing.
    sys.exit(130)
