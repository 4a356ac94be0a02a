"""A throwaway authority and its certificate, so that SDK defaults (https, real host names) work.

Its keys are in memory only and end with the program; what is written is the public certificate
that clients are told to trust (`REQUESTS_CA_BUNDLE`, `NODE_EXTRA_CA_CERTS`).
"""

import os
import ssl
import stat
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

import trustme

from sts_server.sandbox.errors import SettingError

CA_FILE = "ca.pem"
NOT_OURS_TO_WRITE = stat.S_IWGRP | stat.S_IWOTH


def make_certificate(names: Iterable[str], folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make an authority, a certificate for some names, and the file that makes them trusted.

    Args:
        names: Host names, wildcards and addresses.
        folder: Where `ca.pem` goes; only its owner may be able to change what is in it, else
            somebody else could put another authority there.

    Returns:
        The context to serve with, and the path of the authority's certificate.

    Raises:
        SettingError: The folder or an old `ca.pem` can be written by others, or not by us.
    """
    path = folder.absolute() / CA_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for checked in (folder, path):
            if checked.exists() and checked.stat().st_mode & NOT_OURS_TO_WRITE:
                raise SettingError(f"{checked} can be written by others: chmod go-w {checked}")
        authority = trustme.CA(organization_name="sandbox")
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
            file.write(authority.cert_pem.bytes())
        new.replace(path)
    except OSError as error:
        raise SettingError(f"{path} cannot be written: {error.strerror}") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*dict.fromkeys(names)).configure_cert(context)
    return context, path


def names_of(bucket: str, domain: str, region: str, host: str) -> list[str]:
    """List every name that the sandbox answers to.

    A wildcard stands for one label, and most clients take none directly below a single label, so
    the bucket is named beside `*.localhost`.

    Args:
        bucket: Name of the bucket.
        domain: What buckets are below of.
        region: General region id.
        host: Address that is listened on.
    """
    real = [f"oss-{region}", f"oss-{region}-internal", "oss-accelerate"]
    extra = [str(ip_address(host))] if _is_address(host) else []
    return [
        *("localhost", "127.0.0.1", "::1", *extra),
        *(f"{label}.{parent}" for parent in ("localhost", domain) for label in (bucket, "*")),
        domain,
        *("*.aliyuncs.com", f"sts.{region}.aliyuncs.com", f"sts-vpc.{region}.aliyuncs.com"),
        *(f"{name}.aliyuncs.com" for name in real),
        *(f"*.{name}.aliyuncs.com" for name in real),
    ]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
