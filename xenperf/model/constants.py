"""Words and statuses as the steps use them: module-level unsigned constants of the right width.

A Python literal beside a ``uint64`` types as signed, and a signed sum with an unsigned word as
``float64``, silently. So the steps of the model contain no literals.
"""

import errno
from typing import Final

from xenperf.abi.kvm import PRIORITY_2LEVEL, Exit
from xenperf.abi.status import Status
from xenperf.abi.xen import COMPAT, LONG_MODE
from xenperf.model.layout import U8, U32, U64
from xenperf.units import PAGE_SHIFT, PAGE_SIZE

ZERO, ONE, TWO, THREE, FIVE, SIX = (U64(value) for value in (0, 1, 2, 3, 5, 6))
FOUR, EIGHT, NINE = U64(4), U64(8), U64(9)
WORD_BYTES_SHIFT: Final = THREE
ALL_ONES: Final = U64((1 << 64) - 1)
BYTE0, BYTE1 = U8(0), U8(1)
W0, W1 = U32(0), U32(1)

PAGE: Final = U64(PAGE_SIZE)
PAGE_BITS: Final = U64(PAGE_SHIFT)
OFFSET_MASK: Final = U64(PAGE_SIZE - 1)
PAGE_MASK: Final = ~OFFSET_MASK

GPA_ERROR: Final = ALL_ONES  # INVALID_GPA
HVA_ERROR: Final = U64(1 << 63)  # KVM_HVA_ERR_BAD: the first address of the kernel's half
PFN_ERROR: Final = U64(0x7FF << 52)  # KVM_PFN_ERR_FAULT: any of the high bits
GENERATION_IN_PROGRESS: Final = U64(1 << 63)  # KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS
USER_END: Final = U64((1 << 47) - PAGE_SIZE)  # first address past the VMM's half

RC_OK: Final = ZERO
RC_EWOULDBLOCK: Final = U64(Status.EWOULDBLOCK & ((1 << 64) - 1))
RC_ENOMEM: Final = U64(Status.ENOMEM & ((1 << 64) - 1))
RC_EFAULT: Final = U64(Status.EFAULT & ((1 << 64) - 1))
RC_EEXIST: Final = U64(Status.EEXIST & ((1 << 64) - 1))
RC_EINVAL: Final = U64(Status.EINVAL & ((1 << 64) - 1))
RC_ENOSYS: Final = U64(Status.ENOSYS & ((1 << 64) - 1))
RC_ENOTCONN: Final = U64(Status.ENOTCONN & ((1 << 64) - 1))
RC_ENOENT: Final = U64(Status.ENOENT & ((1 << 64) - 1))
RC_EBADF: Final = U64((1 << 64) - errno.EBADF)
RC_ASLEEP: Final = ONE  # a vCPU stays in a poll; no errno, and no exit
RC_EXIT_XEN: Final = U64(Exit.XEN)  # a hypercall is left to the VMM
SIGN_SHIFT: Final = U64(63)

REQUEST_UNBLOCK: Final = U64(1 << 0)
REQUEST_CLOCK_UPDATE: Final = U64(1 << 1)

PENDING: Final = U64(LONG_MODE.pending_offset)
MASK64: Final = U64(LONG_MODE.mask_offset)
MASK32: Final = U64(COMPAT.mask_offset)
NR_PORTS64: Final = U64(LONG_MODE.nr_ports)
NR_PORTS32: Final = U64(COMPAT.nr_ports)
WC64: Final = U64(LONG_MODE.wc_offset)
WC32: Final = U64(COMPAT.wc_offset)
WC_SEC_HI64: Final = U64(LONG_MODE.wc_sec_hi_offset)
WC_SEC_HI32: Final = U64(COMPAT.wc_sec_hi_offset)
SEL64: Final = U64(LONG_MODE.vcpu_info.pending_sel)
SEL32: Final = U64(COMPAT.vcpu_info.pending_sel)
VCPU_INFO_BYTES: Final = U64(64)
LOW32: Final = U64(0xFFFFFFFF)
BIT_MASK64: Final = U64(63)
BIT_MASK32: Final = U64(31)
PRIORITY: Final = U32(PRIORITY_2LEVEL)
POLL_MANY: Final = U32(0xFFFF_FFFF)  # in place of a port: more or fewer than one is polled
