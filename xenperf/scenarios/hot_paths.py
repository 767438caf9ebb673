"""Costs of the hot paths: sends, upkeep of caches, activation, a vCPU on its way in."""

from typing import Final

import numpy as np

from xenperf.abi.status import Delivery, Status
from xenperf.hypervisor import Activation, Feature, Loop, Operation
from xenperf.scenarios.kinds import Benchmark, Prepare, Setting
from xenperf.vmm.activate import deactivate_vcpu_info
from xenperf.vmm.events import send_ports, set_bitmaps
from xenperf.vmm.machine import play, without
from xenperf.vmm.overlay import break_apart, regions, rejoin

STEPS: Final = frozenset({Feature.STEPS})
NOTIFIED_VCPUS: Final = 31  # with shared_info, 32 caches


def _plain(operation: Operation, expected: int = 0) -> Prepare:
    """Time *operation* on the machine as it stands: overlay in place, every cache good."""
    return lambda setting: setting.loop(operation, expected)


def _merged(setting: Setting) -> Loop:
    set_bitmaps(
        setting.host, setting.machine.overlay_hva, setting.machine.shape.layout, pending=True
    )
    return setting.loop(Operation.SEND_AGAIN, Delivery.MERGED)


def _masked(setting: Setting) -> Loop:
    set_bitmaps(
        setting.host, setting.machine.overlay_hva, setting.machine.shape.layout, masked=True
    )
    return setting.loop(Operation.SEND, Delivery.MASKED)


def _to_shadow(setting: Setting) -> Loop:
    """Switch vcpu_info off; before 003d914220c9 ("vcpu_info safely copied") KVM refuses then."""
    host, machine = setting.host, setting.machine
    deactivate_vcpu_info(host, setting.activation, 0)
    told = send_ports(host, np.array([machine.shape.port], np.uint32))[0]
    set_bitmaps(host, machine.overlay_hva, machine.shape.layout)
    return setting.loop(
        Operation.SEND, Status.EINVAL if told == Status.EINVAL else Delivery.DELIVERED
    )


def _absent(setting: Setting) -> Loop:
    """Take the overlay's memslot away: by GPA each send fails, by HVA none does."""
    play(setting.host, [without(setting.machine.overlay())])
    by_gpa = setting.activation is Activation.GPA
    return setting.loop(Operation.SEND, Status.EFAULT if by_gpa else Delivery.DELIVERED)


def _unresolvable(setting: Setting) -> Loop:
    """Take away what the cache needs: the memslot by GPA, the VMM's page by HVA."""
    if setting.activation is Activation.GPA:
        play(setting.host, [without(setting.machine.overlay())])
        operation = Operation.REFRESH_AFTER_SLOT_CHANGE
    else:
        setting.host.unmap_pages(setting.machine.overlay_hva)
        operation = Operation.REFRESH_AFTER_INVALIDATION
    return setting.loop(operation, Status.EFAULT)


def _has_interrupt(setting: Setting) -> Loop:
    setting.host.set_upcall_vector(0x20)
    return setting.loop(Operation.HAS_INTERRUPT, 0)


def _overlay_cycle(setting: Setting) -> Loop:
    """Rejoin and break apart again and again, with a send after each memslot request."""
    cycle = [*regions(rejoin(setting.machine)), *regions(break_apart(setting.machine))]
    return setting.host.region_loop(cycle, setting.machine.shape.port)


HOT_PATHS: Final = (
    Benchmark(
        "send.delivered",
        "send to a port that is clear: pending bit, selector, kick",
        "ns/send",
        _plain(Operation.SEND, Delivery.DELIVERED),
    ),
    Benchmark("send.merged", "send to a port that is pending already", "ns/send", _merged),
    Benchmark("send.masked", "send to a port that the guest masked", "ns/send", _masked),
    Benchmark(
        "send.to_shadow", "send while vcpu_info is off: the shadow selector", "ns/send", _to_shadow
    ),
    Benchmark(
        "send.and_handle",
        "64 sends, then the guest's upcall handler",
        "ns/send",
        _plain(Operation.SEND_AND_HANDLE),
        needs=STEPS,
    ),
    Benchmark(
        "send.after_slot_change",
        "the first send after a memslot changed elsewhere",
        "ns/send",
        _plain(Operation.SEND_AFTER_SLOT_CHANGE, Delivery.DELIVERED),
        needs=STEPS,
    ),
    Benchmark(
        "send.slot_absent",
        "send while no memslot covers the GPA: EFAULT by GPA, delivered by HVA",
        "ns/send",
        _absent,
    ),
    Benchmark(
        "gpc.check",
        "may the cache be used now?",
        "ns/check",
        _plain(Operation.CHECK),
        nr_vcpus=32,
        needs=STEPS,
    ),
    Benchmark(
        "gpc.lock_and_check",
        "the same with the read lock around it",
        "ns/check",
        _plain(Operation.LOCK_AND_CHECK),
        nr_vcpus=32,
        needs=STEPS,
    ),
    Benchmark(
        "gpc.refresh_valid",
        "refresh with nothing stale (R0)",
        "ns/refresh",
        _plain(Operation.REFRESH),
        needs=STEPS,
    ),
    Benchmark(
        "gpc.refresh_stale",
        "refresh after a memslot changed elsewhere (R1 by GPA, R0 by HVA)",
        "ns/refresh",
        _plain(Operation.REFRESH_AFTER_SLOT_CHANGE),
        needs=STEPS,
    ),
    Benchmark(
        "gpc.refresh_invalid",
        "refresh after the notifier hit the page (R2)",
        "ns/refresh",
        _plain(Operation.REFRESH_AFTER_INVALIDATION),
        needs=STEPS,
    ),
    Benchmark(
        "gpc.refresh_failing",
        "refresh of what resolves nowhere (R3 by GPA, R4 by HVA)",
        "ns/refresh",
        _unresolvable,
        needs=STEPS,
    ),
    Benchmark(
        "shinfo.activate_again",
        "activate shared_info where it is already",
        "ns/activation",
        _plain(Operation.ACTIVATE),
    ),
    Benchmark(
        "shinfo.activate_stale",
        "the same after a memslot changed elsewhere",
        "ns/activation",
        _plain(Operation.ACTIVATE_AFTER_SLOT_CHANGE),
        needs=STEPS,
    ),
    Benchmark(
        "shinfo.off_and_on",
        "deactivate shared_info and activate it again",
        "ns/activation",
        _plain(Operation.DEACTIVATE_AND_ACTIVATE),
    ),
    Benchmark(
        "vcpu.merge",
        "merge the shadow selector",
        "ns/merge",
        _plain(Operation.MERGE),
        needs=STEPS,
    ),
    Benchmark(
        "vcpu.has_interrupt",
        "is an upcall pending?",
        "ns/check",
        _has_interrupt,
        needs=STEPS,
    ),
    Benchmark(
        "notifier.unrelated_page",
        "the VMM unmaps a page that no cache has: 32 caches visited",
        "ns/notifier",
        _plain(Operation.NOTIFY),
        nr_vcpus=NOTIFIED_VCPUS,
    ),
    Benchmark(
        "slots.overlay_cycle",
        "rejoin and break apart, a send after each memslot request",
        "ns/request",
        _overlay_cycle,
        sleeps=True,  # each request waits for the readers of the old memslots
        cycle=8,
    ),
)
