"""Our own key: asked for by many threads, found by one, kept while its source is away."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sts_server.access_key import AccessKey
from sts_server.errors import KeyNotFound, UpstreamUnavailable
from sts_server.upstream.own_key import PAUSE, PAUSE_REFUSED, OwnKey
from tests.sts_server.upstream.stage import Rest, ScriptedSource

OLD, NEW = AccessKey("STS.old", "x", "t"), AccessKey("STS.new", "y", "u")
AWAY = KeyNotFound("looked in vain", may_pass=True)


def test_the_source_is_asked_each_time_and_renews_by_itself() -> None:
    own_key = OwnKey(ScriptedSource([OLD, NEW]))
    assert [own_key.get(), own_key.get()] == [OLD, NEW]


def test_a_key_whose_source_is_away_is_still_used_and_the_operator_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    own_key = OwnKey(ScriptedSource([OLD, AWAY]), stopwatch=Rest())
    assert [own_key.get() for _ in range(4)] == [OLD] * 4
    assert [record.getMessage() for record in caplog.records] == [
        "looked in vain; until STS refuses it, the one before is used"
    ]


def test_a_source_that_is_away_is_not_asked_all_the_time() -> None:
    rest, source = Rest(), ScriptedSource([AWAY, AWAY, NEW])
    own_key = OwnKey(source, stopwatch=rest)
    for _ in range(3):
        with pytest.raises(UpstreamUnavailable) as failure:
            own_key.get()
        assert failure.value.hint == "looked in vain"
    assert source.asked == 1
    rest.now += PAUSE
    with pytest.raises(KeyNotFound):
        own_key.look()
    rest.now += PAUSE
    assert own_key.get() == NEW


def test_a_key_that_was_refused_is_looked_for_anew_but_not_all_the_time() -> None:
    rest, source = Rest(), ScriptedSource([OLD])
    own_key = OwnKey(source, stopwatch=rest)
    own_key.get()
    for _ in range(3):
        assert own_key.instead_of(OLD) is None
        own_key.get()
    assert source.forgotten == 1
    rest.now += PAUSE_REFUSED
    own_key.instead_of(OLD)
    assert source.forgotten == 2


def test_another_key_that_is_found_is_the_one_to_use() -> None:
    source = ScriptedSource([OLD, NEW])
    own_key = OwnKey(source)
    own_key.get()
    assert own_key.instead_of(OLD) == NEW
    # The next thread that was refused with the old one only learns of it.
    assert own_key.instead_of(OLD) == NEW
    assert source.forgotten == 1


def test_a_refused_key_is_no_spare() -> None:
    own_key = OwnKey(ScriptedSource([OLD, AWAY]))
    own_key.get()
    assert own_key.instead_of(OLD) is None
    with pytest.raises(UpstreamUnavailable):
        own_key.get()


def test_while_one_thread_renews_the_others_go_on() -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(ScriptedSource):
        def find(self) -> AccessKey:
            if self.asked:
                begun.set()
                go_on.wait()
            return super().find()

    own_key = OwnKey(Slow([OLD, NEW]))
    own_key.get()
    with ThreadPoolExecutor(1) as threads:
        renewing = threads.submit(own_key.get)
        begun.wait()
        assert own_key.get() == OLD
        go_on.set()
        assert renewing.result() == NEW
    assert own_key.get() == NEW
