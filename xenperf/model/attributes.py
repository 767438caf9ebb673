"""What a VMM reads back of one modelled VM, and the protection of its own pages.

``kvm_xen_hvm_get_attr()`` and ``kvm_xen_vcpu_get_attr()``, arch/x86/kvm/xen.c, v6.9. Left out: the
lock they take, since nothing else runs while the host asks.
"""

from xenperf.abi.kvm import HVA_OFF, INVALID_GFN, INVALID_GPA
from xenperf.abi.status import Status
from xenperf.model.kernels import control
from xenperf.model.mm import AddressSpace
from xenperf.model.observed import Observed
from xenperf.model.patches import SHINFO_HVA, VCPU_INFO_HVA
from xenperf.model.state import VmState
from xenperf.units import PAGE_SIZE, Gpa, Hva, Khva, Pfn, gpa_to_gfn


class Attributes:
    """The part of a ``ModelHost`` that answers GET attributes and mprotect."""

    state: VmState
    mm: AddressSpace
    observed: Observed
    nr_vcpus: int

    def get_shinfo_gfn(self) -> int:
        """Return the frame that shared_info is active at; all-ones if off or active by HVA."""
        gpa = self._gpa_of(self.state.shinfo_gpc())
        return INVALID_GFN if gpa == INVALID_GPA else gpa_to_gfn(gpa)

    def get_shinfo_hva(self) -> int:
        """Return the address that shared_info is active at; 0 if off or active by GFN."""
        return self._hva_of(self.state.shinfo_gpc()) if SHINFO_HVA else Status.ENOENT

    def get_vcpu_info_gpa(self, vcpu_idx: int) -> int:
        """Return where a vcpu_info is active; all-ones if off or active by HVA."""
        self._check_vcpu(vcpu_idx)
        return self._gpa_of(self.state.vcpu_info_gpc(vcpu_idx))

    def get_vcpu_info_hva(self, vcpu_idx: int) -> int:
        """Return where a vcpu_info is active; 0 if off or active by GPA."""
        self._check_vcpu(vcpu_idx)
        if not VCPU_INFO_HVA:
            return Status.ENOENT
        gpc = self.state.vcpu_info_gpc(vcpu_idx)
        return self._hva_of(gpc) if VCPU_INFO_HVA else Status.ENOENT

    def protect_page(self, hva: Hva, writable: bool) -> None:
        """Forbid or allow stores to the page at *hva*; the notifier runs before and after."""
        self.mm.check(hva, 1)
        pfn = self.mm.pfn(hva)
        if pfn is None:
            raise ValueError(f"hva {hva:#x}: nothing is mapped there")
        self._show(hva, pfn, writable)

    def _show(self, hva: Hva, pfn: Pfn, writable: bool) -> None:
        vm, cpu, end = self.state.vm, self.state.cpu, hva + PAGE_SIZE
        control.invalidate_start(vm, cpu, hva, end)
        try:
            self.mm.show(hva, pfn, 1, writable=writable)
        finally:
            control.invalidate_end(vm, cpu, hva, end)

    def _gpa_of(self, gpc: Khva) -> Gpa:
        fields = self.observed.gpc(gpc)
        return Gpa(fields["gpa"]) if fields["active"] else INVALID_GPA

    def _hva_of(self, gpc: Khva) -> Hva:
        fields = self.observed.gpc(gpc)
        by_hva = fields["active"] and fields["gpa"] == INVALID_GPA
        return Hva(fields["uhva"]) if by_hva else HVA_OFF

    def _check_vcpu(self, vcpu_idx: int) -> None:
        if not 0 <= vcpu_idx < self.nr_vcpus:
            raise ValueError(f"vcpu {vcpu_idx}: this VM has {self.nr_vcpus}")
