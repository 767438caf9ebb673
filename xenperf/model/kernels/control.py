"""Single requests of the VMM, the guest and the VMM's mm, as the host passes them on."""

from xenperf.abi.kvm import USERSPACE_MEMORY_REGION
from xenperf.jit import kernel
from xenperf.model import activation, atomic_update, notifier, pfncache, shinfo, slot_update, vcpu
from xenperf.model.constants import EIGHT, ONE, TWO, ZERO
from xenperf.model.evtchn import hvm_evtchn_send
from xenperf.model.guest import handle_upcall
from xenperf.model.layout import U64, VM_XEN_LOCK
from xenperf.model.locks import spin_lock, spin_unlock
from xenperf.words import Word, load32, store64

REGION_BYTES = U64(USERSPACE_MEMORY_REGION.itemsize)


@kernel
def set_memory_regions(vm: Word, cpu: Word, regions: Word, outcomes: Word, n: Word) -> Word:
    """Make *n* memslot requests in order, each with its outcome; return how many succeeded."""
    done = ZERO
    i = ZERO
    while i < n:
        rc = slot_update.set_memory_region(vm, cpu, regions + i * REGION_BYTES)
        store64(outcomes + i * EIGHT, rc)
        done += ONE if rc == ZERO else ZERO
        i += ONE
    return done


@kernel
def set_memory_regions_at_once(vm: Word, cpu: Word, regions: Word, n: Word) -> Word:
    """Make *n* memslot requests in one publish: hypothetical."""
    return atomic_update.update_at_once(vm, cpu, regions, n)


@kernel
def send_ports(vm: Word, cpu: Word, vcpu_idx: Word, ports: Word, outcomes: Word, n: Word) -> Word:
    """Send each of *n* ports (``uint32``) once; outcomes are ``uint64`` words."""
    i = ZERO
    while i < n:
        port = U64(load32(ports + (i << TWO)))
        store64(outcomes + i * EIGHT, hvm_evtchn_send(vm, cpu, vcpu_idx, port))
        i += ONE
    return n


@kernel
def init_cache(gpc: Word) -> Word:
    """Make *gpc* a cache never used."""
    pfncache.init(gpc)
    return ZERO


@kernel
def activate_shinfo(vm: Word, cpu: Word, gpa: Word, uhva: Word) -> Word:
    """Activate shared_info by one of the two addresses."""
    return shinfo.activate_shinfo(vm, cpu, gpa, uhva)


@kernel
def activate_vcpu_info(vm: Word, cpu: Word, vcpu_idx: Word, gpa: Word, uhva: Word) -> Word:
    """Activate a vcpu_info by one of the two addresses."""
    return shinfo.activate_vcpu_info(vm, cpu, vcpu_idx, gpa, uhva)


@kernel
def deactivate_cache(vm: Word, gpc: Word) -> Word:
    """Stop using *gpc*, under xen_lock like every attribute."""
    spin_lock(vm + VM_XEN_LOCK)
    activation.deactivate(vm, gpc)
    spin_unlock(vm + VM_XEN_LOCK)
    return ZERO


@kernel
def invalidate_start(vm: Word, cpu: Word, start: Word, end: Word) -> Word:
    """Tell KVM that ``[start, end)`` of the VMM's addresses is about to change."""
    notifier.invalidate_range_start(vm, cpu, start, end)
    return ZERO


@kernel
def invalidate_end(vm: Word, cpu: Word, start: Word, end: Word) -> Word:
    """Tell KVM that the change is made."""
    notifier.invalidate_range_end(vm, cpu, start, end)
    return ZERO


@kernel
def set_long_mode(vm: Word, cpu: Word, long_mode: Word) -> Word:
    """Switch between the 64-bit and the 32-bit layouts."""
    return shinfo.set_long_mode(vm, cpu, long_mode)


@kernel
def enter_guest(vm: Word, cpu: Word, vcpu_khva: Word) -> Word:
    """Take a vCPU to the point of guest entry once; 1 when it would be interrupted."""
    return vcpu.enter_guest(vm, cpu, vcpu_khva)


@kernel
def handle_events(shared_info: Word, vcpu_info: Word, long_mode: Word) -> Word:
    """Let the guest's handler run once; returns its digest."""
    return handle_upcall(shared_info, vcpu_info, long_mode != ZERO)
