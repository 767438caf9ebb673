"""Events from another thread while the overlay is taken away and laid again without pause.

Each event is settled before the next: what an irqfd leaves to a worker is done, a timer's vCPU has
entered the guest. Its bit is then in the overlay page, in the RAM below, or nowhere, so each event
has one fate, though how many there are and when they arrive is up to the machine.

The two threads run in rounds of a fraction of a second. A round writes down every event and every
request, and is summed up when both threads have ended, so no window has that in it.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from xenperf.errors import MeasurementError
from xenperf.hypervisor import Activation, Hypervisor, MemoryRegion
from xenperf.racing import (
    Player,
    Race,
    Racing,
    Sender,
    Shared,
    Target,
    interpreted_sender,
)
from xenperf.scenarios.kinds import ready
from xenperf.scenarios.load_tally import PHASES, RESTS, Tally
from xenperf.sources import EventSource
from xenperf.units import Hva
from xenperf.vmm.machine import OVERLAY_GFN, Machine, Shape
from xenperf.vmm.overlay import break_apart, rejoin
from xenperf.vmm.raising import RAISE, Raise, prepare_source

REST_US: Final = 500
ROUND_NS: Final = 200_000_000
NR_EVENTS: Final = 1 << 18
NR_STEPS: Final = 1000 * len(PHASES)
"""Room for one round; a round that fills it ends early."""

SOURCES: Final = (
    *(EventSource.SEND, EventSource.IRQFD, EventSource.TIMER, EventSource.GUEST_SEND),
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the events of one source by one activation."""

    source: EventSource
    activation: Activation
    tally: Tally
    compiled: frozenset[str]
    """What ran in compiled loops: ``MEMSLOTS``, and sources of events."""


def under_load(
    host: Hypervisor, shape: Shape, activation: Activation, source: EventSource, seconds: float
) -> Loaded:
    """Break apart and rejoin for *seconds* while a thread raises events of *source*.

    *host* must be ``Racing``. ``MeasurementError`` if the machine cannot be made, if a request
    fails, or if an event was refused and is there all the same.
    """
    assert isinstance(host, Racing)
    machine = ready(host, shape, activation).machine
    if prepare_source(host, source, shape.port) != 0:
        raise MeasurementError(f"load.{source}", f"port {shape.port} is not taken")
    race = Race.with_room_for(NR_STEPS, NR_EVENTS, REST_US)
    target = Target(source, shape.port, _pending(machine))
    player = host.race_player(_cycle(machine), race)
    sender = host.race_sender(target, race) or _from_python(host, target, race)
    tally = Tally()
    until = time.monotonic_ns() + round(seconds * 1e9)
    while time.monotonic_ns() < until:
        _round(race, player, sender, tally, min(until, time.monotonic_ns() + ROUND_NS))
    return Loaded(source, activation, tally, host.compiled)


def _round(race: Race, player: Player, sender: Sender, tally: Tally, until_ns: int) -> None:
    """Let both threads run until a time, and sum up what they wrote down."""
    for word in (Shared.STOP, Shared.FULL, Shared.TROUBLE):
        race.set(word, 0)
    with ThreadPoolExecutor(1) as thread:
        raised = thread.submit(sender)
        try:
            nr_steps = player(until_ns)
        finally:
            race.set(Shared.STOP, 1)
        nr_events = raised.result()
    _check(race, nr_steps)
    tally.add_events(race.events[:nr_events])
    tally.add_cycles(race.steps[:nr_steps])


def _check(race: Race, nr_steps: int) -> None:
    """Raise ``MeasurementError`` if a request failed that must not."""
    last = int(race.steps["answer"][nr_steps - 1]) if nr_steps else 0
    if last != 0:
        raise MeasurementError(f"load.{PHASES[nr_steps % len(PHASES)]}", f"failed with {last}")
    trouble = race.get(Shared.TROUBLE)
    if trouble:
        raise MeasurementError("load", f"an event cannot be settled: {trouble - (1 << 64)}")


def _cycle(machine: Machine) -> list[MemoryRegion | None]:
    """Return the steps from the one after ``laid`` to ``laid``; a rest is None."""
    requests = {step.name: step.region for step in (*rejoin(machine), *break_apart(machine))}
    phases = (*PHASES[1:], PHASES[0])
    return [None if phase in RESTS else requests[phase] for phase in phases]


def _pending(machine: Machine) -> tuple[Hva, Hva]:
    """Return where the VMM has the pending bitmaps of the overlay and of the RAM below it."""
    offset = machine.shape.layout.pending_offset
    return Hva(machine.overlay_hva + offset), Hva(machine.ram_at(OVERLAY_GFN) + offset)


def _from_python(host: Hypervisor, target: Target, race: Race) -> Sender:
    """Return a sender for what no compiled loop can raise."""

    def taken(pending: Hva) -> bool:
        """Tell whether the port's bit is set there, and clear it."""
        hva = Hva(pending + target.port // 8)
        is_set = bool(host.read(hva, 1)[0] & 1 << target.port % 8)
        if is_set:
            host.write(hva, b"\0")
        return is_set

    raise_one = _RAISE[target.source]
    return interpreted_sender(lambda: raise_one(host, target.port), taken, target, race)


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
