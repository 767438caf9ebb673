"""States of a machine in which the steps take different branches, by name."""

from collections.abc import Callable
from typing import Final

from tests.peer.machine import SHINFO_GFN, VCPU_INFO_GFN, Machine
from xenperf.abi.kvm import MemslotFlag
from xenperf.hypervisor import Activation
from xenperf.model.kernels import control
from xenperf.units import Gpa, Hva

State = Callable[[Machine], None]


def _stale(m: Machine) -> None:
    m.change_elsewhere()


def _invalidated(m: Machine) -> None:
    m.invalidate(SHINFO_GFN, 3)


def _replaced(m: Machine) -> None:
    m.host.replace_pages(m.hva(SHINFO_GFN), 3)


def _unmapped(m: Machine) -> None:
    m.host.unmap_pages(m.hva(SHINFO_GFN), 3)


def _write_protected(m: Machine) -> None:
    """Show the pages read-only, as mprotect() does."""
    end = m.hva(SHINFO_GFN) + 3 * 4096
    control.invalidate_start(m.vm, m.cpu, m.hva(SHINFO_GFN), end)
    for gfn in range(SHINFO_GFN, SHINFO_GFN + 3):
        hva = Hva(m.ram + gfn * 4096)
        pfn = m.host.mm.pfn(hva)
        assert pfn is not None
        m.host.mm.show(hva, pfn, 1, writable=False)
    control.invalidate_end(m.vm, m.cpu, m.hva(SHINFO_GFN), end)


def _absent(m: Machine) -> None:
    m.delete_ram()


def _read_only(m: Machine) -> None:
    m.remake_ram(MemslotFlag.READONLY)


def _moved(m: Machine) -> None:
    """Let another HVA lie behind the same frames."""
    m.delete_ram()
    m.request(m.slot(0, SHINFO_GFN, 3, m.hva(VCPU_INFO_GFN)))


def _compat(m: Machine) -> None:
    assert m.host.set_long_mode(False) == 0
    m.set_bits(pending=(5, 36, 1000), masked=(6, 36))


def _with_bits(m: Machine) -> None:
    m.set_bits(pending=(1, 5, 64, 127, 4095), masked=(6, 64, 1000))
    m.set_selector(1 << 63 | 0b1011)


def _vectors(m: Machine) -> None:
    assert m.host.set_upcall_vector(0x20) == 0
    assert m.host.set_vcpu_upcall_vector(0, 0x30) == 0


def _shadowed(m: Machine) -> None:
    """Leave bits in the shadow, a kick and a clock update behind, with a slot that logs."""
    m.remake_ram(MemslotFlag.LOG_DIRTY_PAGES)
    assert m.host.set_upcall_vector(0x20) == 0
    m.set_vcpu(shadow_sel=1 << 40 | 0b101, requests=3)


def _shadowed_compat(m: Machine) -> None:
    assert m.host.set_long_mode(False) == 0
    m.set_vcpu(shadow_sel=1 << 40 | 0b101, requests=1, upcall_vector=0x30)


def _deactivated(m: Machine) -> None:
    assert m.host.activate_vcpu_info_gpa(0, Gpa(2**64 - 1)) == 0
    assert m.host.activate_shinfo_hva(Hva(0)) == 0


def _vcpu_info_off(m: Machine) -> None:
    assert m.host.activate_vcpu_info_hva(0, Hva(0)) == 0


AFTERWARDS: Final[dict[str, State]] = {
    "fresh": lambda m: None,
    "stale": _stale,
    "invalidated": _invalidated,
    "replaced": _replaced,
    "unmapped": _unmapped,
    "write_protected": _write_protected,
    "absent": _absent,
    "read_only": _read_only,
    "moved": _moved,
    "compat": _compat,
    "with_bits": _with_bits,
    "vectors": _vectors,
    "shadowed": _shadowed,
    "shadowed_compat": _shadowed_compat,
    "deactivated": _deactivated,
    "vcpu_info_off": _vcpu_info_off,
}


def _after(activation: Activation, change: State) -> State:
    def state(m: Machine) -> None:
        m.activate(activation)
        change(m)

    return state


STATES: Final[dict[str, State]] = {
    "never": lambda m: None,
    **{
        f"{name}_{activation}": _after(activation, change)
        for name, change in AFTERWARDS.items()
        for activation in Activation
    },
}
