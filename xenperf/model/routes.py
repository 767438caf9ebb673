"""Routes from a GSI to a port: ``kvm_xen_setup_evtchn()`` and ``kvm_set_irq()``, v6.12.39.

A GSI has at most one route, of type XEN_EVTCHN. An irqfd and KVM_IRQ_LINE_STATUS both end here.
Left out: other types of route, and replacing the table as a whole.
"""

from typing import Final

from xenperf.abi.kvm import IRQ_ROUTING_ENTRY, RouteType
from xenperf.abi.structs import offset_of
from xenperf.jit import op
from xenperf.model.constants import (
    ALL_ONES,
    PRIORITY,
    RC_EINVAL,
    RC_EWOULDBLOCK,
    SIGN_SHIFT,
    W0,
    ZERO,
)
from xenperf.model.evtchn import set_evtchn, set_evtchn_fast, vcpu_at
from xenperf.model.layout import (
    U32,
    U64,
    VM_GSIS,
    VM_NR_GSIS,
    VM_NR_VCPUS,
    VM_XEN_LOCK,
)
from xenperf.model.locks import spin_lock, spin_unlock
from xenperf.model.source_layout import GSI_PORT, GSI_SHIFT, GSI_TYPE, GSI_VCPU
from xenperf.words import Word, load32, load64, store32

ENTRY_TYPE: Final = U64(offset_of(IRQ_ROUTING_ENTRY, "type"))
ENTRY_PORT: Final = U64(offset_of(IRQ_ROUTING_ENTRY, "port"))
ENTRY_VCPU: Final = U64(offset_of(IRQ_ROUTING_ENTRY, "vcpu"))
ENTRY_PRIORITY: Final = U64(offset_of(IRQ_ROUTING_ENTRY, "priority"))
XEN_EVTCHN: Final = U32(RouteType.XEN_EVTCHN)
STATUS_LOST: Final = ALL_ONES  # kvm_set_irq(): no route took it


@op
def gsi_at(vm: Word, gsi: Word) -> Word:
    """Return the khva of the record of *gsi*, which exists."""
    return load64(vm + VM_GSIS) + (gsi << GSI_SHIFT)


@op
def set_route(vm: Word, entry: Word) -> Word:
    """Let the GSI of *entry* lead to its port; type 0 takes the route away.

    Neither the port's limit nor the vCPU is looked at: what cannot be delivered fails then.
    """
    gsi = U64(load32(entry))
    kind = load32(entry + ENTRY_TYPE)
    if gsi >= load64(vm + VM_NR_GSIS) or (kind != W0 and kind != XEN_EVTCHN):
        return RC_EINVAL
    if kind == XEN_EVTCHN and load32(entry + ENTRY_PRIORITY) != PRIORITY:
        return RC_EINVAL
    record = gsi_at(vm, gsi)
    spin_lock(vm + VM_XEN_LOCK)
    store32(record + GSI_PORT, load32(entry + ENTRY_PORT))
    store32(record + GSI_VCPU, load32(entry + ENTRY_VCPU))
    store32(record + GSI_TYPE, kind)
    spin_unlock(vm + VM_XEN_LOCK)
    return ZERO


@op
def set_irq_inatomic(vm: Word, cpu: Word, record: Word) -> Word:
    """Raise what the GSI at *record* leads to without sleeping: ``kvm_arch_set_irq_inatomic()``.

    A GSI without a route is -EWOULDBLOCK too, as any type that is not known here.
    """
    vcpu_id = U64(load32(record + GSI_VCPU))
    if load32(record + GSI_TYPE) != XEN_EVTCHN:
        return RC_EWOULDBLOCK
    if vcpu_id >= load64(vm + VM_NR_VCPUS):
        return RC_EINVAL
    return set_evtchn_fast(vm, cpu, vcpu_at(vm, vcpu_id), U64(load32(record + GSI_PORT)))


@op
def set_irq(vm: Word, cpu: Word, gsi: Word, level: Word) -> Word:
    """Raise or lower *gsi* and return the status: 1 delivered, 0 merged, -1 for all the rest.

    A masked event counts as the rest, like one that was lost; so does lowering a line.
    """
    if gsi >= load64(vm + VM_NR_GSIS) or level == ZERO:
        return STATUS_LOST
    record = gsi_at(vm, gsi)
    vcpu_id = U64(load32(record + GSI_VCPU))
    if load32(record + GSI_TYPE) != XEN_EVTCHN or vcpu_id >= load64(vm + VM_NR_VCPUS):
        return STATUS_LOST
    rc = set_evtchn(vm, cpu, vcpu_at(vm, vcpu_id), U64(load32(record + GSI_PORT)))
    return STATUS_LOST if rc >> SIGN_SHIFT != ZERO else rc
