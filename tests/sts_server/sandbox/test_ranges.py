"""Every kind of Range header, in both behaviours, on an object of ten bytes."""

import pytest

from sts_server.sandbox.oss.ranges import Slice, UnsatisfiableError, resolve

WHOLE = None
REFUSED = "refused"


@pytest.mark.parametrize(
    ("header", "default", "standard"),
    [
        (None, WHOLE, WHOLE),
        ("bytes=0-0", Slice(0, 1), Slice(0, 1)),
        ("bytes=2-4", Slice(2, 3), Slice(2, 3)),
        ("bytes=0-9", Slice(0, 10), Slice(0, 10)),
        ("bytes=9-", Slice(9, 1), Slice(9, 1)),
        ("bytes=-3", Slice(7, 3), Slice(7, 3)),
        ("bytes=-10", Slice(0, 10), Slice(0, 10)),
        ("bytes=5-10", WHOLE, Slice(5, 5)),
        ("bytes=-11", WHOLE, Slice(0, 10)),
        ("bytes=10-", WHOLE, REFUSED),
        ("bytes=10-20", WHOLE, REFUSED),
        ("bytes=-0", WHOLE, REFUSED),
        ("bytes=4-2", WHOLE, WHOLE),
        ("bytes=20-10", WHOLE, WHOLE),
        ("byte=0-1", WHOLE, WHOLE),
        ("bytes=a-b", WHOLE, WHOLE),
        ("bytes=", WHOLE, WHOLE),
        ("bytes=-", WHOLE, WHOLE),
        ("bytes=0-1,3-4", WHOLE, WHOLE),
        ("bytes=١-٢", WHOLE, WHOLE),
        ("bytes=" + "9" * 5000 + "-", WHOLE, WHOLE),
    ],
)
def test_resolve(header: str | None, default: Slice | None, standard: Slice | str | None) -> None:
    assert resolve(header, 10, standard=False) == default
    if standard == REFUSED:
        with pytest.raises(UnsatisfiableError):
            resolve(header, 10, standard=True)
    else:
        assert resolve(header, 10, standard=True) == standard


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-1"])
def test_an_empty_object_has_no_ranges(header: str) -> None:
    assert resolve(header, 0, standard=False) is None
    with pytest.raises(UnsatisfiableError):
        resolve(header, 0, standard=True)


def test_content_range() -> None:
    assert Slice(2, 3).content_range(10) == "bytes 2-4/10"
