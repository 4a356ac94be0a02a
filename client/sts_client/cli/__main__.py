"""``python -m sts_client.cli``: the command line where its script is not installed."""

import sys

from sts_client.cli.program import main

sys.exit(main())
