"""The command line of the sandbox: reads arguments, prints the ready line, sets the exit code."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from sts_server.sandbox.errors import SettingError
from sts_server.sandbox.settings import Settings

SERVER_EXTRA = (
    "httptools",
    "jwt",
    "pydantic",
    "python_multipart",
    "starlette",
    "trustme",
    "uvicorn",
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sandbox.

    Args:
        argv: Arguments; those of the process when None.

    Returns:
        The exit code: 0 after a clean end, 1 when it could not start, 2 for a wrong argument.
    """
    parser = _parser()
    chosen = vars(parser.parse_args(argv))
    if ("access_key_id" in chosen) != ("access_key_secret" in chosen):
        parser.error("--access-key-id and --access-key-secret go together")
    try:
        settings = Settings(**chosen)
    except SettingError as error:
        parser.error(str(error))
    try:
        # Imported late: without the extra, one line is all that should happen.
        from sts_server.sandbox.program import serve  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in SERVER_EXTRA:
            raise
        return _fail('the sandbox needs an extra: pip install "oss-sts[server]"')
    try:
        serve(settings, lambda line: print(line, flush=True))
    except SettingError as error:
        return _fail(str(error))
    return 0


def _fail(reason: str) -> int:
    print(f"sandbox: {reason}", file=sys.stderr)
    return 1


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m sts_server.sandbox",
        description="A local Alibaba Cloud (STS and OSS) that enforces what the real one does.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    text = parser.add_argument
    text("--host", metavar="HOST", help="address to listen on (127.0.0.1)")
    text("--port", metavar="PORT", type=int, help="port to listen on (any free one)")
    text("--tls-port", metavar="PORT", type=int, help="port for HTTPS (none; 0 is any free one)")
    text("--bucket", metavar="NAME", help="the bucket (examplebucket)")
    text("--data", metavar="DIR", type=Path, help="folder to keep data in (none is kept)")
    text("--config", metavar="FILE", type=Path, help="more users, roles, buckets, OIDC (none)")
    text("--region", metavar="ID", help="region id (cn-hangzhou)")
    text("--domain", metavar="NAME", help="buckets are <bucket>.NAME too (localhost)")
    text("--access-key-id", metavar="ID", help="key of the RAM user (random)")
    text("--access-key-secret", metavar="SECRET", help="its secret (random)")
    text("--role-arn", metavar="ARN", help="the role (acs:ram::1234567890123456:role/oss-vend)")
    text("--until-stdin-closes", action="store_true", help="end when standard input does")
    return parser
