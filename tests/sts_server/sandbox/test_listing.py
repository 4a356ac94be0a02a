"""Listing: every page of every mix of prefix, delimiter and page size, against the obvious way."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_server.sandbox.oss.listing import list_page
from sts_server.sandbox.store.bucket import Bucket
from sts_server.sandbox.store.index import Index
from sts_server.sandbox.store.record import Digest, Record

NOW = datetime(2025, 12, 1, 8, 30, tzinfo=UTC)


def index_of(path: Path | str, keys: set[str]) -> Index:
    index = Index(Path(path), durable=False)
    index.buckets.put(Bucket("bkt", NOW))
    index.buckets.put(Bucket("other", NOW))
    for number, key in enumerate(sorted(keys)):
        index.put("bkt", Record(key, f"file{number}", Digest(0, b"", 0), NOW, {}))
    index.put("other", Record("a", "other", Digest(0, b"", 0), NOW, {}))
    return index


def pages(index: Index, prefix: str, delimiter: str, limit: int) -> list[list[str]]:
    found = []
    marker: str | None = ""
    while marker is not None:
        page = list_page(
            index, "bkt", prefix=prefix, delimiter=delimiter, marker=marker, limit=limit
        )
        found.append([record.key for record in page.records] + page.prefixes)
        marker = page.next_marker
    return found


def obvious(keys: set[str], prefix: str, delimiter: str) -> set[str]:
    found = set()
    for key in keys:
        if key.startswith(prefix):
            behind = key[len(prefix) :]
            if delimiter and delimiter in behind:
                head, _, _ = behind.partition(delimiter)
                found.add(prefix + head + delimiter)
            else:
                found.add(key)
    return found


KEYS = st.text("ab/中\U0001f600\x00", min_size=1, max_size=6)


@given(
    st.sets(KEYS, max_size=20),
    st.text("ab/中", max_size=3),
    st.sampled_from(["", "/", "ab", "中"]),
    st.integers(1, 5),
)
def test_pages_hold_everything_once(
    keys: set[str], prefix: str, delimiter: str, limit: int
) -> None:
    index = index_of(":memory:", keys)
    try:
        found = pages(index, prefix, delimiter, limit)
    finally:
        index.close()
    flat = [name for page in found for name in page]
    expected = obvious(keys, prefix, delimiter)
    assert sorted(flat) == sorted(expected)
    assert all(len(page) == limit for page in found[:-1])
    if not delimiter:
        assert flat == sorted(flat, key=str.encode)


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("", ["a", "c", "b/"]),
        ("a", ["c", "b/"]),
        ("b", ["c", "b/"]),
        ("b/", ["c"]),
        ("b/1", ["c", "b/"]),
        ("b/2", ["c"]),
        ("c", []),
        ("zzz", []),
    ],
)
def test_where_a_marker_goes_on(tmp_path: Path, marker: str, expected: list[str]) -> None:
    index = index_of(tmp_path / "index", {"a", "b/1", "b/2", "c"})
    page = list_page(index, "bkt", prefix="", delimiter="/", marker=marker, limit=10)
    index.close()
    assert [record.key for record in page.records] + page.prefixes == expected


def test_a_marker_before_the_prefix_is_no_hindrance(tmp_path: Path) -> None:
    index = index_of(tmp_path / "index", {"a", "b/1", "b/2", "c"})
    page = list_page(index, "bkt", prefix="b/", delimiter="", marker="a", limit=10)
    index.close()
    assert [record.key for record in page.records] == ["b/1", "b/2"]
