"""Under load: every event has one fate, and the phases fail that have no usable memslot."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from xenperf.backends import backend
from xenperf.errors import MeasurementError
from xenperf.hypervisor import Activation, Hypervisor
from xenperf.scenarios import load
from xenperf.scenarios.event_cells import Fate
from xenperf.scenarios.load import ACROSS, FAILED, PHASES, SOURCES, Loaded, under_load
from xenperf.sources import EventSource
from xenperf.vmm.machine import Shape

SHAPE = Shape()
ABSENT = ("delete_overlay", "delete_high", "delete_whole", "create_low")


class OneAtATime:
    """The model, which knows one processor, behind a lock: requests still come in any order."""

    def __init__(self, host: Hypervisor) -> None:
        self._host, self._lock = host, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._host, name)
        if not callable(found):
            return found

        def locked(*arguments: Any, **options: Any) -> Any:
            with self._lock:
                return found(*arguments, **options)

        return locked


@pytest.fixture
def host() -> Iterator[Any]:
    with backend("model").open_to_count(SHAPE.vm_size) as opened:
        yield OneAtATime(opened)


def _until_all_phases(host: Any, by: Activation, source: EventSource) -> Loaded:
    return under_load(host, SHAPE, by, source, seconds=0.7)


@pytest.mark.parametrize("source", SOURCES)
def test_by_hva_no_event_fails_whoever_raises_it(host: Any, source: EventSource) -> None:
    found = _until_all_phases(host, Activation.HVA, source)
    total = found.total()
    assert total[Fate.DELIVERED] == total.total() > 10
    assert found.gaps_ns == []
    assert found.nr_cycles > 0


@pytest.mark.parametrize(
    ("source", "fate"),
    [
        (EventSource.SEND, Fate.RETURNED),
        (EventSource.IRQFD, Fate.LOST),
        (EventSource.TIMER, Fate.LOST),
        (EventSource.GUEST_SEND, Fate.RETURNED),
    ],
)
def test_by_gpa_what_fails_depends_on_the_source(
    host: Any, source: EventSource, fate: Fate
) -> None:
    found = _until_all_phases(host, Activation.GPA, source)
    total = found.total()
    assert total[Fate.DELIVERED] > 0
    assert total[fate] + total[Fate.WRONG_PAGE] > 0
    assert not (FAILED - {fate, Fate.WRONG_PAGE}) & total.keys()
    assert set(found.fates) == {*PHASES, ACROSS}
    assert all(gap > 0 for gap in found.gaps_ns)


def test_each_phase_has_the_fate_that_its_memslots_allow(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raise events from the thread of the requests, so that all is exact."""
    found = _exactly(host, monkeypatch, Activation.GPA)
    for phase in PHASES:
        wanted = Fate.RETURNED if phase in ABSENT else Fate.DELIVERED
        wanted = Fate.WRONG_PAGE if phase in ("create_whole", "whole") else wanted
        assert found.fates[phase] == {wanted: 1}, phase
    assert len(found.gaps_ns) == 2


def test_an_event_that_outlives_its_phase_is_written_down_apart(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = load.ready(host, SHAPE, Activation.HVA).machine
    found = Loaded(EventSource.SEND, Activation.HVA)
    events = load._Events(host, machine, found)
    raised = events._raise

    def slowly(to: Any, port: int) -> bool:
        events.enter("laid")  # a whole cycle later, and a phase of the same name
        return raised(to, port)

    monkeypatch.setattr(events, "_raise", slowly)
    stop = iter([False, True])
    monkeypatch.setattr(events._stop, "is_set", lambda: next(stop))
    events._run()
    assert found.fates[ACROSS] == {Fate.DELIVERED: 1}
    assert found.total() == {Fate.DELIVERED: 1}


def _exactly(host: Any, monkeypatch: pytest.MonkeyPatch, by: Activation) -> Loaded:
    """Play one cycle with an event after each request and in each rest."""
    machine = load.ready(host, SHAPE, by).machine
    found = Loaded(EventSource.SEND, by)
    events = load._Events(host, machine, found)

    def once() -> None:
        stop = iter([False, True])
        monkeypatch.setattr(events._stop, "is_set", lambda: next(stop))
        events._run()

    def play_and_raise(to: Any, regions: list[Any]) -> None:
        play(to, regions)
        once()

    play: Callable[..., None] = load.play
    monkeypatch.setattr(load, "play", play_and_raise)
    monkeypatch.setattr(load.time, "sleep", lambda seconds: once())
    load._cycle(host, machine, events)
    return found


def test_an_event_that_was_refused_and_is_there_is_no_figure(host: Any) -> None:
    class Lies(OneAtATime):
        def send(self, vcpu_idx: int, ports: Any, outcomes: Any) -> None:
            self._host.send(vcpu_idx, ports, outcomes)
            outcomes[:] = np.int64(-14)

    with pytest.raises(MeasurementError, match=r"load\.send: an event was refused, but is set"):
        under_load(Lies(host._host), SHAPE, Activation.HVA, EventSource.SEND, seconds=5)
