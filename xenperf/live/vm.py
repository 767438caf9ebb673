"""One VM of the kernel's: its descriptors, memslots, attributes and sends."""

import contextlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.kvm import (
    CLOCK_DATA,
    DIRTY_LOG,
    PRIORITY_2LEVEL,
    USERSPACE_MEMORY_REGION,
    XEN_EVTCHN_SEND,
    XEN_HVM_CONFIG,
    XEN_VM_ATTR,
    Capability,
    Ioctl,
    VmAttr,
    XenConfig,
)
from xenperf.abi.status import Status, errno_name
from xenperf.abi.structs import record
from xenperf.abi.vcpu import MSI
from xenperf.errors import UnavailableError, UsageError
from xenperf.hypervisor import MemoryRegion, VmSize
from xenperf.live.descriptors import capability, made, open_device
from xenperf.live.guest import GUEST_GPA, Guest
from xenperf.live.vcpu import Vcpu

WANTED: Final = XenConfig.INTERCEPT_HCALL | XenConfig.EVTCHN_SEND
NEEDED: Final = WANTED | XenConfig.SHARED_INFO | XenConfig.EVTCHN_2LEVEL
"""What KVM_CAP_XEN_HVM must offer; ``WANTED`` is what has to be switched on."""

NO_XEN: Final = (
    "the running kernel's KVM has no Xen support (KVM_CAP_XEN_HVM is {flags:#x})",
    "boot a kernel with CONFIG_KVM_XEN=y, in a VM with xenperf boot",
)
HYPERCALL_MSR: Final = 0x4000_0000
"""Our guest never writes it, but KVM acts as Xen for any guest only once some VM has named one.

Source: ``kvm_xen_hvm_config()`` and ``kvm_xen_enabled``, arch/x86/kvm/xen.c, Linux v6.12.
"""

_EVERY_LAPIC: Final = 0xFEEF_F000
_NMI_DELIVERY: Final = 0x400


class Vm:
    """The descriptors of one VM and its vCPUs, and the memslot that the guest's own code is in."""

    def __init__(self, size: VmSize, *, needs_xen: bool = True) -> None:
        """Make a VM with its vCPUs; without *needs_xen*, one for memslots on any KVM.

        ``UnavailableError`` says what is missing; nothing is left open then.
        """
        with contextlib.ExitStack() as owned:
            device = owned.enter_context(open_device())
            self.xen_flags = XenConfig(capability(device, Capability.XEN_HVM))
            if needs_xen:
                check_xen(self.xen_flags)
            self.guest_slot = capability(device, Capability.NR_MEMSLOTS) - 1
            _check_slots(size.nr_slots, self.guest_slot)
            _check_vcpus(size.nr_vcpus, capability(device, Capability.MAX_VCPUS))
            run_bytes = device.request(Ioctl.GET_VCPU_MMAP_SIZE)
            self._vm = owned.enter_context(made("VM", device, Ioctl.CREATE_VM))
            self._must("interrupt controllers", Ioctl.CREATE_IRQCHIP)
            if needs_xen:
                config = record(XEN_HVM_CONFIG, flags=WANTED, msr=HYPERCALL_MSR)
                self._must("Xen", Ioctl.XEN_HVM_CONFIG, config)
            self.guest = owned.enter_context(contextlib.closing(Guest(size.nr_vcpus)))
            self.vcpus = [
                owned.enter_context(contextlib.closing(self._made_vcpu(idx, run_bytes)))
                for idx in range(size.nr_vcpus)
            ]
            self._show_guest()
            self._owned = owned.pop_all()

    @property
    def fd(self) -> int:
        """The VM's descriptor, for compiled loops."""
        return self._vm.fd

    def request(self, number: Ioctl, argument: Any = 0) -> int:
        """Make an ioctl of the VM; return its answer or a negative errno."""
        return self._vm.request(number, argument)

    def set_regions(self, regions: Sequence[MemoryRegion]) -> list[int]:
        """Make memslot requests in order; return each outcome."""
        packed = pack_regions(regions)
        return [
            self.request(Ioctl.SET_USER_MEMORY_REGION, packed[i : i + 1])
            for i in range(len(packed))
        ]

    def set_attr(self, kind: VmAttr, **fields: int) -> int:
        """Set a Xen attribute; 0 or a negative errno."""
        return self.request(Ioctl.XEN_HVM_SET_ATTR, record(XEN_VM_ATTR, type=kind, **fields))

    def get_attr(self, kind: VmAttr, field: str) -> int:
        """Return *field* of a Xen attribute, or a negative errno."""
        attr = record(XEN_VM_ATTR, type=kind)
        rc = self.request(Ioctl.XEN_HVM_GET_ATTR, attr)
        return int(attr[field][0]) if rc == Status.OK else rc

    def send(self, vcpu_idx: int, ports: NDArray[np.uint32], outcomes: NDArray[np.int64]) -> None:
        """Send each port once and store what was answered."""
        event = record(XEN_EVTCHN_SEND, vcpu=vcpu_idx, priority=PRIORITY_2LEVEL)
        for idx, port in enumerate(ports):
            event["port"] = port
            outcomes[idx] = self.request(Ioctl.XEN_HVM_EVTCHN_SEND, event)

    def clock_ns(self) -> int:
        """Return the guest's clock."""
        clock = record(CLOCK_DATA)
        self._must("clock", Ioctl.GET_CLOCK, clock)
        return int(clock["clock_ns"][0])

    def take_dirty_log(self, slot: int, bitmap: NDArray[np.uint8]) -> int:
        """Copy the dirty bits of *slot* and clear them; 0 or a negative errno."""
        log = record(DIRTY_LOG, slot=slot, dirty_bitmap=bitmap.ctypes.data)
        return self.request(Ioctl.GET_DIRTY_LOG, log)

    def wake_all(self) -> None:
        """Send every vCPU a non-maskable interrupt, which ends any sleep.

        To all of them: KVM knows no single one by its number until a VMM has set up its APIC.
        """
        self.request(Ioctl.SIGNAL_MSI, record(MSI, address_lo=_EVERY_LAPIC, data=_NMI_DELIVERY))

    def close(self) -> None:
        """Wake who sleeps, then give every descriptor and mapping back."""
        if any(vcpu.is_asleep for vcpu in self.vcpus):
            self.wake_all()
        self._owned.close()

    def _made_vcpu(self, idx: int, run_bytes: int) -> Vcpu:
        descriptor = made(f"vcpu {idx}", self._vm, Ioctl.CREATE_VCPU, idx)
        return Vcpu(idx, descriptor, self.guest, run_bytes)

    def _show_guest(self) -> None:
        region = MemoryRegion(self.guest_slot, GUEST_GPA, self.guest.nr_bytes, self.guest.hva)
        (rc,) = self.set_regions([region])
        if rc != 0:
            raise UnavailableError("memslot", f"KVM refuses the guest's own: {errno_name(rc)}")

    def _must(self, thing: str, number: Ioctl, argument: Any = 0) -> None:
        rc = self.request(number, argument)
        if rc < 0:
            raise UnavailableError(thing, f"KVM refuses {number.name} with {errno_name(rc)}")


def check_xen(flags: XenConfig) -> None:
    """Raise ``UnavailableError`` unless KVM's Xen support has all that is needed."""
    if flags & NEEDED == NEEDED:
        return
    reason, remedy = NO_XEN
    raise UnavailableError("backend live", reason.format(flags=int(flags)), remedy)


def _check_slots(wanted: int, most: int) -> None:
    """Raise if *wanted* memslots and one for the guest's code are more than KVM has."""
    if most < 1:
        raise UnavailableError("memslots", "KVM offers none")
    if wanted > most:
        reason = "more than this kernel has beside the one of the guest's code"
        raise UsageError(f"slots {wanted}", reason, f"give 1 to {most}")


def _check_vcpus(wanted: int, most: int) -> None:
    """Raise if *wanted* vCPUs are more than KVM has; 0: it does not say."""
    if wanted > most > 0:
        raise UsageError(f"vcpus {wanted}", "more than this kernel has", f"give 1 to {most}")


def pack_regions(regions: Sequence[MemoryRegion]) -> NDArray[Any]:
    """Return *regions* as an array of ``struct kvm_userspace_memory_region``."""
    packed = np.zeros(len(regions), USERSPACE_MEMORY_REGION)
    for idx, region in enumerate(regions):
        packed[idx : idx + 1] = record(
            USERSPACE_MEMORY_REGION,
            slot=region.slot,
            flags=int(region.flags),
            guest_phys_addr=region.gpa,
            memory_size=region.nr_bytes,
            userspace_addr=region.hva,
        )
    return packed
