"""Events as the VMM sends them and as it finds them in the pages it owns."""

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.xen import SharedInfoLayout
from xenperf.hypervisor import Hypervisor
from xenperf.units import Hva


def send_ports(host: Hypervisor, ports: NDArray[np.uint32], vcpu_idx: int = 0) -> NDArray[np.int64]:
    """Send each of *ports* once; return what each caller was told, 0 or a negative errno."""
    outcomes = np.zeros(ports.shape, np.int64)
    host.send(vcpu_idx, np.ascontiguousarray(ports, np.uint32), outcomes)
    return outcomes


def pending_ports(host: Hypervisor, page_hva: Hva, layout: SharedInfoLayout) -> NDArray[np.int64]:
    """Return the ports whose pending bit is set in the page at *page_hva*, in rising order."""
    bitmap = host.read(Hva(page_hva + layout.pending_offset), layout.pending_bytes)
    return np.flatnonzero(np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little"))


def set_bitmaps(
    host: Hypervisor,
    page_hva: Hva,
    layout: SharedInfoLayout,
    *,
    pending: bool = False,
    masked: bool = False,
) -> None:
    """Set or clear every pending bit and every mask bit of the page, as a guest could."""
    fill = {True: b"\xff", False: b"\x00"}
    host.write(Hva(page_hva + layout.pending_offset), fill[pending] * layout.pending_bytes)
    host.write(Hva(page_hva + layout.mask_offset), fill[masked] * layout.mask_bytes)
