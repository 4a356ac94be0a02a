"""The plan: whatever was there before, what it says makes both sides the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_client.mirror.plan import (
    Found,
    Record,
    Shown,
    Verdict,
    blocked,
    judge,
    plan,
    staying,
)

SHOWN = Shown('"E"', 5)
FOUND = Found(5, 100, 7)
TOUCHED = Found(5, 200, 7)
RECORD = Record(SHOWN, FOUND, 99)


@pytest.mark.parametrize(
    ("shown", "found", "record", "verdict"),
    [
        (None, FOUND, RECORD, Verdict.MOVE),
        (SHOWN, None, RECORD, Verdict.MOVE),
        (SHOWN, FOUND, RECORD, None),
        (Shown('"E"', 5, is_link=True), FOUND, RECORD, Verdict.ASK),
        (Shown('"E"', 0, is_link=True), FOUND, None, Verdict.ASK),
        (SHOWN, TOUCHED, RECORD, Verdict.READ),
        (SHOWN, Found(5, 100, 8), RECORD, Verdict.READ),
        (SHOWN, Found(6, 100, 7), RECORD, Verdict.MOVE),
        (SHOWN, TOUCHED, Record(SHOWN, FOUND, None), Verdict.ASK),
        (SHOWN, FOUND, Record(SHOWN, FOUND, None), None),
        (Shown('"F"', 5), FOUND, RECORD, Verdict.ASK),
        (Shown('"F"', 6), FOUND, RECORD, Verdict.MOVE),
        (SHOWN, FOUND, None, Verdict.ASK),
        (Shown('"E"', 6), FOUND, None, Verdict.MOVE),
    ],
)
def test_what_it_takes(
    shown: Shown | None, found: Found | None, record: Record | None, verdict: Verdict | None
) -> None:
    assert judge(shown, found, record) is verdict


NAME = st.text("ab/", min_size=1, max_size=5).filter(
    lambda it: "" not in it.split("/")  # others are refused before
)
TREE = st.dictionaries(NAME, st.binary(max_size=1), max_size=6).map(
    lambda it: {name: data for name, data in it.items() if name not in staying(it)}
)


@given(TREE, TREE, st.sets(NAME, max_size=3), st.booleans())
def test_a_plan_that_is_carried_out_makes_trees_equal(
    objects: dict[str, bytes], files: dict[str, bytes], known: set[str], delete: bool
) -> None:
    """Files hold bytes of one length often, so that every verdict comes."""
    shown = {name: Shown(repr(data), len(data)) for name, data in objects.items()}
    found = {name: Found(len(data), data[0] if data else 0, 1) for name, data in files.items()}
    records = {
        name: Record(shown[name], found[name], 0)
        for name in known & shown.keys() & found.keys()
        if objects[name] == files[name]
    }
    extra = files.keys() - objects.keys() if delete else set()
    todo = plan(objects.keys(), extra, shown, found, records)
    tree = dict(files)
    for name in todo.first:
        del tree[name]
    unable = blocked(objects, tree.keys(), staying(tree), ())
    for name, verdict in todo.verdicts.items():
        if name in unable:
            continue
        assert name not in staying(tree)
        assert not staying((name,)) & tree.keys()
        if verdict is not Verdict.MOVE:
            assert len(tree[name]) == len(objects[name])
        tree[name] = objects[name]
    for name in todo.last:
        del tree[name]
    if delete:
        assert not unable
        assert tree == objects
    else:
        assert tree == files | {it: data for it, data in objects.items() if it not in unable}


def test_what_is_in_the_way() -> None:
    wanted = ["a", "b/c", "d", "e/f", "g", "h"]
    found = blocked(wanted, {"b"}, {"d"}, {"e", "g"})
    assert found.keys() == {"b/c", "d", "e/f", "g"}
    assert "file" in found["b/c"]
    assert "folder" in found["d"]
    assert "link" in found["e/f"]
