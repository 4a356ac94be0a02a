"""Completion, as a shell runs it; and what the documents tell people to type."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from sts_client.cli.program import parser
from tests.sts_client.cli.house import Run

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("sts-client cre", "credentials"),
        ("sts-client get --if-no", "--if-none-match"),
        ("sts-client credentials --format ex", "external"),
        ("sts-client completion z", "zsh"),
    ],
)
def test_bash_completes(words: str, found: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    script = Run("https://sts.example.com", "completion", "bash").out.decode()
    *_, last = parts = words.split()
    ask = (
        f"COMP_WORDS=({words}); COMP_CWORD={len(parts) - 1}; COMP_LINE='{words}'; "
        f"_shtab_sts_client sts-client '{last}' x; echo ${{COMPREPLY[@]}}"
    )
    done = subprocess.run(
        [bash, "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=True
    )
    assert found in done.stdout.split()


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_get_theirs(shell: str) -> None:
    said = Run("https://sts.example.com", "completion", shell).out.decode()
    assert "credentials" in said
    assert "--token " not in said


@pytest.mark.parametrize("document", ["README.md", "client/README.md"])
def test_what_the_documents_type_is_understood(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    lines = re.findall(r"^sts-client .*", blocks, re.MULTILINE)
    lines += re.findall(r"(?<=\")sts-client --server [^\"]*", text)
    assert lines
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        assert parser().parse_args(words).run
