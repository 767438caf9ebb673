"""Who loses what: the answers of real kernels by source, situation and what the vCPU does."""

import pytest

from xenperf.backends import backend
from xenperf.errors import MeasurementError
from xenperf.hypervisor import Activation
from xenperf.model.host import ModelHost
from xenperf.scenarios.event_cells import Fate, Situation, cells, shown
from xenperf.scenarios.event_sources import EventSources
from xenperf.scenarios.kinds import Count
from xenperf.sources import EventSource, GuestCall
from xenperf.vmm.machine import Shape

GPA, HVA = Activation.GPA, Activation.HVA
SHAPES = [Shape(), Shape(long_mode=False), Shape(nr_slots=64, nr_vcpus=3), Shape(port=4090)]
Fates = dict[str, dict[str, int]]

# Of eight events that all are lost one had its bit set before: that one is merged in the end.
BY_GPA: Fates = {
    "send.stale": {"delivered": 12},
    "send.absent": {"returned": 16},
    "send.under_ram": {"wrong_page": 16},
    "irqfd.stale": {"delayed": 12},
    "irqfd.absent": {"lost": 14},
    "irqfd.under_ram": {"wrong_page": 16},
    "irq_line.stale": {"delivered": 12},
    "irq_line.absent": {"returned": 16},
    "irq_line.under_ram": {"wrong_page": 16},
    "timer_vcpu_stopped.stale": {"delayed": 6},
    "timer_vcpu_stopped.absent": {"delayed": 6},
    "timer_vcpu_stopped.under_ram": {"delayed": 6},
    "timer_vcpu_runs.stale": {"delayed": 6},
    "timer_vcpu_runs.absent": {"lost": 7},
    "timer_vcpu_runs.under_ram": {"wrong_page": 8},
    "timer_vcpu_is_read.stale": {"delayed": 6},
    "timer_vcpu_is_read.absent": {"lost": 7},
    "timer_vcpu_is_read.under_ram": {"wrong_page": 8},
    "guest_send.stale": {"delivered": 6},
    "guest_send.absent": {"returned": 8},
    "guest_send.under_ram": {"wrong_page": 8},
    "ipi.stale": {"delivered": 6},
    "ipi.absent": {"returned": 8},
    "ipi.under_ram": {"wrong_page": 8},
    "poll.stale": {"spurious": 7},
    "poll.absent": {"spurious": 7},
    "poll.under_ram": {"spurious": 7},
}
SWITCHED_OFF: Fates = {
    "send.off": {"returned": 16},
    "irqfd.off": {"lost": 14},
    "irq_line.off": {"returned": 16},
    "timer_vcpu_stopped.off": {"delayed": 6},
    "timer_vcpu_runs.off": {"lost": 7},
    "timer_vcpu_is_read.off": {"lost": 7},
    "guest_send.off": {"returned": 8},
    "ipi.off": {"returned": 8},
    "poll.off": {"spurious": 7},
}


def observe(activation: Activation, shape: Shape) -> list[Count]:
    with backend("model").open(shape.vm_size) as host:
        return EventSources().run(host, shape, activation)


def fates(counts: list[Count]) -> Fates:
    """Return what is not 0, by subject; the totals apart."""
    found: Fates = {}
    for count in counts:
        if count.subject != "all":
            found.setdefault(count.subject, {})
            if count.value:
                found[count.subject][count.metric] = count.value
    return found


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_by_gpa_the_source_decides_between_delay_return_and_loss(shape: Shape) -> None:
    assert fates(observe(GPA, shape)) == BY_GPA | SWITCHED_OFF


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_by_hva_every_event_arrives_at_once_unless_the_cache_is_off(shape: Shape) -> None:
    found = fates(observe(HVA, shape))
    for subject, line in found.items():
        if subject in SWITCHED_OFF:
            assert line == SWITCHED_OFF[subject]
        else:
            assert set(line) <= {"delivered", "slept"}, subject
            assert line or subject.endswith(Situation.UNDER_RAM)


def test_by_hva_a_poll_sleeps_unless_its_port_is_pending_or_the_cache_off() -> None:
    found = fates(observe(HVA, Shape()))
    polls = {subject: line for subject, line in found.items() if subject.startswith("poll.")}
    slept = {f"poll.{situation}": {"slept": 7} for situation in Situation}
    assert polls == slept | {"poll.off": {"spurious": 7}}


@pytest.mark.parametrize("activation", list(Activation))
def test_the_totals_account_for_every_event(activation: Activation) -> None:
    counts = observe(activation, Shape())
    totals = {count.metric: count.value for count in counts if count.subject == "all"}
    assert list(totals) == [str(fate) for fate in Fate]
    assert {count.unit for count in counts if count.subject == "all"} == {
        f"of {sum(totals.values())} events"
    }
    assert sum(totals.values()) == sum(8 * len(cell.vcpus) for cell in cells())
    if activation is HVA:
        assert totals["wrong_page"] == 0


def test_both_activations_report_the_same_lines_in_the_same_order() -> None:
    lines = [[(c.subject, c.metric, c.unit) for c in observe(a, Shape())] for a in Activation]
    assert lines[0] == lines[1]
    assert len(set(lines[0])) == len(lines[0])


def test_every_source_meets_every_situation() -> None:
    met = {(cell.source, cell.situation) for cell in cells()}
    assert met == {(source, situation) for source in EventSource for situation in Situation}
    assert all(shown(cell) for cell in cells())


class Sleepy(ModelHost):
    """Whose pollers are woken by nothing."""

    def poll_result(self, vcpu_idx: int) -> int:
        return GuestCall.ASLEEP


def test_a_poll_that_its_event_does_not_wake_is_no_count_but_an_error() -> None:
    with Sleepy(Shape().vm_size) as host, pytest.raises(MeasurementError, match=r"woke nobody"):
        EventSources().run(host, Shape(), HVA)


class Talkative(ModelHost):
    """Delivers events that nobody raised."""

    def run_work(self) -> int:
        self.irq_line(200)
        return super().run_work()


def test_an_event_from_nowhere_is_no_count_but_an_error() -> None:
    with Talkative(Shape().vm_size) as host:
        assert host.set_irq_route(200, 77) == 0
        with pytest.raises(MeasurementError, match=r"event_sources\.send\.stale: port 66 raised"):
            EventSources().run(host, Shape(), GPA)
