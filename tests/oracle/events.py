"""Event delivery in the plainest Python: sets of ports, words of selectors."""

from dataclasses import dataclass, field

from xenperf.abi.status import Status


@dataclass
class EventOracle:
    """One vCPU's events while shared_info can be reached, and vcpu_info where it is active.

    ``direct`` says whether vcpu_info can be reached without a refresh.
    """

    nr_ports: int
    word_bits: int
    by_gpa: bool
    active: bool = True
    direct: bool = True
    kicked: bool = False
    clock_due: bool = False
    pending: set[int] = field(default_factory=set)
    masked: set[int] = field(default_factory=set)
    selector: set[int] = field(default_factory=set)
    shadow: set[int] = field(default_factory=set)
    upcall: int = 0
    nr_kicks: int = 0

    def send(self, port: int) -> int:
        """Return what becomes of an event: 1, 0, -ENOTCONN or -EINVAL."""
        if not 0 < port < self.nr_ports:
            return Status.EINVAL
        if port in self.pending:
            return 0
        self.pending.add(port)
        if port in self.masked:
            return Status.ENOTCONN
        gathered = self.selector if self.direct else self.shadow
        word = port // self.word_bits
        if word not in gathered:
            gathered.add(word)
            self.nr_kicks += 1
            self.kicked = True
            if self.direct:
                self.upcall = 1
        return 1

    def turn_on(self) -> None:
        """Activate vcpu_info at its place, which resolves."""
        self.active = self.direct = self.clock_due = True

    def turn_off(self) -> None:
        """Deactivate it."""
        self.active = self.direct = False

    def change_slots(self) -> None:
        """Change a memslot elsewhere."""
        self.direct = self.direct and not self.by_gpa

    def enter(self) -> None:
        """Let the vCPU come to its guest entry: only a kick makes it merge."""
        if self.clock_due and self.active:
            self.direct = True
        if self.kicked and self.shadow and self.active:
            self.selector |= self.shadow
            self.shadow = set()
            self.upcall = 1
            self.direct = True
        self.kicked = self.clock_due = False

    def handle(self) -> list[int]:
        """Let the guest's handler run: it clears and returns what the selector leads to."""
        self.upcall = 0
        found = sorted(
            port for port in self.pending - self.masked if port // self.word_bits in self.selector
        )
        self.selector = set()
        self.pending -= set(found)
        return found
