"""Scopes: session names lead back to a caller, whatever the caller is called."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_server.scope import caller_hash, session_name

HOSTILE = ["", "*", "a/../b", "a\0b", "中文", "аlice", "x" * 300, "\ud800", "a\nb", '"; drop']


@pytest.mark.parametrize("caller_id", ["alice", "alice@example.com", *HOSTILE])
def test_any_id_becomes_a_name_that_assume_role_takes(caller_id: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9.@_-]{2,32}", session_name(caller_id))


def test_the_readable_part_comes_first() -> None:
    assert session_name("alice") == "alice-2bd806c97f0e"


@given(st.text(), st.text())
def test_two_ids_have_two_names_and_two_hashes(one: str, other: str) -> None:
    if one != other:
        assert session_name(one) != session_name(other)
        assert caller_hash(one) != caller_hash(other)


def test_a_hash_is_a_safe_value() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", caller_hash("../*"))
