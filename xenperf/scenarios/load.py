"""Events from another thread while the overlay is taken away and laid again without pause.

Each event is settled before the next: what an irqfd leaves to a worker is done, a timer's vCPU has
entered the guest. Its bit is then in the overlay page, in the RAM below, or nowhere, so each event
has one fate, though how many there are and when they arrive is up to the machine.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from xenperf.errors import MeasurementError
from xenperf.hypervisor import Activation, Hypervisor
from xenperf.scenarios.event_cells import Fate
from xenperf.scenarios.kinds import ready
from xenperf.sources import EventSource
from xenperf.units import Hva
from xenperf.vmm.machine import OVERLAY_GFN, Machine, Shape, play
from xenperf.vmm.overlay import break_apart, rejoin
from xenperf.vmm.raising import RAISE, Raise, prepare_source

REST_S: Final = 0.0005
SOURCES: Final = (
    *(EventSource.SEND, EventSource.IRQFD, EventSource.TIMER, EventSource.GUEST_SEND),
)
FAILED: Final = frozenset({Fate.RETURNED, Fate.LOST, Fate.WRONG_PAGE})
ACROSS: Final = "across"
"""Where an event is written down that was begun in one phase and settled in another."""

PHASES: Final = (
    *("laid", "delete_low", "delete_overlay", "delete_high", "create_whole"),
    *("whole", "delete_whole", "create_low", "create_overlay", "create_high"),
)
"""A phase begins with its request, and ends when the next one begins; two are rests."""


@dataclass(slots=True)
class Loaded:
    """What became of the events of one source, by the phase that each was raised in."""

    source: EventSource
    activation: Activation
    fates: dict[str, Counter[Fate]] = field(
        default_factory=lambda: {phase: Counter() for phase in (*PHASES, ACROSS)}
    )
    gaps_ns: list[int] = field(default_factory=list)
    """From the beginning of the first event that was refused or lost to the end of the next
    that was not: as long as the window, and up to two events more.
    """

    nr_cycles: int = 0

    def total(self) -> Counter[Fate]:
        """Return the fates of all phases together."""
        return sum(self.fates.values(), Counter())


def under_load(
    host: Hypervisor, shape: Shape, activation: Activation, source: EventSource, seconds: float
) -> Loaded:
    """Break apart and rejoin for *seconds* while a thread raises events of *source*.

    *host* must take requests from two threads at once. ``MeasurementError`` if the machine cannot
    be made, or if an event was refused and is there all the same.
    """
    machine = ready(host, shape, activation).machine
    if prepare_source(host, source, shape.port) != 0:
        raise MeasurementError(f"load.{source}", f"port {shape.port} is not taken")
    found = Loaded(source, activation)
    events = _Events(host, machine, found)
    with events:
        until = time.monotonic() + seconds
        while time.monotonic() < until and events.are_well:
            _cycle(host, machine, events)
            found.nr_cycles += 1
    return found


def _cycle(host: Hypervisor, machine: Machine, events: "_Events") -> None:
    """Take the overlay away, rest, lay it again, rest."""
    for steps, rest in ((rejoin(machine), "whole"), (break_apart(machine), "laid")):
        for step in steps:
            events.enter(step.name)
            play(host, [step.region])
        events.enter(rest)
        time.sleep(REST_S)


class _Events:
    """A thread that raises one event after another until the block ends."""

    def __init__(self, host: Hypervisor, machine: Machine, found: Loaded) -> None:
        """Write down in *found* what becomes of them."""
        self._phase = (0, "laid")  # replaced whole, so that the thread sees both or neither
        self._host = host
        self._found = found
        self._raise = _RAISE[found.source]
        shape = machine.shape
        self._port = shape.port
        byte = shape.layout.pending_offset + shape.port // 8
        self._in_overlay = Hva(machine.overlay_hva + byte)
        self._in_ram = Hva(machine.ram_at(OVERLAY_GFN) + byte)
        self._failing_since: int | None = None
        self._error: MeasurementError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def enter(self, phase: str) -> None:
        """Begin another phase."""
        self._phase = (self._phase[0] + 1, phase)

    @property
    def are_well(self) -> bool:
        """Tell whether events still come."""
        return self._error is None

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        """Raise events; what goes wrong is told when the block ends."""
        try:
            while not self._stop.is_set():
                phase, begun = self._phase, time.perf_counter_ns()
                fate = self._fate(self._raise(self._host, self._port))
                self._found.fates[phase[1] if self._phase is phase else ACROSS][fate] += 1
                self._note_gap(fate, begun)
        except MeasurementError as error:
            self._error = error

    def _fate(self, was_refused: bool) -> Fate:
        delivered, misplaced = map(self._taken, (self._in_overlay, self._in_ram))
        if was_refused and (delivered or misplaced):
            raise MeasurementError(f"load.{self._found.source}", "an event was refused, but is set")
        if misplaced:
            return Fate.WRONG_PAGE
        if delivered:
            return Fate.DELIVERED
        return Fate.RETURNED if was_refused else Fate.LOST

    def _taken(self, hva: Hva) -> bool:
        """Tell whether the port's bit is set there, and clear it."""
        is_set = bool(self._host.read(hva, 1)[0] & 1 << self._port % 8)
        if is_set:
            self._host.write(hva, b"\0")
        return is_set

    def _note_gap(self, fate: Fate, begun: int) -> None:
        if fate in (Fate.RETURNED, Fate.LOST):
            self._failing_since = begun if self._failing_since is None else self._failing_since
        elif self._failing_since is not None:
            self._found.gaps_ns.append(time.perf_counter_ns() - self._failing_since)
            self._failing_since = None


def _irqfd(host: Hypervisor, port: int) -> bool:
    refused = RAISE[EventSource.IRQFD](host, port)
    host.run_work()
    return refused


def _timer(host: Hypervisor, port: int) -> bool:
    """Set the timer to a time that has come, and let the vCPU enter the guest at once."""
    host.set_timer(0, port, host.now_ns())
    host.enter_guest(0)
    return False


_RAISE: Final[dict[EventSource, Raise]] = {
    EventSource.SEND: RAISE[EventSource.SEND],
    EventSource.IRQFD: _irqfd,
    EventSource.TIMER: _timer,
    EventSource.GUEST_SEND: RAISE[EventSource.GUEST_SEND],
}
