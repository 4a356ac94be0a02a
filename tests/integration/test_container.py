"""deploy/container: judged by hadolint and the Compose schema, and started for real without a container."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import sts_client

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "container"
DOCKERFILE = (FOLDER / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_bytes())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CONFIG = FOLDER / "trial" / "sts-server"


def judged(*argv: str | Path) -> None:
    """Let a program that came with the tests judge."""
    program = Path(sys.executable).with_name(str(argv[0]))
    done = subprocess.run([program, *argv[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def instructions(word: str) -> list[str]:
    return re.findall(rf"^{word} (.*)$", DOCKERFILE.replace("\\\n", " "), re.MULTILINE)


def versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock.read_text("utf-8"), re.MULTILINE))


def needed(name: str, extra: str = "") -> set[str]:
    """Name what a package needs here, itself not counted; what is needed by that, too."""
    found: set[str] = set()
    for line in distribution(name).requires or ():
        one = Requirement(line)
        if one.marker is None or one.marker.evaluate({"extra": extra}):
            found |= {canonicalize_name(one.name)}
            for deeper in ("", *one.extras):
                found |= needed(one.name, deeper)
    return found


def test_hadolint_has_nothing_to_say() -> None:
    judged("hadolint", FOLDER / "Dockerfile")


def test_compose_fits_its_schema() -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    judged("check-jsonschema", *schema, FOLDER / "compose.yaml")


def test_what_is_copied_into_the_image_is_there_and_reaches_the_builder() -> None:
    let_through = re.findall(
        r"^!(.*)$", (FOLDER / "Dockerfile.dockerignore").read_text(), re.MULTILINE
    )
    sources = [source for line in instructions("COPY") for source in line.split()[:-1]]
    for source in sources:
        if source.startswith(("--from", "/")):
            continue
        assert (ROOT / source).exists()
        assert any(Path(source).match(pattern) for pattern in let_through), source
    assert not any(
        Path(name).match(it) for name in ("deploy", "x.toml", ".git") for it in let_through
    )


def test_the_image_runs_as_nobody_from_one_base() -> None:
    bases = {line.split()[0] for line in instructions("FROM")}
    assert len(bases) == 1
    assert re.search(r":\d+\.\d+-", bases.pop())
    (user,) = instructions("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_the_image_holds_what_the_server_needs_in_the_versions_that_are_tested() -> None:
    image, tested = versions(FOLDER / "requirements.lock"), versions(ROOT / "requirements.lock")
    assert image.items() <= tested.items()
    wanted = {canonicalize_name(name) for name in image}
    assert needed("oss-sts", "server") <= wanted
    assert not {"pytest", "oss2", "ruff", "mypy"} & wanted
    for lock in ("requirements.lock", "build.lock"):
        text = (FOLDER / lock).read_text("utf-8")
        assert text.count("==") <= text.count("--hash=sha256:")
        assert "://" not in text


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == instructions("USER")[0]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_every_file_that_is_named_is_there() -> None:
    files = [secret["file"] for secret in COMPOSE["secrets"].values()]
    mounts = [
        volume.split(":")[0] for one in SERVICES.values() for volume in one.get("volumes", ())
    ]
    context = FOLDER / SERVICES["sts-server"]["build"]["context"]
    assert context.resolve() == ROOT
    assert (context / SERVICES["sts-server"]["build"]["dockerfile"]).samefile(FOLDER / "Dockerfile")
    assert all((FOLDER / name).exists() for name in (*files, *mounts))
    used = {name for one in SERVICES.values() for name in one.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])


def test_compose_and_dockerfile_run_the_same() -> None:
    assert SERVICES["sts-server"]["command"] == json.loads(instructions("CMD")[0])
    probe = instructions("HEALTHCHECK")[0].partition(" CMD ")[2]
    assert SERVICES["sts-server"]["healthcheck"]["test"] == ["CMD", *json.loads(probe)]


class Container:
    """A service as a process of this machine: its argv, environment and files, its ports free ones."""

    def __init__(self, name: str, folder: Path, ports: dict[str, str]) -> None:
        self.service = SERVICES[name]
        self._folder = folder
        self._ports = ports
        entry = self.service.get("entrypoint") or json.loads(instructions("ENTRYPOINT")[0])
        self.argv = self._here([*entry, *self.service["command"]])
        self.probe = self._here(self.service.get("healthcheck", {}).get("test", [""])[1:])

    def _here(self, words: list[str]) -> list[str]:
        places = {
            "/run/secrets": str(FOLDER / "trial"),
            "/etc/sts-server": str(self._folder),
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - replaced
            **self._ports,
        }
        for there, here in places.items():
            words = [word.replace(there, here) for word in words]
        return [sys.executable if word == "python" else word for word in words]

    @contextmanager
    def running(self) -> Iterator[dict[str, str]]:
        """Run it until the block ends; give what it says when it is ready."""
        told = self.service.get("environment", {})
        environ = dict(zip(told, self._here(list(told.values())), strict=True))
        # Nothing of this machine's: no key, no home with one.
        process = subprocess.Popen(
            self.argv,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), **environ},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.communicate(timeout=30)
            assert process.returncode == 0

    def healthy(self) -> bool:
        return subprocess.run(self.probe, capture_output=True, check=False).returncode == 0


def test_what_compose_runs_starts_and_vends(tmp_path: Path) -> None:
    made = subprocess.run(
        Container("new-key", tmp_path, {}).argv,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    (sha256,) = re.findall(r'"([0-9a-f]{64})"', made.stdout)
    (key,) = re.findall(r"osk_\S+", made.stderr)
    shutil.copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "sts-server.toml"
    with Container("sandbox", tmp_path, {"9000": "0"}).running() as cloud:
        port = str(urlsplit(cloud["endpoint"]).port)
        assert Container("sandbox", tmp_path, {"9000": port}).healthy()
        told = config.read_text().replace(":9000", f":{port}").replace("0" * 64, sha256)
        config.write_text(f'[server]\nmetrics_listen = "127.0.0.1:0"\n{told}')
        with Container("sts-server", tmp_path, {":8000": ":0"}).running() as ready:
            served = str(urlsplit(ready["url"]).port)
            assert Container("sts-server", tmp_path, {"8000": served}).healthy()
            with sts_client.connect(ready["url"], grant="uploads", token=key) as bucket:
                bucket.put("users/alice/a.txt", b"hello")
                assert bucket.get("users/alice/a.txt").read() == b"hello"
        assert not Container("sts-server", tmp_path, {"8000": served}).healthy()


def test_the_example_key_of_the_trial_is_nobodys(tmp_path: Path) -> None:
    shutil.copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    argv = Container("sts-server", tmp_path, {":8000": ":0"}).argv
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "new-key" in done.stderr
