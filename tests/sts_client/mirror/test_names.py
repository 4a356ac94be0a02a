"""Names of objects as files: none leads out of the folder, none meets another."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_client.mirror import names

SEGMENTS = st.sampled_from(["a", "A", "b", "..", ".", "", "c:", "x\\y", "\0", "é", "e\u0301", "ß"])
NAMES = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join) | st.text(max_size=40)


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "a/..",
        ".",
        "./x",
        "a/./x",
        "/etc/passwd",
        "//x",
        "a//x",
        "C:x",
        "c:/x",
        "a/C:/x",
        "a:b",
        "..\\x",
        "a\\..\\..\\x",
        "\\\\server\\share",
        "a\0b",
        "x" * 256,
        "a/" + "é" * 128,
        "\udcff",
        ".oss-sts-mirror",
        ".OSS-STS-Mirror",
        ".o\u017f\u017f-st\u017f-mirror",  # long s, which folds to s
        ".oss-sts\u200c-mirror",
        "a/.0123abcd.part",
        ".0123456789abcdef.part",
        ".0123456789ABCDEF.Journal",
    ],
)
def test_a_name_that_must_be_no_file(name: str) -> None:
    assert names.refusal_of(name)


@pytest.mark.parametrize(
    "name",
    [
        *("a", "a/b/c", "...", "..a", "a..", "~", "~/x", "-rf", "a b", "aa:b", "a\nb", "x" * 255),
        *(".part", ".x.part", "a/.oss-sts-mirror", ".0123abcd.part.txt", "é/ü", "CON"),
    ],
)
def test_a_name_that_may(name: str) -> None:
    assert names.refusal_of(name) is None


@given(NAMES)
def test_no_name_that_may_leads_out(name: str) -> None:
    if names.is_marker(name) or names.refusal_of(name):
        return
    path = os.path.join("/top/folder", name)  # noqa: PTH118 - as a careless program would
    assert os.path.normpath(path) == path
    assert path.startswith("/top/folder/")
    assert os.fsencode(name).decode() == name


@pytest.mark.parametrize(("name", "is_one"), [("", True), ("a/", True), ("a", False), ("/", True)])
def test_folder_markers(name: str, is_one: bool) -> None:
    assert names.is_marker(name) is is_one


def test_a_file_and_a_folder_at_once() -> None:
    assert names.both_file_and_folder(["a", "a/b", "b", "ab/c", "c/d/e", "c/d"]) == {"a", "c/d"}


@given(st.text(max_size=20))
def test_folding_forgets_composition_and_is_stable(name: str) -> None:
    folded = names.fold(name)
    assert names.fold(folded) == folded
    assert names.fold(unicodedata.normalize("NFC", name)) == folded
    assert names.fold(unicodedata.normalize("NFD", name)) == folded


@pytest.mark.parametrize(
    ("given_names", "clashes"),
    [
        (["a", "b"], []),
        (["a", "A", "b"], ["A", "a"]),
        (["x/a", "x/A"], ["x/A", "x/a"]),
        (["X/a", "x/b", "y"], ["X/a", "x/b"]),
        (["é", "e\u0301"], ["e\u0301", "é"]),
        (["straße", "STRASSE"], ["STRASSE", "straße"]),
    ],
)
def test_clashes_where_the_folder_folds(given_names: list[str], clashes: list[str]) -> None:
    assert sorted(names.clashing(given_names, lambda _: True)) == clashes
    assert names.clashing(given_names, lambda _: False) == set()


def test_a_folder_is_asked_only_where_it_matters() -> None:
    asked: list[str] = []

    def folds(folder: str) -> bool:
        asked.append(folder)
        return folder == "x"

    found = names.clashing(["x/a", "x/A", "x/c", "x/C", "y/b", "y/B", "z"], folds)
    assert found == {"x/a", "x/A", "x/c", "x/C"}
    assert sorted(asked) == ["x", "y"]


def test_files_that_are_spelled_otherwise() -> None:
    files = ["A", "x/B", "same", "other"]
    found = names.respelled(files, ["a", "x/b", "same"], lambda _: True)
    assert found == {"A": "a", "x/B": "x/b"}
    assert names.respelled(files, ["a"], lambda _: False) == {}
    asked: list[str] = []

    def folds(folder: str) -> bool:
        asked.append(folder)
        return False

    names.respelled(["x/Y/z"], ["x/y/z"], folds)
    assert asked == ["x"]


@given(st.lists(st.sampled_from("aAbB/").map(str), max_size=6).map("".join), st.data())
def test_what_does_not_clash_is_as_many_files(first: str, data: st.DataObject) -> None:
    some = {first, *data.draw(st.lists(st.text("aAbB/", min_size=1, max_size=5), max_size=6))}
    good = {it for it in some if not names.is_marker(it) and names.refusal_of(it) is None}
    left = good - names.clashing(good, lambda _: True) - names.both_file_and_folder(good)
    folded = {names.fold(name) for name in left}
    assert len(folded) == len(left)
    assert not names.both_file_and_folder(folded)
