"""What can be seen of a modelled VM from outside, for tests, scenarios and reports."""

from typing import Any, Final

from numpy.typing import NDArray

from xenperf.model.layout import CPU, GPC, MEMSLOT, MEMSLOTS, NR_CPUS, VCPU, VM
from xenperf.model.state import VmState
from xenperf.units import Khva

_COUNTERS: Final = tuple(name for name in CPU.names or () if name.startswith("nr_"))


class Observed:
    """Reads a VM's arena; keeps no view of it."""

    def __init__(self, state: VmState) -> None:
        """Look at *state*, which its owner closes."""
        self.state = state

    def counters(self) -> dict[str, int]:
        """Return the processors' counts summed, the kicks, and the active set's generation."""
        cpus = self.state.view("cpus", CPU, NR_CPUS)
        counts = {name: int(cpus[name].sum()) for name in _COUNTERS}
        counts["nr_kicks"] = int(self._vcpus()["nr_kicks"].sum())
        counts["generation"] = self.generation
        return counts

    @property
    def generation(self) -> int:
        """The active memslot set's generation."""
        return int(self._active_set()["generation"])

    def memslots(self) -> NDArray[Any]:
        """Return a copy of the active set's slots, in the order of their frames."""
        memslots = self._active_set()
        first = int(memslots["slots"]) - self.state.arena.khva
        return self.state.arena.view(MEMSLOT, first, int(memslots["nr_slots"])).copy()

    def memslot(self, slot: int) -> Any | None:
        """Return a copy of the active set's slot with this id, or None."""
        return next((record for record in self.memslots() if int(record["id"]) == slot), None)

    def shadow_sel(self, vcpu_idx: int) -> int:
        """Return a vCPU's shadow selector, which no VMM can see."""
        return int(self._vcpus()["shadow_sel"][vcpu_idx])

    def nr_kicks(self, vcpu_idx: int) -> int:
        """Return how often a vCPU was kicked."""
        return int(self._vcpus()["nr_kicks"][vcpu_idx])

    def gpc(self, khva: Khva) -> dict[str, int]:
        """Return the fields of the cache at *khva*."""
        record = self.state.arena.view(GPC, khva - self.state.arena.khva, 1)[0]
        return {name: int(record[name]) for name in GPC.names or ()}

    def _active_set(self) -> Any:
        memslots = int(self.state.view("vm", VM)[0]["memslots"])
        return self.state.arena.view(MEMSLOTS, memslots - self.state.arena.khva, 1)[0]

    def _vcpus(self) -> NDArray[Any]:
        return self.state.view("vcpus", VCPU, self.state.size.nr_vcpus)
