"""A running sandbox, held from Python: starts the program, knows its addresses, ends it."""

import json
import selectors
import subprocess
import sys
import tempfile
from os import PathLike, fspath
from types import TracebackType
from typing import IO, Self

from sts_server.sandbox.errors import StartError
from sts_server.sandbox.remote import Remote

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class Sandbox(Remote):
    """The sandbox program as a context manager; it ends with the block, or with this process.

    Args:
        bucket: Name of its bucket.
        region: General region id.
        host: Address to listen on.
        port: Port to listen on, or 0 for any free one.
        tls_port: Port for HTTPS, or 0 for any free one; None for no HTTPS.
        domain: Buckets are `<bucket>.<domain>` too.
        data: Folder to keep data in; None for one that is removed at the end.
        config: TOML file of more users, roles, buckets and OIDC providers.

    Attributes:
        endpoint: OSS endpoint, `http://127.0.0.1:PORT`.
        browser_endpoint: The same with the name `localhost`, which browsers need.
        sts_endpoint: STS endpoint.
        control_endpoint: Where the control listener is.
        control_token: What it wants to see.
        bucket: Name of the bucket.
        region: Region id.
        access_key_id: Key of the RAM user, who may assume the role and do all in OSS.
        access_key_secret: Its secret.
        role_arn: ARN of the role, which may do all in the bucket.
        tls_endpoint: The same over HTTPS; empty without `tls_port`.
        ca_file: The certificate to trust there, a PEM file; empty without `tls_port`.
    """

    endpoint: str
    browser_endpoint: str
    sts_endpoint: str
    bucket: str
    region: str
    access_key_id: str
    access_key_secret: str
    role_arn: str
    tls_endpoint: str = ""
    ca_file: str = ""

    def __init__(
        self,
        *,
        bucket: str = "examplebucket",
        region: str = "cn-hangzhou",
        host: str = "127.0.0.1",
        port: int = 0,
        tls_port: int | None = None,
        domain: str = "localhost",
        data: str | PathLike[str] | None = None,
        config: str | PathLike[str] | None = None,
    ) -> None:
        self._arguments = [
            *("--until-stdin-closes", "--bucket", bucket, "--region", region),
            *("--host", host, "--port", str(port), "--domain", domain),
            *(() if tls_port is None else ("--tls-port", str(tls_port))),
            *(() if data is None else ("--data", fspath(data))),
            *(() if config is None else ("--config", fspath(config))),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None

    def __repr__(self) -> str:
        return f"<Sandbox {getattr(self, 'endpoint', 'not started')}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the program and wait until it is ready.

        Raises:
            StartError: It ended or stayed silent; the text holds what it said.
        """
        if self._process is not None:
            raise StartError("this sandbox is already running")
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the program
        self._process = subprocess.Popen(  # noqa: S603 - this very package, no shell
            [sys.executable, "-m", "sts_server.sandbox", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,  # Ctrl-C is for whoever holds the sandbox, who then ends it
        )
        try:
            ready = _ready_line(self._process)
        except StartError as error:
            self._kill()
            raise StartError(f"{error}: {self._said() or 'it said nothing'}") from None
        except BaseException:
            self._kill()
            self._said()
            raise
        for name, value in ready.items():
            setattr(self, name, value)

    def stop(self) -> None:
        """End the program and wait for it; what it wrote to standard error is passed on."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._kill()
        if said := self._said():
            sys.stderr.write(f"{said}\n")

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _said(self) -> str:
        stderr, self._stderr = self._stderr, None
        if stderr is None:
            return ""
        with stderr:
            stderr.seek(0)
            return stderr.read().decode(errors="replace").strip()


def _ready_line(process: subprocess.Popen[bytes]) -> dict[str, str]:
    stdout = process.stdout
    if stdout is None:
        raise StartError("the sandbox has no standard output")
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        if not selector.select(START_SECONDS):
            raise StartError(f"the sandbox was not ready within {START_SECONDS:.0f} s")
    line = stdout.readline()
    if not line:
        raise StartError("the sandbox ended before it was ready")
    ready: dict[str, str] = json.loads(line)
    return ready
