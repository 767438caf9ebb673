"""Ports that the guest may send to without the VMM: attribute EVTCHN (arch/x86/kvm/xen.c, v6.9).

KVM keeps them in an idr, the model in a table with a record for every port.
"""

from typing import Final

from xenperf.abi.kvm import XEN_VM_ATTR, EvtchnFlag
from xenperf.abi.structs import offset_of
from xenperf.abi.xen import EvtchnStat
from xenperf.jit import op
from xenperf.model.constants import (
    EIGHT,
    NR_PORTS64,
    ONE,
    PRIORITY,
    RC_EBADF,
    RC_EEXIST,
    RC_EFAULT,
    RC_EINVAL,
    RC_ENOENT,
    RC_ENOTCONN,
    RC_EXIT_XEN,
    SIGN_SHIFT,
    W0,
    ZERO,
)
from xenperf.model.evtchn import nr_ports, set_evtchn, vcpu_at
from xenperf.model.layout import (
    U32,
    U64,
    VM_EVENTFDS,
    VM_EVTCHN_PORTS,
    VM_NR_EVENTFDS,
    VM_NR_VCPUS,
    VM_XEN_LOCK,
)
from xenperf.model.locks import (
    spin_lock,
    spin_unlock,
    srcu_read_lock,
    srcu_read_unlock,
    synchronize_srcu,
)
from xenperf.model.source_layout import (
    EVTCHN_PORT_DELIVER_PORT,
    EVTCHN_PORT_EVENTFD,
    EVTCHN_PORT_SHIFT,
    EVTCHN_PORT_VCPU,
)
from xenperf.words import Word, fetch_add64, load32, load64, store32, unlikely

ATTR_SEND_PORT: Final = U64(offset_of(XEN_VM_ATTR, "send_port"))
ATTR_TYPE: Final = U64(offset_of(XEN_VM_ATTR, "evtchn_type"))
ATTR_FLAGS: Final = U64(offset_of(XEN_VM_ATTR, "evtchn_flags"))
ATTR_PORT: Final = U64(offset_of(XEN_VM_ATTR, "deliver_port"))
ATTR_VCPU: Final = U64(offset_of(XEN_VM_ATTR, "deliver_vcpu"))
ATTR_PRIORITY: Final = U64(offset_of(XEN_VM_ATTR, "deliver_priority"))
ATTR_FD: Final = U64(offset_of(XEN_VM_ATTR, "deliver_fd"))
DEASSIGN, UPDATE, RESET = (
    U32(flag) for flag in (EvtchnFlag.DEASSIGN, EvtchnFlag.UPDATE, EvtchnFlag.RESET)
)
INTERDOMAIN, IPI = U32(EvtchnStat.INTERDOMAIN), U32(EvtchnStat.IPI)


@op
def port_at(vm: Word, port: Word) -> Word:
    """Return the khva of the record of *port*, which exists in a 64-bit guest."""
    return load64(vm + VM_EVTCHN_PORTS) + (port << EVTCHN_PORT_SHIFT)


@op
def _refusal(vm: Word, attr: Word) -> Word:
    """Return why the port of *attr* cannot be assigned, apart from being in use; 0: it can."""
    kind = load32(attr + ATTR_TYPE)
    port = load32(attr + ATTR_PORT)
    if kind == IPI:
        if port != load32(attr + ATTR_SEND_PORT):
            return RC_EINVAL
    elif kind != INTERDOMAIN or U64(port) >= nr_ports(vm):
        return RC_EINVAL
    elif port == W0:
        is_open = U64(load32(attr + ATTR_FD)) < load64(vm + VM_NR_EVENTFDS)
        return ZERO if is_open else RC_EBADF
    return ZERO if load32(attr + ATTR_PRIORITY) == PRIORITY else RC_EINVAL


@op
def _assign(vm: Word, record: Word, attr: Word) -> Word:
    """Register the port: ``kvm_xen_eventfd_assign()``."""
    rc = _refusal(vm, attr)
    if rc != ZERO:
        return rc
    port = load32(attr + ATTR_PORT)
    spin_lock(vm + VM_XEN_LOCK)
    if load32(record) != W0:
        rc = RC_EEXIST
    else:
        to_eventfd = port == W0
        store32(record + EVTCHN_PORT_DELIVER_PORT, port)
        store32(record + EVTCHN_PORT_VCPU, W0 if to_eventfd else load32(attr + ATTR_VCPU))
        store32(record + EVTCHN_PORT_EVENTFD, load32(attr + ATTR_FD) if to_eventfd else W0)
        store32(record, load32(attr + ATTR_TYPE))
    spin_unlock(vm + VM_XEN_LOCK)
    return rc


@op
def _update(vm: Word, record: Word, attr: Word) -> Word:
    """Let another vCPU have the port's events: ``kvm_xen_eventfd_update()``.

    All else stays as it is, or -EINVAL; so does a port that leads to an eventfd.
    """
    spin_lock(vm + VM_XEN_LOCK)
    port = load32(record + EVTCHN_PORT_DELIVER_PORT)
    rc = ZERO
    if load32(record) == W0:
        rc = RC_ENOENT
    elif (
        load32(record) != load32(attr + ATTR_TYPE)
        or port == W0
        or port != load32(attr + ATTR_PORT)
        or load32(attr + ATTR_PRIORITY) != PRIORITY
    ):
        rc = RC_EINVAL
    else:
        store32(record + EVTCHN_PORT_VCPU, load32(attr + ATTR_VCPU))
    spin_unlock(vm + VM_XEN_LOCK)
    return rc


@op
def _forget(vm: Word, first: Word, end: Word) -> Word:
    """Take ports from *first* up to *end* out and wait for who uses them; return how many."""
    nr_found = ZERO
    spin_lock(vm + VM_XEN_LOCK)
    port = first
    while port < end:
        record = port_at(vm, port)
        nr_found += ZERO if load32(record) == W0 else ONE
        store32(record, W0)
        port += ONE
    spin_unlock(vm + VM_XEN_LOCK)
    if nr_found != ZERO:
        synchronize_srcu(vm)
    return nr_found


@op
def set_evtchn_attr(vm: Word, attr: Word) -> Word:
    """Assign, update or forget a port, or forget all: ``kvm_xen_setattr_evtchn()``. 0 or -errno.

    Each flag stands alone; two of them together are as unknown as any other number.
    """
    flags = load32(attr + ATTR_FLAGS)
    port = U64(load32(attr + ATTR_SEND_PORT))
    is_reset = flags == RESET
    if not is_reset and (port == ZERO or port >= nr_ports(vm)):
        return RC_EINVAL
    if is_reset or flags == DEASSIGN:
        nr_found = _forget(vm, ZERO if is_reset else port, NR_PORTS64 if is_reset else port + ONE)
        return ZERO if is_reset or nr_found != ZERO else RC_ENOENT
    if flags == UPDATE:
        return _update(vm, port_at(vm, port), attr)
    return _assign(vm, port_at(vm, port), attr) if flags == W0 else RC_EINVAL


@op
def _pass_on(vm: Word, cpu: Word, record: Word) -> Word:
    """Deliver an event to where a registered port leads; 0 or -errno."""
    port = U64(load32(record + EVTCHN_PORT_DELIVER_PORT))
    if port == ZERO:
        fd = U64(load32(record + EVTCHN_PORT_EVENTFD))
        fetch_add64(load64(vm + VM_EVENTFDS) + fd * EIGHT, ONE)
        return ZERO
    vcpu_id = U64(load32(record + EVTCHN_PORT_VCPU))
    if vcpu_id >= load64(vm + VM_NR_VCPUS):
        return RC_EINVAL
    rc = set_evtchn(vm, cpu, vcpu_at(vm, vcpu_id), port)
    return rc if rc >> SIGN_SHIFT != ZERO and rc != RC_ENOTCONN else ZERO


@op
def evtchn_send(vm: Word, cpu: Word, args: Word) -> Word:
    """Send as the guest does: EVTCHNOP_send, ``kvm_xen_hcall_evtchn_send()``.

    A port that nobody registered is left to the VMM, and so is every event that fails; the guest
    is told 0, or -EFAULT about its own *args*.
    """
    if args == ZERO:
        return RC_EFAULT
    port = U64(load32(args))
    if unlikely(port >= NR_PORTS64):
        return RC_EXIT_XEN
    idx = srcu_read_lock(vm, cpu)
    record = port_at(vm, port)
    rc = RC_ENOENT
    if load32(record) != W0:
        rc = _pass_on(vm, cpu, record)
    srcu_read_unlock(cpu, idx)
    return ZERO if rc == ZERO else RC_EXIT_XEN
