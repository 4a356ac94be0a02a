"""The shell's side of the client: its command line as a program of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.house import KEYS, Server

PROGRAM = [sys.executable, "-m", "sts_client.cli"]


def surroundings(server: Server, grant: str = "everything", **more: str) -> dict[str, str]:
    """Give the environment of a program that is told all by it."""
    ours = {
        "OSS_STS_SERVER": server.url,
        "OSS_STS_GRANT": grant,
        "OSS_STS_TOKEN": KEYS["alice"],
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    return {**os.environ, **ours, **more}


def sts_client(
    server: Server, *argv: str, grant: str = "everything", check: bool = True, **more: Any
) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end."""
    environ = surroundings(server, grant, **more.pop("environ", {}))
    done = subprocess.run(
        [*PROGRAM, *argv],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def home_of_traps(folder: Path) -> dict[str, str]:
    """Make a home whose every file, and an environment whose every variable, has keys of nobody."""
    trap = {"access_key_id": "LTAItrap", "access_key_secret": "trap"}
    (folder / ".aliyun").mkdir()
    (folder / ".aliyun" / "config.json").write_text(
        '{"current": "trap", "profiles": [{"name": "trap", "mode": "AK",'
        ' "access_key_id": "LTAItrap", "access_key_secret": "trap"}]}'
    )
    ini = "[default]\ntype = access_key\n" + "".join(f"{k} = {v}\n" for k, v in trap.items())
    (folder / ".alibabacloud").mkdir()
    for name in ("credentials", "credentials.ini"):
        (folder / ".alibabacloud" / name).write_text(ini)
    (folder / "named.ini").write_text(ini)
    return {
        "HOME": str(folder),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAItrap",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "trap",
        "ALIBABA_CLOUD_SECURITY_TOKEN": "trap",
        "ALIBABA_CLOUD_PROFILE": "trap",
        "ALIBABA_CLOUD_CREDENTIALS_FILE": str(folder / "named.ini"),
        "ALIBABA_CLOUD_CREDENTIALS_URI": "http://127.0.0.1:9/trap",
        "ALIBABA_CLOUD_ECS_METADATA": "trap",
        "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/trap",
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/trap",
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(folder / "named.ini"),
        "OSS_ACCESS_KEY_ID": "LTAItrap",
        "OSS_ACCESS_KEY_SECRET": "trap",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
