"""The two sides of a race, bound to one live VM: who changes memslots, and who raises events."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.kvm import IRQFD, PRIORITY_2LEVEL, XEN_EVTCHN_SEND, Ioctl, IrqfdFlag
from xenperf.abi.structs import record
from xenperf.hypervisor import MemoryRegion
from xenperf.jit import Kernel
from xenperf.live.race_kernels import race_live_player, race_live_sender
from xenperf.live.vm import pack_regions
from xenperf.racing import Player, Race, Sender, Target

WRITE = 0
"""In place of an ioctl's number: write the word that the argument is the address of."""

Call = tuple[int, int, NDArray[Any]]
"""A descriptor, an ioctl's number or ``WRITE``, and the argument."""


def player(fd: int, steps: Sequence[MemoryRegion | None], race: Race) -> Player:
    """Return what plays *steps* on the VM *fd*, compiled before it is returned."""
    packed = pack_regions([step for step in steps if step is not None])
    places = iter(range(packed.ctypes.data, packed.ctypes.data + packed.nbytes, packed.itemsize))
    regions = np.array([0 if step is None else next(places) for step in steps], np.uint64)
    clock = np.zeros(2, np.uint64)
    plan = np.array(
        [
            *(race.words.ctypes.data, regions.ctypes.data, len(regions), race.rest_us),
            *(race.steps.ctypes.data, len(race.steps), clock.ctypes.data),
        ],
        np.uint64,
    )
    return _Bound(race_live_player, fd, plan, (packed, regions, clock, race))


def sender(calls: Sequence[Call], target: Target, race: Race) -> Sender:
    """Return what raises *target* by *calls*: the first raises it, the rest see it settled."""
    made = np.array(
        [(fd, number, argument.ctypes.data) for fd, number, argument in calls], np.uint64
    )
    word, bit = 8 * (target.port // 64), target.port % 64
    clock = np.zeros(2, np.uint64)
    plan = np.array(
        [
            *(race.words.ctypes.data, made.ctypes.data, len(made)),
            *(hva + word for hva in target.pending),
            *(1 << bit, race.events.ctypes.data, len(race.events), clock.ctypes.data),
        ],
        np.uint64,
    )
    return _Bound(race_live_sender, None, plan, (list(calls), made, clock, race))


def send_calls(fd: int, port: int) -> list[Call]:
    """Return KVM_XEN_HVM_EVTCHN_SEND of *port* to the first vCPU of the VM *fd*."""
    event = record(XEN_EVTCHN_SEND, port=port, priority=PRIORITY_2LEVEL)
    return [(fd, Ioctl.XEN_HVM_EVTCHN_SEND, event)]


def irqfd_calls(fd: int, gsi: int, eventfd: int) -> list[Call]:
    """Return a write to an eventfd, and what waits for its work: unbound and bound again."""
    changes = [
        record(IRQFD, fd=eventfd, gsi=gsi, flags=flags)
        for flags in (IrqfdFlag.DEASSIGN, IrqfdFlag(0))
    ]
    return [
        (eventfd, WRITE, np.ones(1, np.uint64)),
        *((fd, Ioctl.IRQFD, change) for change in changes),
    ]


class _Bound:
    """A kernel and its plan, with everything that the plan points at."""

    def __init__(
        self, kernel: Kernel, fd: int | None, plan: NDArray[np.uint64], keep: object
    ) -> None:
        kernel.compile()  # not while the other side runs
        self._kernel, self._fd, self._plan, self._keep = kernel, fd, plan, keep

    def __call__(self, *words: int) -> int:
        """Run to its end."""
        head = () if self._fd is None else (self._fd,)
        return self._kernel(*head, self._plan.ctypes.data, *words)
