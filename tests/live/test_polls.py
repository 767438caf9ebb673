"""What a poll does to a memslot request, and an event to both: it takes two threads and Xen."""

import threading
import time

import numpy as np
import pytest

from xenperf.abi.status import Status
from xenperf.hypervisor import Activation, Feature
from xenperf.live.host import LiveHost
from xenperf.scenarios.kinds import ready
from xenperf.sources import GuestCall
from xenperf.vmm.events import send_ports
from xenperf.vmm.machine import Shape, without

pytestmark = pytest.mark.live

PORT = 66
POLL_S, EARLY_S, SETTLED_S = 3.0, 1.5, 0.3


@pytest.mark.parametrize("activation", list(Activation))
def test_an_event_in_the_window_ends_poll_and_request_only_by_hva(
    xen_host: LiveHost, activation: Activation
) -> None:
    """The guest polls, the VMM takes the overlay away, and then the event comes.

    By GPA it fails, so that the guest sleeps on, and with it the request that would end the window.
    """
    if activation is Activation.HVA and Feature.SHINFO_HVA not in xen_host.features:
        pytest.skip("this kernel has no activation by HVA")
    machine = ready(xen_host, Shape(nr_slots=8), activation).machine
    asleep = xen_host.guest_poll(0, [PORT], int(POLL_S * 1e9))
    if asleep != GuestCall.ASLEEP:
        pytest.skip("this kernel lets no poll from 32-bit code sleep")
    took: list[float] = []

    def take_overlay_away() -> None:
        begun = time.monotonic()
        xen_host.set_memory_regions([without(machine.overlay())])
        took.append(time.monotonic() - begun)

    vmm = threading.Thread(target=take_overlay_away)
    vmm.start()
    time.sleep(SETTLED_S)
    [outcome] = send_ports(xen_host, np.array([PORT], np.uint32))
    vmm.join()
    assert outcome == (Status.EFAULT if activation is Activation.GPA else Status.OK)
    assert (took[0] > EARLY_S) == (activation is Activation.GPA)
    assert xen_host.poll_result(0) == 0
