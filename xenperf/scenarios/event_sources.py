"""What becomes of events by their source, while shared_info is stale, absent, off or under RAM."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from xenperf.abi.kvm import MemslotFlag
from xenperf.errors import MeasurementError
from xenperf.hypervisor import Activation, Feature, Hypervisor, MemoryRegion
from xenperf.scenarios.event_cells import (
    BEFORE,
    Before,
    Cell,
    Fate,
    PollFate,
    Situation,
    Vcpu,
    cells,
    shown,
)
from xenperf.scenarios.kinds import Count, ready
from xenperf.sources import EventSource, GuestCall
from xenperf.units import Hva
from xenperf.vmm.activate import activate_shinfo, deactivate_shinfo
from xenperf.vmm.events import pending_ports, set_bitmaps
from xenperf.vmm.machine import OVERLAY_GFN, Machine, Shape, play, without
from xenperf.vmm.overlay import break_apart, regions, rejoin
from xenperf.vmm.raising import RAISE, forget_source, prepare_source

POLL: Final = "poll"


@dataclass(slots=True)
class _Rounds:
    """One event after the other, each on a machine that is put in order first."""

    host: Hypervisor
    machine: Machine
    activation: Activation
    nr_ports: int = 0
    flips: int = 0

    def play(self, cell: Cell, vcpu: Vcpu, before: Before) -> Fate:
        """Raise one event and say what became of it; ``MeasurementError`` if that is not plain."""
        port = self._port()
        self._tidy(port, before)
        if prepare_source(self.host, cell.source, port) != 0:
            raise MeasurementError(f"event_sources.{cell.subject}", f"port {port} is not taken")
        self._enter(cell.situation)
        was_refused = RAISE[cell.source](self.host, port)
        if Feature.WORK_ON_DEMAND not in self.host.features:
            self.host.run_work()  # it runs whenever it likes: what it delivers counts as at once
        at_once = port in self._arrived()
        self.host.run_work()
        self._let_vcpu(vcpu)
        self._leave(cell.situation)
        self.host.run_work()
        self.host.enter_guest(0)
        return self._fate(cell, port, before, (was_refused, at_once))

    def poll(self, situation: Situation, before: Before) -> PollFate:
        """Let the guest poll a port, and send it an event while shared_info is away if it sleeps.

        Not once shared_info is back: the request that lays it there would wait for the poll.
        ``MeasurementError`` if it then sleeps on, or if it slept although the port was pending.
        """
        port = self._port()
        self._tidy(port, before)
        self._enter(situation)
        fate = PollFate.ANSWERED if before is Before.PENDING else PollFate.SPURIOUS
        if self.host.guest_poll(0, [port]) == GuestCall.ASLEEP:
            fate = PollFate.SLEPT
            RAISE[EventSource.SEND](self.host, port)
            if before is Before.PENDING or self.host.poll_result(0) != 0:
                subject = f"event_sources.{POLL}.{situation}"
                raise MeasurementError(subject, f"port {port} woke nobody")
        self._leave(situation)
        return fate

    def _fate(self, cell: Cell, port: int, before: Before, told: tuple[bool, bool]) -> Fate:
        was_refused, at_once = told
        overlay, in_ram = self._arrived(), self._in_ram()
        if not overlay | in_ram <= {port} or (before is Before.PENDING and port not in overlay):
            raise MeasurementError(
                f"event_sources.{cell.subject}",
                f"port {port} raised, but {sorted(overlay)} set and {sorted(in_ram)} in RAM",
            )
        if in_ram:
            return Fate.WRONG_PAGE
        if before is Before.PENDING:
            return Fate.RETURNED if was_refused else Fate.COALESCED
        if not overlay:
            return Fate.RETURNED if was_refused else Fate.LOST
        if before is Before.MASKED:  # an interrupt line says -1 for it, as for failures
            return Fate.MASKED
        if was_refused:
            raise MeasurementError(f"event_sources.{cell.subject}", f"port {port} refused, but set")
        return Fate.DELIVERED if at_once else Fate.DELAYED

    def _port(self) -> int:
        """Return another port each time, from the first on and round to 1 again."""
        shape = self.machine.shape
        self.nr_ports += 1
        return 1 + (shape.port + self.nr_ports - 2) % (shape.layout.nr_ports - 1)

    def _arrived(self) -> set[int]:
        return self._pending(self.machine.overlay_hva)

    def _in_ram(self) -> set[int]:
        return self._pending(self.machine.ram_at(OVERLAY_GFN))

    def _pending(self, page_hva: Hva) -> set[int]:
        return set(pending_ports(self.host, page_hva, self.machine.shape.layout).tolist())

    def _tidy(self, port: int, before: Before) -> None:
        """Leave nothing of the last event but the machine, and set the guest's bits for this."""
        forget_source(self.host, port)
        self.host.enter_guest(0)
        layout = self.machine.shape.layout
        for page in (self.machine.overlay_hva, self.machine.ram_at(OVERLAY_GFN)):
            set_bitmaps(self.host, page, layout)
        self.host.write(self.machine.vcpu_info_hva(0), bytes(layout.vcpu_info.time))
        if before is not Before.CLEAR:
            is_masked = before is Before.MASKED
            bitmap = layout.mask_offset if is_masked else layout.pending_offset
            hva = Hva(self.machine.overlay_hva + bitmap + port // 8)
            self.host.write(hva, bytes([1 << port % 8]))

    def _let_vcpu(self, vcpu: Vcpu) -> None:
        if vcpu is Vcpu.RUNS:
            self.host.enter_guest(0)
        elif vcpu is Vcpu.IS_READ:
            self.host.get_timer(0)

    def _enter(self, situation: Situation) -> None:
        machine = self.machine
        if situation is Situation.STALE:
            self._change_elsewhere()
        elif situation is Situation.UNDER_RAM:
            play(self.host, regions(rejoin(machine)))
        else:
            if situation is Situation.OFF:
                deactivate_shinfo(self.host, self.activation)
            play(self.host, [without(machine.overlay())])

    def _leave(self, situation: Situation) -> None:
        machine = self.machine
        if situation is Situation.UNDER_RAM:
            play(self.host, regions(break_apart(machine)))
        elif situation is not Situation.STALE:
            play(self.host, [machine.overlay()])
        if situation is Situation.OFF and activate_shinfo(self.host, machine, self.activation):
            raise MeasurementError("event_sources", f"activation by {self.activation} failed")

    def _change_elsewhere(self) -> None:
        high = self.machine.high()
        self.flips += 1
        flags = int(MemslotFlag.LOG_DIRTY_PAGES) if self.flips % 2 else 0
        play(self.host, [MemoryRegion(high.slot, high.gpa, high.nr_bytes, high.hva, flags)])


@dataclass(frozen=True, slots=True)
class EventSources:
    """Each source raises events in each situation, one at a time, and each is accounted for.

    Of every eight one finds its pending bit set and one its port masked. ``delivered`` is about the
    pending bit: what vcpu_info's own cache does to the selector is another scenario's. Polls are
    accounted for in the same way, by fates of their own.
    """

    name: str = "event_sources"
    summary: str = "what becomes of events by their source while shared_info is away"

    def run(self, host: Hypervisor, shape: Shape, activation: Activation) -> list[Count]:
        """Count fates by source and situation, and in all."""
        rounds = _Rounds(host, ready(host, shape, activation).machine, activation)
        totals: Counter[Fate] = Counter()
        counts: list[Count] = []
        for cell in cells():
            events = [(vcpu, before) for vcpu in cell.vcpus for before in BEFORE]
            fates = Counter(rounds.play(cell, vcpu, before) for vcpu, before in events)
            totals += fates
            counts += _counts(cell.subject, fates, shown(cell))
        if totals.total() != rounds.nr_ports:
            raise MeasurementError(self.name, f"{rounds.nr_ports} issued, fates: {dict(totals)}")
        return counts + _polls(rounds) + _counts("all", totals, tuple(Fate))


def _polls(rounds: _Rounds) -> list[Count]:
    """Poll in each situation; return how many slept, and how many returned for nothing."""
    counts = []
    for situation in Situation:
        fates = Counter(rounds.poll(situation, before) for before in BEFORE)
        unit = f"of {fates.total()} polls"
        shown_fates = (PollFate.SLEPT, PollFate.SPURIOUS)
        counts += [Count(f"{POLL}.{situation}", fate, unit, fates[fate]) for fate in shown_fates]
    return counts


def _counts(subject: str, fates: Counter[Fate], wanted: tuple[Fate, ...]) -> list[Count]:
    """Return the fates *wanted*; the events issued are in the unit."""
    unit = f"of {fates.total()} events"
    return [Count(subject, fate, unit, fates[fate]) for fate in wanted]
