"""What ``import sts_client`` gives: one face, and errors that are all on the tree."""

import inspect
import re
import subprocess
import sys

import sts_client
from sts_client import errors


def test_exports_exactly_what_it_names() -> None:
    public = {
        name
        for name, value in vars(sts_client).items()
        if not name.startswith("_") and (name == "errors" or not inspect.ismodule(value))
    }
    assert public == set(sts_client.__all__)
    assert sts_client.__all__ == sorted(sts_client.__all__)


def test_is_a_face_and_nothing_more() -> None:
    source = inspect.getsource(sts_client)
    assert source.count("\n") < 80
    assert not re.search(r"^(def|class) ", source, re.MULTILINE)


def test_each_error_is_drawn_on_the_tree_and_belongs_to_it() -> None:
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and kind.__module__ == errors.__name__
    }
    drawn = set(re.findall(r"\b[A-Z][A-Za-z]+\b", str(errors.__doc__)))
    assert set(classes) <= drawn
    assert all(issubclass(kind, errors.StsClientError) for kind in classes.values())


def test_importing_it_needs_no_server_and_touches_nothing() -> None:
    program = (
        "import sys, threading, sts_client;"
        "bad = {name.partition('.')[0] for name in sys.modules}"
        " & {'sts_server', 'starlette', 'uvicorn', 'aliyunsdkcore', 'oss2', 'alibabacloud_oss_v2'};"
        "assert not bad, bad;"
        "assert threading.active_count() == 1"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
