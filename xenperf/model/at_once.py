"""The host's side of the atomic overlay update: requests in one crossing, dirty pages carried over.

Hypothetical, and only in a model built with the patch ``atomic-overlay``.
"""

from collections.abc import Sequence

from xenperf.hypervisor import MemoryRegion
from xenperf.model.dirty import DirtyBitmaps
from xenperf.model.kernels import control
from xenperf.model.loops import pack_regions
from xenperf.model.state import VmState


class AtOnce:
    """The part of a ``ModelHost`` that changes several memslots together."""

    state: VmState
    _dirty: DirtyBitmaps

    def set_memory_regions_at_once(self, regions: Sequence[MemoryRegion]) -> int:
        """Make all requests together or none: 0, the first refusal, or -ENOSYS without the patch.

        Pages marked dirty stay marked, whatever slot shows them afterwards.
        """
        packed = pack_regions(regions)

        def update() -> int:
            word = control.set_memory_regions_at_once(
                self.state.vm, self.state.cpu, packed.ctypes.data, len(packed)
            )
            return word - (1 << 64) if word >> 63 else word

        return self._dirty.carry_over(regions, update)
