"""The host's side of memslot requests: dirty bitmaps in place, and polls that hold them up."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.status import outcome_of
from xenperf.hypervisor import MemoryRegion
from xenperf.model.dirty import DirtyBitmaps
from xenperf.model.event_sources import ModelSources
from xenperf.model.kernels import control
from xenperf.model.loops import pack_regions
from xenperf.model.observed import Observed
from xenperf.sources import ENDLESS_POLL, GuestCall


class MemslotRequests(ModelSources):
    """The part of a ``ModelHost`` that changes memslots, one after the other or together."""

    observed: Observed
    _dirty: DirtyBitmaps

    def set_memory_regions(self, regions: Sequence[MemoryRegion]) -> list[int]:
        """Make the requests in order and return each outcome."""
        packed = pack_regions(regions)
        if not self._is_polled and not self._dirty.concern(regions):
            return self._request(packed)
        outcomes = []
        for idx, region in enumerate(regions):
            with self._outlasting_polls():
                self._dirty.prepare(region)
                outcomes += self._request(packed[idx : idx + 1])
                self._dirty.settle(region.slot)
        return outcomes

    def set_memory_regions_at_once(self, regions: Sequence[MemoryRegion]) -> int:
        """Make all requests together or none: 0, the first refusal, or -ENOSYS without the patch.

        Hypothetical, and only in a model built with the patch ``atomic-overlay``. Pages marked
        dirty stay marked, whatever slot shows them afterwards.
        """
        packed = pack_regions(regions)

        def update() -> int:
            return outcome_of(
                control.set_memory_regions_at_once(
                    self.state.vm, self.state.cpu, packed.ctypes.data, len(packed)
                )
            )

        with self._outlasting_polls():
            return self._dirty.carry_over(regions, update)

    @property
    def _is_polled(self) -> bool:
        """Tell whether a vCPU went to sleep in a poll that nobody has asked about since."""
        return bool(self._vcpus()["is_halted"].any())

    @contextlib.contextmanager
    def _outlasting_polls(self) -> Iterator[None]:
        """Make a memslot request inside: if it is taken, it returns once no vCPU sleeps in a poll.

        A poll sleeps within its hypercall, with SRCU held, and the request waits for that
        (``kvm_swap_active_memslots()``; observed on 6.12.95 and 7.2.13). ``ValueError`` for a poll
        that has no timeout. Polls that are over come back from their call here.
        """
        for vcpu_idx in self._sleepers():
            if self._vcpus()["poll_deadline"][vcpu_idx] == 0:
                raise ValueError(f"vcpu {vcpu_idx}: {ENDLESS_POLL}")
        generation = self.observed.generation
        yield
        while self.observed.generation != generation and self._sleepers():
            self.advance_time(self._next_deadline() - self.now_ns())

    def _sleepers(self) -> list[int]:
        """Return who sleeps in a poll, having let those go on who have a reason to."""
        halted = np.flatnonzero(self._vcpus()["is_halted"]).tolist()
        return [idx for idx in halted if self.poll_result(idx) == GuestCall.ASLEEP]

    def _next_deadline(self) -> int:
        """Return when the next timer fires; somebody polls with a timeout, so there is one."""
        vcpus = self._vcpus()
        deadlines = np.concatenate([vcpus["poll_deadline"], vcpus["timer_deadline"]])
        return int(deadlines[deadlines > 0].min())

    def _request(self, packed: NDArray[Any]) -> list[int]:
        """Make the memslot requests of *packed*, in one crossing."""
        outcomes = np.zeros(len(packed), np.uint64)
        control.set_memory_regions(
            self.state.vm, self.state.cpu, packed.ctypes.data, outcomes.ctypes.data, len(packed)
        )
        return [outcome_of(int(word)) for word in outcomes]
