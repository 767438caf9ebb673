"""Raising events: what each source needs beforehand, and what its owner learns."""

import pytest

from xenperf.backends import backend
from xenperf.hypervisor import Activation
from xenperf.sources import EventSource
from xenperf.vmm.activate import activate_all, deactivate_shinfo
from xenperf.vmm.events import pending_ports
from xenperf.vmm.machine import Shape, assemble, play
from xenperf.vmm.overlay import break_apart, regions
from xenperf.vmm.raising import RAISE, forget_source, prepare_source

SILENT = {EventSource.IRQFD, EventSource.TIMER}


@pytest.mark.parametrize("source", list(EventSource))
def test_each_source_raises_its_port_and_only_some_learn_of_a_failure(source: EventSource) -> None:
    shape = Shape()
    with backend("model").open(shape.vm_size) as host:
        machine = assemble(host, shape)
        play(host, regions(break_apart(machine)))
        activate_all(host, machine, Activation.HVA)
        for port in (70, 71):
            forget_source(host, port)
            assert prepare_source(host, source, port) == 0
            assert not RAISE[source](host, port)
            assert port in pending_ports(host, machine.overlay_hva, shape.layout)
        deactivate_shinfo(host, Activation.HVA)
        assert RAISE[source](host, 71) == (source not in SILENT)


def test_there_is_a_way_for_every_source() -> None:
    assert set(RAISE) == set(EventSource)
