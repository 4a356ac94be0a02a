"""`python -m sts_server.sandbox`."""

import sys

from sts_server.sandbox.cli import main

if __name__ == "__main__":
    sys.exit(main())
