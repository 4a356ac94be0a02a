"""Prefixes: what is refused, what is a folder, and that nothing accepted can be read as a pattern."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_server.prefix import is_folder, is_safe_value, prefix_problem


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "a/",
        "a",
        "users/alice/",
        "users/alice/x.txt",
        "a b/",
        "中/文.txt",
        "a{b}/",
        "..a/",
        "a$/",
        "%2e%2e/",
    ],
)
def test_an_honest_prefix_is_taken(prefix: str) -> None:
    assert prefix_problem(prefix) is None


@pytest.mark.parametrize(
    ("prefix", "why"),
    [
        ("/a/", "slash"),
        ("\\a", "slash"),
        ("/", "slash"),
        ("a*", "pattern"),
        ("a?b/", "pattern"),
        ("a/${oss:Prefix}/", "pattern"),
        ("a\x00/", "control"),
        ("a\nb/", "control"),
        ("a\x7f/", "control"),
        ("a\u200b/", "invisible"),
        ("a\u202e/", "invisible"),
        ("a\u2028/", "invisible"),
        ("a\ud800/", "invisible"),
        ("a//b", "empty segment"),
        ("a//", "empty segment"),
        ("a/./b", "segment"),
        ("a/../b/", "segment"),
        ("..", "segment"),
        ("../", "segment"),
        (".", "segment"),
        ("a/..", "segment"),
        ("é" * 512, "longer than 1023 bytes"),
    ],
)
def test_an_unsafe_prefix_is_refused_and_not_repaired(prefix: str, why: str) -> None:
    assert why in (prefix_problem(prefix) or "")


@given(st.text())
def test_nothing_accepted_is_a_pattern_a_template_of_ram_or_a_second_path(prefix: str) -> None:
    if prefix_problem(prefix) is None:
        assert not set(prefix) & {"*", "?", "\0", "\n", "\r"}
        assert "${" not in prefix
        assert not set(prefix.split("/")) & {".", ".."}
        assert "//" not in prefix
        assert not prefix.startswith("/")


@pytest.mark.parametrize(("prefix", "folder"), [("", True), ("a/", True), ("a", False)])
def test_a_folder_is_empty_or_ends_in_a_slash(prefix: str, folder: bool) -> None:
    assert is_folder(prefix) is folder


@pytest.mark.parametrize("value", ["alice", "a.b@c", "a+b=c,d:e|f~g-h_i", "x" * 64, "...", "0"])
def test_plain_names_may_stand_in_a_template(value: str) -> None:
    assert is_safe_value(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "..",
        "a/b",
        "a*",
        "a?",
        "${x}",
        "{caller}",
        "a\0",
        "a\n",
        "x" * 65,
        "аlice",
        "ａ",
        "a b",
        "%2e",
        "\\",
    ],
)
def test_all_other_values_may_not(value: str) -> None:
    assert not is_safe_value(value)
