import numpy as np
import pytest

from xenperf import words as running
from xenperf.explore.accesses import ADD, LOAD, OR, STORE
from xenperf.explore.tap import Tap

NO_ACCESS = {
    *("Flag", "TraceHook", "Word", "likely", "unlikely", "select", "traced_by", "pause"),
    *("full_barrier", "read_barrier", "write_barrier", "sched_yield", "trailing_zeros"),
    *("leading_zeros", "timestamp", "timestamp_ordered"),
}


class Ear:
    """Hears every access and answers with a number."""

    def __init__(self, answer: int) -> None:
        self.answer = answer
        self.heard: list[tuple[int, ...]] = []

    def access(self, *what: int) -> int:
        self.heard.append(what)
        return self.answer

    def wait(self) -> None:
        self.heard.append(())


@pytest.fixture(scope="module")
def tap() -> Tap:
    return Tap()


def test_every_word_that_touches_memory_is_tapped(tap: Tap) -> None:
    tapped = {name for name in tap.words.__all__ if _is_ours(getattr(tap.words, name))}
    assert set(tap.words.__all__) - tapped <= NO_ACCESS
    assert {"load8", "fetch_or64", "bit_test_and_set64", "pause"} <= tapped
    assert not any(_is_ours(getattr(running, name)) for name in running.__all__)


def _is_ours(word: object) -> bool:
    return getattr(word, "__module__", "") == "xenperf.explore.tap"


def test_the_model_uses_the_tapped_words(tap: Tap) -> None:
    assert tap.model("evtchn").load8 is tap.words.load8
    assert tap.model("locks").compare_exchange_acquire32 is tap.words.compare_exchange_acquire32


def test_without_a_listener_the_pages_are_touched(tap: Tap) -> None:
    cell = np.array([5], np.uint64)
    assert tap.words.fetch_add64(cell.ctypes.data, 2) == 5
    assert cell[0] == 7


def test_a_listener_hears_each_access_and_decides_the_answer(tap: Tap) -> None:
    ear = Ear(6)
    tap.listener = ear
    try:
        assert tap.words.load32(64) == 6
        assert isinstance(tap.words.load32(64), np.uint32)
        assert tap.words.store8(65, 3) is None
        assert tap.words.fetch_add_acquire32(64, 4) == 6
        assert tap.words.bit_test_and_set64(64, 2) is True
        assert tap.words.bit_test_and_set64(64, 3) is False
        assert tap.words.compare_exchange32(64, 6, 9) is True
        assert tap.words.compare_exchange32(64, 5, 9) is False
        tap.words.pause()
    finally:
        tap.listener = None
    assert ear.heard[0] == (LOAD, 64, 32, 0, 0)
    assert ear.heard[2] == (STORE, 65, 8, 3, 0)
    assert ear.heard[3] == (ADD, 64, 32, 4, 0)
    assert ear.heard[4] == (OR, 64, 64, 4, 0)
    assert ear.heard[6][3:] == (9, 6)
    assert ear.heard[-1] == ()
