"""The logs: one line each that nobody else can write, as text or as JSON."""

import json
import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_server import logs
from sts_server.logs import JsonFormatter, TextFormatter

FORGED = "no\nERROR sts_server.app: forged\r\x1b[2K\u202eevil\u2028\x85\x00\ud800"


def record(message: str, *, error: Exception | None = None) -> logging.LogRecord:
    return logging.makeLogRecord(
        {
            "name": "sts_server.test",
            "levelname": "ERROR",
            "msg": "said %s",
            "args": (message,),
            "created": 1_764_577_800.25,
            "exc_info": (type(error), error, None) if error else None,
        }
    )


def test_text_is_level_logger_and_message() -> None:
    assert TextFormatter().format(record("中 it")) == "ERROR sts_server.test: said 中 it"


def test_json_says_when_in_utc() -> None:
    assert json.loads(JsonFormatter().format(record("it"))) == {
        "time": "2025-12-01T08:30:00.250Z",
        "level": "error",
        "logger": "sts_server.test",
        "message": "said it",
    }


@given(st.text() | st.just(FORGED))
def test_nobody_forges_a_line(message: str) -> None:
    text = TextFormatter().format(record(message))
    assert text.isprintable()
    line = JsonFormatter().format(record(message))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["message"] == f"said {message}"


@given(st.text() | st.just(FORGED))
def test_a_trace_is_indented_so_that_it_is_no_line(message: str) -> None:
    first, *others = TextFormatter().format(record("it", error=ValueError(message))).split("\n")
    assert first == "ERROR sts_server.test: said it"
    assert others
    assert all(line.startswith("    ") and line.isprintable() for line in others)
    told = json.loads(JsonFormatter().format(record("it", error=ValueError(message))))
    assert told["trace"] == (f"ValueError: {message}" if message else "ValueError")


def test_json_names_the_exchange_where_one_is_known() -> None:
    token = logs.request_id.set("R-1")
    try:
        assert json.loads(JsonFormatter().format(record("it")))["request_id"] == "R-1"
    finally:
        logs.request_id.reset(token)


@pytest.mark.parametrize(
    ("form", "level", "said"),
    [
        (
            "text",
            "info",
            ["INFO sts_server.x: a", "WARNING sts_server.x: b", "WARNING httpcore: d"],
        ),
        ("text", "warning", ["WARNING sts_server.x: b", "WARNING httpcore: d"]),
        ("text", "error", []),
        ("json", "warning", ["b", "d"]),
    ],
)
def test_what_is_heard(form: str, level: str, said: list[str]) -> None:
    # In a process of its own: logging is one for all.
    code = (
        "import logging, sys; from sts_server import logs\n"
        "logs.set_up()\n"
        "logs.set_up(*sys.argv[1:])\n"
        "ours, others = logging.getLogger('sts_server.x'), logging.getLogger('httpcore')\n"
        "ours.debug('z'); ours.info('a'); ours.warning('b')\n"
        "others.debug('headers'); others.info('c'); others.warning('d')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, form, level], capture_output=True, text=True, check=True
    )
    lines = done.stderr.splitlines()
    assert [json.loads(it)["message"] for it in lines] if form == "json" else lines == said


def test_warnings_and_uvicorn_are_logged_like_all_else() -> None:
    code = (
        "import logging, uvicorn, warnings; from sts_server import logs\n"
        "from sts_server.serving import server_config\n"
        "logs.set_up('json')\n"
        "server_config(lambda *_: None)\n"
        "logging.getLogger('uvicorn.error').error('from uvicorn')\n"
        "warnings.warn('from Python')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [it["logger"] for it in told] == ["uvicorn.error", "py.warnings"]
