"""From paths to keys, and what may be seen on the way to a lease's prefix."""

import pytest

from sts_client.plugs.fsspec.reach import Reach
from tests.sts_client.stage import lease

FOLDER = Reach("b", "users/alice/")
ONE = Reach("b", "users/alice/a.csv")
ALL = Reach("b", "")


def test_a_lease_says_how_far_it_reaches() -> None:
    assert Reach.of(lease()) == Reach("examplebucket", "users/alice/")


@pytest.mark.parametrize(
    ("path", "key"), [("b", ""), ("b/a", "a"), ("b//a", "/a"), ("b/a/../c", "a/../c")]
)
def test_keys_and_paths(path: str, key: str) -> None:
    assert FOLDER.key_of(path) == key
    assert FOLDER.path_of(key) == path


@pytest.mark.parametrize("path", ["", "c/a", "bb/a", "B/a", "/b/a", "./b/a"])
def test_another_bucket_is_refused(path: str) -> None:
    with pytest.raises(PermissionError, match="'b' and no other"):
        ALL.key_of(path)


@pytest.mark.parametrize(
    ("reach", "folder", "step"),
    [
        (FOLDER, "", "users/"),
        (FOLDER, "users/", "users/alice/"),
        (FOLDER, "users/alice/", None),
        (FOLDER, "users/alice/x/", None),
        (FOLDER, "users/ali/", None),
        (FOLDER, "users/alicex/", None),
        (ONE, "users/alice/", "users/alice/a.csv"),
        (ONE, "users/alice/a.csv/", None),
        (ALL, "", None),
        (ALL, "x/", None),
    ],
)
def test_what_is_next_on_the_way(reach: Reach, folder: str, step: str | None) -> None:
    assert reach.next_on_the_way(folder) == step


def test_one_object_is_no_folder() -> None:
    assert (FOLDER.single(), ONE.single(), ALL.single()) == (None, "users/alice/a.csv", None)


@pytest.mark.parametrize(
    ("path", "truth"),
    [("", True), ("b", True), ("b/users", True), ("b/users/alice", True), ("b/users/ali", False)],
)
def test_what_is_on_the_way(path: str, truth: bool) -> None:
    assert FOLDER.is_on_the_way(path) is truth
