"""`sts-server cors`: one rule in three forms, and no rule for what is no page."""

import json
import re
from pathlib import Path

import pytest

from sts_server.cli.cors import EXPOSED, METHODS
from sts_server.sandbox.oss.cors import matched, read_cors
from tests.sts_server.cli.parts import Run

PAGE = "https://app.example.com"
FILE = Path(__file__).parents[3] / "deploy/ram/bucket-cors.xml"
FORMS = ("console", "xml", "terraform")


def test_it_is_the_rule_that_is_deployed(run: Run) -> None:
    done = run("cors", "--origin", PAGE, "--as", "xml")
    assert (done.code, done.out) == (0, FILE.read_text())


def test_oss_takes_it_for_each_page_and_no_other(run: Run) -> None:
    pages = (PAGE, "http://localhost:5173")
    text = run("cors", "--origin", pages[0], "--origin", pages[1], "--as", "xml").out
    cors = read_cors(text.encode())
    for method in METHODS:
        for page in pages:
            assert matched(cors, page, method, "x-oss-security-token, if-none-match")
        assert not matched(cors, "https://app.example.com.evil.example", method)


def test_all_forms_say_the_same(run: Run) -> None:
    for form in FORMS:
        text = run("cors", "--origin", PAGE, "--as", form).out
        for value in (PAGE, *METHODS, *EXPOSED, "600"):
            assert re.search(rf"\b{re.escape(value)}\b", text), (form, value)
    whole = run("cors", "--origin", PAGE).out
    for form in FORMS:
        assert run("cors", "--origin", PAGE, "--as", form).out in whole + "\n"


def test_the_bucket_is_the_configurations(run: Run) -> None:
    done = run("cors", "--origin", PAGE)
    assert "put oss://examplebucket cors.xml" in done.out
    assert 'bucket        = "examplebucket"' in done.out
    assert "examplebucket" not in run("cors", "--origin", PAGE, "--as", "xml").out


def test_it_says_when_the_server_does_not_know_the_page(run: Run, config: Path) -> None:
    assert f"add it to [server] allow_origins in {config}" in run("cors", "--origin", PAGE).err
    config.write_text(f"[server]\nallow_origins = {json.dumps([PAGE])}\n" + config.read_text())
    assert run("cors", "--origin", PAGE).err == ""


@pytest.mark.parametrize(
    "page",
    ["*", "null", "app.example.com", "https://app.example.com/", "https://*.example.com",
     "https://APP.example.com", "https://app.example.com:443", 'https://a"${x}', ""],
)  # fmt: skip
def test_what_is_no_origin_leaves_with_2(run: Run, page: str) -> None:
    done = run("cors", "--origin", page)
    assert (done.code, done.out) == (2, "")
    assert "--origin: " in done.err
