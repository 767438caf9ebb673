"""Where the model keeps the tables of the event sources, as ``layout`` does for the rest."""

from typing import Final

from xenperf.abi.structs import offset_of, struct
from xenperf.model.layout import U64

NR_GSIS: Final = 256
NR_EVENTFDS: Final = 64

GSI: Final = struct(
    32,
    ("counter", "<u8", 0),  # of the eventfd bound to it
    ("type", "<u4", 8),  # of its route; 0: none
    ("port", "<u4", 12),
    ("vcpu", "<u4", 16),
    ("is_queued", "<u4", 20),  # the irqfd's work item
)
"""One GSI: its route of type XEN_EVTCHN, and the irqfd bound to it (virt/kvm/eventfd.c)."""

EVTCHN_PORT: Final = struct(
    16,
    ("type", "<u4", 0),  # 0: not registered
    ("deliver_port", "<u4", 4),  # 0: an eventfd is signalled instead
    ("vcpu", "<u4", 8),
    ("eventfd", "<u4", 12),
)
"""``struct evtchnfd`` (arch/x86/kvm/xen.c): where an event goes that the guest sends."""

GSI_SHIFT: Final = U64(5)
GSI_TYPE: Final = U64(offset_of(GSI, "type"))
GSI_PORT: Final = U64(offset_of(GSI, "port"))
GSI_VCPU: Final = U64(offset_of(GSI, "vcpu"))
GSI_IS_QUEUED: Final = U64(offset_of(GSI, "is_queued"))

EVTCHN_PORT_SHIFT: Final = U64(4)
EVTCHN_PORT_DELIVER_PORT: Final = U64(offset_of(EVTCHN_PORT, "deliver_port"))
EVTCHN_PORT_VCPU: Final = U64(offset_of(EVTCHN_PORT, "vcpu"))
EVTCHN_PORT_EVENTFD: Final = U64(offset_of(EVTCHN_PORT, "eventfd"))
