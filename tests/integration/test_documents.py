"""What the documents say is run: README's programs, the example configuration, the named files."""

import re
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from sts_client import Entry, connect
from sts_server.config import parse
from sts_server.sandbox import Sandbox
from sts_server.settings.oidc import OidcTable
from sts_server.settings.table import Table
from tests.integration.house import KEYS, Server

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
GUIDE = (ROOT / "deploy" / "README.md").read_text("utf-8")
EXAMPLE = (ROOT / "deploy" / "sts-server.toml").read_text("utf-8").replace("0" * 64, "ab" * 32)
ENVIRON = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "x"}


def program(about: str) -> str:
    (found,) = (
        text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if about in text
    )
    return str(found)


def run(source: str, **names: object) -> None:
    exec(compile(source, "README.md", "exec"), names)  # noqa: S102 - our own document


def test_the_clients_program_runs(shared: Server, capsys: pytest.CaptureFixture[str]) -> None:
    source = program("sts_client.connect").replace("https://sts.example.com", shared.url)
    run(source, get_jwt=lambda: KEYS["alice"])
    assert "b'a,b\\n1,2\\n'" in capsys.readouterr().out


def test_the_program_of_folders_runs(
    shared: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(shared.url, grant="everything", token=KEYS["alice"]) as bucket, chdir(tmp_path):
        # Other tests leave names that no folder can have, and a mirror says so.
        bucket.delete_many([entry.key for entry in bucket.list() if isinstance(entry, Entry)])
        bucket.put("users/alice/report.csv", b"a,b\n3,4\n")
        run(program("bucket.mirror("), bucket=bucket)
    out = capsys.readouterr().out
    assert out.startswith("True ")
    assert "b'a,b\\n3,4\\n'" in out
    assert (tmp_path / "local" / "report.csv").exists()


def test_the_sandboxs_program_runs() -> None:
    run(program("with Sandbox("))


def test_the_program_with_faults_runs() -> None:
    with Sandbox() as sandbox:
        run(program("sandbox.fault("), sandbox=sandbox)
        assert sandbox.faults() == []


def test_the_two_commands_are_targets() -> None:
    listed = subprocess.run(
        ["/usr/bin/env", "make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert f"make {target} " in listed


def test_the_example_configuration_is_one() -> None:
    tables = parse(EXAMPLE, ENVIRON).tables
    assert [grant.name for grant in tables.grants] == ["uploads", "everything"]


@pytest.mark.parametrize("table", Table.__subclasses__(), ids=lambda table: table.__name__)
def test_every_setting_stands_in_the_example(table: type[Table]) -> None:
    for name, setting in table.model_fields.items():
        word = setting.alias or name
        said = rf"(?m)(^(# )?|\{{ |, ){word} = |^(# )?\[+([a-z]+\.)?{word}\b"
        assert re.search(said, EXAMPLE), word


def test_what_stands_commented_in_the_example_is_taken(tmp_path: Path) -> None:
    told = re.sub(r"(?m)^# (\w+ = |\[)", r"\1", EXAMPLE).replace('"…"', '"an-id"')
    # Two ways to say where STS is; together they are refused.
    told = re.sub(r'(?m)^endpoint = "https://sts.*\n', "", told)
    tables = parse(told.replace('audit = "stderr"', f'audit = "{tmp_path}/a"'), ENVIRON).tables
    defaults = parse(EXAMPLE, ENVIRON).tables
    assert tables.server.listen == defaults.server.listen
    assert (tables.oss.endpoint, tables.oss.style) == (defaults.oss.endpoint, defaults.oss.style)
    said = {"region", "vpc", "external_id"}
    assert tables.sts.model_dump(exclude=said) == defaults.sts.model_dump(exclude=said)
    assert tables.grants[0].duration == defaults.grants[0].duration
    (oidc,) = tables.callers.oidc
    for name in ("id_claim", "algorithms", "leeway"):
        assert getattr(oidc, name) == OidcTable.model_fields[name].default
    assert tables.callers.forwarded is not None
    assert tables.callers.webhook is not None


@pytest.mark.parametrize(
    "recipe", sorted((ROOT / "deploy" / "callers").glob("*.md")), ids=lambda it: it.name
)
def test_the_tables_of_a_recipe_are_taken(recipe: Path) -> None:
    for table in re.findall(r"```toml\n(.*?)```", recipe.read_text("utf-8"), re.DOTALL):
        # Beside API keys, so with the id_prefix that stands commented.
        parse(EXAMPLE + re.sub(r"(?m)^# (\w+ = )", r"\1", table), ENVIRON)


@pytest.mark.parametrize(
    "document", ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md"]
)
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    for name in re.findall(
        r"[`(]((?:tests|deploy|sts_server|sts_client)/[\w./-]+|[A-Z]+\.md)[`)]", text
    ):
        assert (ROOT / name).exists() or (ROOT / "client" / name).exists(), name


def test_every_link_of_the_deployment_guide_leads_somewhere() -> None:
    for name in re.findall(r"\]\(([^)#]+)", GUIDE):
        assert "://" in name or (ROOT / "deploy" / name).exists(), name
    for name in re.findall(r"\b(?:deploy|ram)/[\w./-]+\w|\b[\w-]+\.(?:json|xml)\b", GUIDE):
        folders = (ROOT, ROOT / "deploy", ROOT / "deploy" / "ram", ROOT / "sts_server" / "http")
        assert any((folder / name).exists() for folder in folders), name


@pytest.mark.parametrize("line", sorted(set(re.findall(r"(?m)^sts-server .*?(?=  #|$)", GUIDE))))
def test_every_command_of_the_deployment_guide_is_one(line: str) -> None:
    # A file that is missing is a mistake of its own; a word that is not known ends with the usage.
    argv = line.replace("sts-server.toml", "missing.toml").split()[1:]
    done = subprocess.run(
        [sys.executable, "-m", "sts_server", *argv], capture_output=True, text=True, check=False
    )
    assert "usage:" not in done.stderr
