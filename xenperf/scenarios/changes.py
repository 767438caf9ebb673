"""What smaller changes cost in work: an unrelated memslot, a new page, another frame."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from xenperf.abi.kvm import MemslotFlag
from xenperf.hypervisor import Activation, Hypervisor, MemoryRegion
from xenperf.scenarios.kinds import Count, ready
from xenperf.units import PAGE_SIZE, Gfn, Hva
from xenperf.vmm.activate import activate_shinfo, deactivate_shinfo
from xenperf.vmm.events import send_ports
from xenperf.vmm.machine import OTHER_GFN, Machine, Shape, play
from xenperf.vmm.overlay import break_apart, rejoin

ROUNDS: Final = 16
_WORK: Final = ("nr_slow_sends", "nr_refreshes", "nr_gups", "nr_swaps", "nr_kicks")


def _work_since(host: Hypervisor, before: dict[str, int], subject: str) -> list[Count]:
    """Return how much work was done since *before*, where the back end counts it."""
    after = host.counters()
    return [
        Count(subject, name.removeprefix("nr_"), f"in {ROUNDS} rounds", after[name] - before[name])
        for name in _WORK
        if name in after
    ]


def _send_one(host: Hypervisor, machine: Machine, round_idx: int) -> int:
    """Send a port of this round's own; 1 if it was refused."""
    last = machine.shape.layout.nr_ports - 1
    port = 1 + (machine.shape.port - 1 + round_idx) % last
    return int(np.count_nonzero(send_ports(host, np.array([port], np.uint32))))


@dataclass(frozen=True, slots=True)
class UnrelatedSlotChange:
    """A memslot elsewhere changes its flags, then an event arrives; the vCPU does not run."""

    name: str = "unrelated_slot_change"
    summary: str = "a send after each change of a memslot that has nothing to do with it"

    def run(self, host: Hypervisor, shape: Shape, activation: Activation) -> list[Count]:
        """Count the extra work, and the selectors that had to wait in the shadow."""
        machine = ready(host, shape, activation).machine
        high = machine.high()
        selector = Hva(machine.vcpu_info_hva(0) + shape.layout.vcpu_info.pending_sel)
        before = host.counters()
        refused = shadowed = 0
        for round_idx in range(ROUNDS):
            flags = MemslotFlag.LOG_DIRTY_PAGES if round_idx % 2 == 0 else 0
            play(host, [MemoryRegion(high.slot, high.gpa, high.nr_bytes, high.hva, int(flags))])
            refused += _send_one(host, machine, round_idx)
            shadowed += not any(host.read(selector, shape.layout.word_bits // 8))
            host.write(selector, bytes(shape.layout.word_bits // 8))
        work = _work_since(host, before, "send")
        unit = f"of {ROUNDS} sends"
        return [
            Count("send", "refused", unit, refused),
            Count("send", "selector_shadowed", unit, shadowed),
            *work,
        ]


@dataclass(frozen=True, slots=True)
class SameFrameRemap:
    """The VMM maps a new page over the HVA of shared_info, as the kernel's own selftest does."""

    name: str = "remap_same_frame"
    summary: str = "a send after each new page mapped over the HVA of shared_info"

    def run(self, host: Hypervisor, shape: Shape, activation: Activation) -> list[Count]:
        """Count refused sends, those found in the new page, and the work."""
        machine = ready(host, shape, activation).machine
        before = host.counters()
        refused = arrived = 0
        for round_idx in range(ROUNDS):
            host.replace_pages(machine.overlay_hva)
            refused += _send_one(host, machine, round_idx)
            pending = Hva(machine.overlay_hva + shape.layout.pending_offset)
            arrived += any(host.read(pending, shape.layout.pending_bytes))
        unit = f"of {ROUNDS} sends"
        return [
            Count("send", "refused", unit, refused),
            Count("send", "in_new_page", unit, arrived),
            *_work_since(host, before, "send"),
        ]


@dataclass(frozen=True, slots=True)
class OtherFrameRemap:
    """The guest moves shared_info to another frame and back; an event arrives at each step.

    By GPA the VMM switches the cache off first, else events would land in RAM, and on again at the
    new frame. By HVA it need not tell KVM anything.
    """

    name: str = "remap_other_frame"
    summary: str = "sends while shared_info moves to another frame and back"

    def run(self, host: Hypervisor, shape: Shape, activation: Activation) -> list[Count]:
        """Count sends, refused ones, activations and the work."""
        machine = ready(host, shape, activation).machine
        before = host.counters()
        sends = refused = activations = 0
        here, there = Gfn(machine.overlay().gpa // PAGE_SIZE), OTHER_GFN
        for _ in range(ROUNDS):
            if activation is Activation.GPA:
                deactivate_shinfo(host, activation)
            for step in (*rejoin(machine, here), *break_apart(machine, there)):
                play(host, [step.region])
                refused += _send_one(host, machine, sends)
                sends += 1
            if activation is Activation.GPA:
                activate_shinfo(host, machine, activation, there)
                activations += 1
            here, there = there, here
        unit = f"of {sends} sends"
        return [
            Count("move", "refused", unit, refused),
            Count("move", "activations", f"in {ROUNDS} rounds", activations),
            *_work_since(host, before, "move"),
        ]
