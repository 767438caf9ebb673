"""Under load: every event has one fate, and the phases fail that have no usable memslot."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.scenarios.racing_model import OneAtATime
from xenperf.backends import backend
from xenperf.errors import MeasurementError
from xenperf.hypervisor import Activation
from xenperf.racing import Race, Shared, Target
from xenperf.scenarios import load
from xenperf.scenarios.event_cells import Fate
from xenperf.scenarios.load import SOURCES, Loaded, under_load
from xenperf.scenarios.load_tally import ACROSS, FATES, PHASES, Tally
from xenperf.sources import EventSource
from xenperf.vmm.machine import Shape

SHAPE = Shape()
ABSENT = ("delete_overlay", "delete_high", "delete_whole", "create_low")


@pytest.fixture
def host() -> Iterator[Any]:
    with backend("model").open_to_count(SHAPE.vm_size) as opened:
        yield OneAtATime(opened)


def _until_all_phases(host: Any, by: Activation, source: EventSource) -> Loaded:
    return under_load(host, SHAPE, by, source, seconds=0.7)


@pytest.mark.parametrize("source", SOURCES)
def test_by_hva_no_event_fails_whoever_raises_it(host: Any, source: EventSource) -> None:
    found = _until_all_phases(host, Activation.HVA, source)
    total = found.tally.total()
    assert total[Fate.DELIVERED] == total.total() > 10
    assert found.tally.runs.lengths_ns == []
    assert found.tally.nr_cycles > 0
    assert found.compiled == frozenset()


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
    tally = _until_all_phases(host, Activation.GPA, source).tally
    total = tally.total()
    assert total[Fate.DELIVERED] > 0
    assert total[fate] + total[Fate.WRONG_PAGE] > 0
    assert all(total[other] == 0 for other in set(FATES) - {Fate.DELIVERED, fate, Fate.WRONG_PAGE})
    assert set(tally.fates) == {*PHASES, ACROSS}
    assert all(length > 0 for length in tally.runs.lengths_ns)
    for lengths in tally.windows_ns.values():
        assert len(lengths) == tally.nr_cycles
        assert min(lengths) > 0


class InStep(OneAtATime):
    """Raises one event after each step of one cycle, from the same thread, so all is exact."""

    nr_raised = 0
    target: Target

    def one_step(self, step: Any, race: Race) -> int:
        answer = super().one_step(step, race)
        room = Race(race.words, race.steps, race.events[self.nr_raised :][:1], 0)
        self.nr_raised += load._from_python(self, self.target, room)()  # type: ignore[arg-type]
        race.set(Shared.FULL, 0)
        return answer


def _one_cycle(host: Any, by: Activation) -> Tally:
    """Play one round of one cycle, and count when it has ended."""
    exact = InStep(host._host)
    machine = load.ready(exact, SHAPE, by).machine  # type: ignore[arg-type]
    race = Race.with_room_for(10, 100, 0)
    exact.target = Target(EventSource.SEND, SHAPE.port, load._pending(machine))
    nr_steps = exact.race_player(load._cycle(machine), race)(1 << 62)
    load._check(race, nr_steps)
    tally = Tally()
    tally.add_events(race.events[: exact.nr_raised])
    tally.add_cycles(race.steps[:nr_steps])
    return tally


def test_each_phase_has_the_fate_that_its_memslots_allow(host: Any) -> None:
    found = _one_cycle(host, Activation.GPA)
    for phase in PHASES:
        wanted = Fate.RETURNED if phase in ABSENT else Fate.DELIVERED
        wanted = Fate.WRONG_PAGE if phase in ("create_whole", "whole") else wanted
        assert +found.fates[phase] == Counter({wanted: 1}), phase
    assert len(found.runs.lengths_ns) == 2
    assert found.runs.most_events == 2
    assert found.nr_cycles == 1


def test_by_hva_each_phase_delivers(host: Any) -> None:
    found = _one_cycle(host, Activation.HVA)
    assert +found.total() == Counter({Fate.DELIVERED: len(PHASES)})


def test_an_event_that_was_refused_and_is_there_is_no_figure(host: Any) -> None:
    class Lies(OneAtATime):
        def send(self, vcpu_idx: int, ports: Any, outcomes: Any) -> None:
            self._host.send(vcpu_idx, ports, outcomes)
            outcomes[:] = np.int64(-14)

    with pytest.raises(MeasurementError, match="load: an event was refused, but is set"):
        under_load(Lies(host._host), SHAPE, Activation.HVA, EventSource.SEND, seconds=0.1)  # type: ignore[arg-type]


def test_a_request_that_is_refused_ends_it_and_is_named(host: Any) -> None:
    class Refuses(OneAtATime):
        def one_step(self, step: Any, race: Race) -> int:
            phase = PHASES[race.get(Shared.PHASE) % len(PHASES)]
            return -17 if phase == "create_low" else super().one_step(step, race)

    with pytest.raises(MeasurementError, match=r"load\.create_low: failed with -17"):
        under_load(Refuses(host._host), SHAPE, Activation.GPA, EventSource.SEND, seconds=1)  # type: ignore[arg-type]


def test_an_event_that_cannot_be_settled_is_no_figure() -> None:
    race = Race.with_room_for(10, 1, 0)
    race.set(Shared.TROUBLE, (1 << 64) - 9)
    with pytest.raises(MeasurementError, match="an event cannot be settled: -9"):
        load._check(race, 10)


def test_what_goes_wrong_in_the_senders_thread_is_told(host: Any) -> None:
    class Breaks(OneAtATime):
        def send(self, *arguments: Any) -> None:
            raise MeasurementError("vcpu 0", "gone")

    with pytest.raises(MeasurementError, match="vcpu 0: gone"):
        under_load(Breaks(host._host), SHAPE, Activation.HVA, EventSource.SEND, seconds=0.1)  # type: ignore[arg-type]
