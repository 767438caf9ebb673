"""What an atomic overlay update would solve, and what it would not.

On a kernel without it, which is every real one, the same is played one request after another.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xenperf.hypervisor import Activation, Hypervisor
from xenperf.scenarios.kinds import Count, ready
from xenperf.units import Hva
from xenperf.vmm.events import pending_ports, send_ports, set_bitmaps
from xenperf.vmm.machine import OVERLAY_GFN, Machine, Shape, play, without
from xenperf.vmm.overlay import break_apart, play_at_once, rejoin

ROUNDS: Final = 16


@dataclass(frozen=True, slots=True)
class AtomicOverlay:
    """The overlay is taken away and laid again in as few publishes as the kernel allows.

    An event arrives after each request. Made at once, no request leaves the frame absent. Four
    things stay all the same: by GPA every publish makes the caches stale; events land in RAM while
    that is what the frame shows; those the guest has not handled stay in the page no longer shown;
    and without any slot at the frame nothing can be sent there.
    """

    name: str = "overlay_at_once"
    summary: str = "the overlay taken away and laid again in as few publishes as the kernel allows"

    def run(self, host: Hypervisor, shape: Shape, activation: Activation) -> list[Count]:
        """Count requests, the sends refused after one, slow sends, and what became of events."""
        machine = ready(host, shape, activation).machine
        before = host.counters()
        nr_requests = nr_in_ram = 0
        told: list[int] = []

        def send() -> None:
            told.extend(int(rc) for rc in _send(host, machine))

        for _ in range(ROUNDS):
            nr_requests += play_at_once(host, rejoin(machine), send)
            nr_in_ram += _nr_pending(host, machine, machine.ram_at(OVERLAY_GFN))
            _forget(host, machine)
            nr_requests += play_at_once(host, break_apart(machine), send)
            _forget(host, machine)
        after, unit = host.counters(), f"in {ROUNDS} rounds"
        work = [
            Count("cycle", name.removeprefix("nr_"), unit, after[name] - before[name])
            for name in ("nr_swaps", "nr_slow_sends")
            if name in after
        ]
        return [
            Count("cycle", "requests", unit, nr_requests),
            Count("cycle", "refused", f"of {len(told)} sends", int(np.count_nonzero(told))),
            Count("cycle", "wrong_page", f"in {ROUNDS} rounds", nr_in_ram),
            *work,
            Count("pending", "left_behind", "of 1 event", self._left_behind(host, machine)),
            Count("unmapped", "refused", "of 1 send", self._refused_unmapped(host, machine)),
        ]

    def _left_behind(self, host: Hypervisor, machine: Machine) -> int:
        """Take the overlay away with one event not handled: the page then shown lacks it."""
        _send(host, machine)
        play_at_once(host, rejoin(machine))
        left = _nr_pending(host, machine, machine.overlay_hva)
        left -= _nr_pending(host, machine, machine.ram_at(OVERLAY_GFN))
        play_at_once(host, break_apart(machine))
        return left

    def _refused_unmapped(self, host: Hypervisor, machine: Machine) -> int:
        """Send while no slot shows the overlay, as a VMM may want it for a while."""
        play(host, [without(machine.overlay())])
        outcomes = _send(host, machine)
        play(host, [machine.overlay()])
        return int(np.count_nonzero(outcomes))


def _send(host: Hypervisor, machine: Machine) -> NDArray[np.int64]:
    return send_ports(host, np.array([machine.shape.port], np.uint32))


def _nr_pending(host: Hypervisor, machine: Machine, page_hva: Hva) -> int:
    return len(pending_ports(host, page_hva, machine.shape.layout))


def _forget(host: Hypervisor, machine: Machine) -> None:
    """Clear every pending bit wherever an event can have landed, as a guest could."""
    for page_hva in (machine.overlay_hva, machine.ram_at(OVERLAY_GFN)):
        set_bitmaps(host, page_hva, machine.shape.layout)
