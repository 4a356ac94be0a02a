"""`sts-server cors`: prints the CORS rule that the bucket needs for a page."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from sts_server.cli.commands import Commands
from sts_server.cli.exits import DONE
from sts_server.cli.files import read
from sts_server.config import read_tables
from sts_server.errors import ConfigError
from sts_server.shapes import origin

METHODS: Final = ("GET", "HEAD", "PUT", "POST", "DELETE")
EXPOSED: Final = (
    "ETag",
    "Last-Modified",
    "Content-Length",
    "Content-Range",
    "Date",
    "x-oss-request-id",
    "x-oss-hash-crc64ecma",
    "x-oss-version-id",
    "x-oss-next-append-position",
    "x-oss-server-time",
    "x-oss-err",
    "x-oss-ec",
)
"""What a script must be able to read; OSS takes no `*` here (OSS: "PutBucketCors")."""
MAX_AGE: Final = 600
"""Seconds that a browser may keep the answer to a preflight; Chromium keeps none for longer than
7200."""


def add_to(commands: Commands) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser("cors", help="print the CORS rule that the bucket needs")
    parser.add_argument(
        "--origin",
        metavar="URL",
        action="append",
        required=True,
        help="of the page, such as https://app.example.com; may come again",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="for the bucket's name")
    parser.add_argument(
        "--as", dest="form", choices=FORMS, metavar="FORM", help=f"only {', '.join(FORMS)}"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Print it in the forms that there are; raises ConfigError."""
    origins = [_checked(text) for text in options.origin]
    bucket = "examplebucket"
    if options.config:
        tables = read_tables(read(options.config))
        bucket = tables.oss.bucket
        for missing in (one for one in origins if one not in tables.server.allow_origins):
            print(
                f"The server does not answer {missing} either: "
                f"add it to [server] allow_origins in {options.config}",
                file=sys.stderr,
            )
    if options.form:
        print(FORMS[options.form](bucket, origins))
        return DONE
    print(
        f"In the console, at the bucket {bucket}, Data Security > CORS > Create Rule:\n\n"
        f"{console(bucket, origins)}\n\n"
        f"Or, with ossutil. It replaces all rules of the bucket. Write this into cors.xml:\n\n"
        f"{xml(bucket, origins)}\n\n"
        f"  ossutil cors --method put oss://{bucket} cors.xml\n"
        f"  ossutil api put-bucket-cors --bucket {bucket}"
        f" --cors-configuration file://cors.xml    # ossutil 2\n\n"
        f"Or, with Terraform, which replaces them, too:\n\n{terraform(bucket, origins)}"
    )
    return DONE


def console(_: str, origins: Sequence[str]) -> str:
    """Write the fields of the form; a field with several values has one in each line."""
    fields = {
        "Source": origins,
        "Allowed Methods": METHODS,
        "Allowed Headers": ("*",),
        "Exposed Headers": EXPOSED,
        "Cache Timeout (Seconds)": (str(MAX_AGE),),
        "Vary: Origin": ("on",),
    }
    return "\n".join(
        f"  {name if first else '':<25}{value}"
        for name, values in fields.items()
        for first, value in zip((True, *[False] * len(values)), values, strict=False)
    )


def xml(_: str, origins: Sequence[str]) -> str:
    """Write the body of PutBucketCors."""
    elements = [
        *(("AllowedOrigin", one) for one in origins),
        *(("AllowedMethod", one) for one in METHODS),
        ("AllowedHeader", "*"),
        *(("ExposeHeader", one) for one in EXPOSED),
        ("MaxAgeSeconds", str(MAX_AGE)),
    ]
    lines = "\n".join(f"    <{name}>{value}</{name}>" for name, value in elements)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<CORSConfiguration>\n  <CORSRule>\n{lines}\n'
        f"  </CORSRule>\n  <ResponseVary>true</ResponseVary>\n</CORSConfiguration>"
    )


def terraform(bucket: str, origins: Sequence[str]) -> str:
    """Write the resource of the provider `aliyun/alicloud`."""
    return f"""\
resource "alicloud_oss_bucket_cors" "pages" {{
  bucket        = {json.dumps(bucket)}
  response_vary = true
  cors_rule {{
    allowed_origins = {json.dumps(list(origins))}
    allowed_methods = {json.dumps(list(METHODS))}
    allowed_headers = ["*"]
    expose_header   = {json.dumps(list(EXPOSED))}
    max_age_seconds = {MAX_AGE}
  }}
}}"""


FORMS: Final[Mapping[str, Callable[[str, Sequence[str]], str]]] = {
    "console": console,
    "xml": xml,
    "terraform": terraform,
}


def _checked(text: str) -> str:
    try:
        return origin(text)
    except ValueError as error:
        raise ConfigError([f"--origin: {error}"]) from None
