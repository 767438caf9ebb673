"""The two kinds of entry in the catalogue: what costs time, and what becomes of events."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from xenperf.hypervisor import Activation, Feature, Hypervisor, Loop, Operation
from xenperf.vmm.activate import activate_all
from xenperf.vmm.machine import Machine, Shape, assemble, play
from xenperf.vmm.overlay import break_apart, regions


@dataclass(frozen=True, slots=True)
class Setting:
    """A machine on a back end, with its caches activated one way: what a benchmark prepares."""

    host: Hypervisor
    machine: Machine
    activation: Activation

    def loop(self, operation: Operation, expected: int = 0) -> Loop:
        """Return the loop over *operation* on this machine as it is now."""
        return self.host.loop(operation, self.activation, expected)


def ready(host: Hypervisor, shape: Shape, activation: Activation) -> Setting:
    """Give an empty VM its machine, lay the overlay, and activate every cache.

    ``MeasurementError`` if a memslot request or an activation fails.
    """
    machine = assemble(host, shape)
    play(host, regions(break_apart(machine)))
    activate_all(host, machine, activation)
    return Setting(host, machine, activation)


Prepare = Callable[[Setting], Loop]
"""Brings the machine into the state wanted, and returns the loop to time."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One cost, measured on a machine activated by GPA and on one activated by HVA."""

    name: str
    summary: str
    unit: str
    prepare: Prepare
    is_control: bool = False
    """The work does not depend on the activation, so a ratio away from 1 is the machine's doing."""

    nr_vcpus: int = 1
    """At least so many vCPUs."""

    needs: frozenset[Feature] = frozenset()
    """What a back end must offer to be asked."""

    sleeps: bool = False
    """A real kernel sleeps in it: its CPU time leaves out most, so wall time is judged there."""

    cycle: int = 1
    """Operations come in multiples of this, or the state would not be restored."""


@dataclass(frozen=True, slots=True)
class Count:
    """One exact figure that a scenario observed."""

    subject: str
    """What it was observed of: a phase, or the whole."""

    metric: str
    unit: str
    value: int


class Scenario(Protocol):
    """One outcome: events driven through a situation on a fresh machine, and counted."""

    @property
    def name(self) -> str:
        """Unique in the catalogue."""

    @property
    def summary(self) -> str:
        """One line for ``xenperf list``."""

    def run(self, host: Hypervisor, shape: Shape, activation: Activation) -> list[Count]:
        """Drive the situation once; the same counts in the same order for both activations."""
