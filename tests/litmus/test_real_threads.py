"""Orders that x86 breaks when a fence or a lock is missing, on two native threads.

The strong form is the model's own step, or its accesses in its order; each weak form lacks one
thing and must show what the strong one never does. What x86 hides is in ``test_reordered``.
"""

from typing import Any

from tests.litmus.both import Litmus, assert_only_the_weak_fail, native_threads
from xenperf.jit import op
from xenperf.model import bits
from xenperf.model.constants import BYTE0, BYTE1, ONE, REQUEST_UNBLOCK, SEL64, ZERO
from xenperf.model.evtchn import kick
from xenperf.model.guest import take_selector
from xenperf.model.layout import VCPU_REQUESTS
from xenperf.words import (
    fetch_and64,
    fetch_or64,
    load64,
    store8,
    store64,
)

pytestmark = native_threads


# (c) Pending and mask: a sender sets pending and then reads the mask; a guest clears the mask and
# then reads pending. Both locked, so one of them sees the event.


@op
def set_pending_read_mask(mine: Any, other: Any) -> Any:
    bits.test_and_set_bit(mine, ZERO)
    return bits.test_bit(other, ZERO)


@op
def store_pending_read_mask(mine: Any, other: Any) -> Any:
    store64(mine, load64(mine) | ONE)
    return bits.test_bit(other, ZERO)


@op
def clear_mask_read_pending(mine: Any, other: Any) -> Any:
    bits.clear_bit(mine, ZERO)
    return bits.test_bit(other, ZERO)


@op
def store_mask_read_pending(mine: Any, other: Any) -> Any:
    store64(mine, load64(mine) & ~ONE)
    return bits.test_bit(other, ZERO)


def test_c_an_event_is_seen_by_the_sender_that_tells_or_by_the_guest_that_unmasks() -> None:
    assert_only_the_weak_fail(
        Litmus(
            (set_pending_read_mask, clear_mask_read_pending),
            {
                "the sender's lock": (store_pending_read_mask, clear_mask_read_pending),
                "the guest's lock": (set_pending_read_mask, store_mask_read_pending),
            },
            lambda outcome: outcome[:2] == (1, 0),
            start=(0, 0, 1, 0),
        )
    )


# (d) Selector and upcall flag: a sender sets the selector bit before the flag; a guest clears the
# flag, then exchanges the selector. A bit that the guest did not take leaves the flag set.


@op
def select_then_flag(mine: Any, other: Any) -> Any:
    bits.test_and_set_bit(mine + SEL64, ZERO)
    store8(mine, BYTE1)
    return ZERO


@op
def flag_then_select(mine: Any, other: Any) -> Any:
    store8(mine, BYTE1)
    bits.test_and_set_bit(mine + SEL64, ZERO)
    return ZERO


@op
def take_by_exchange(mine: Any, other: Any) -> Any:
    return take_selector(other, True)


@op
def take_by_load(mine: Any, other: Any) -> Any:
    store8(other, BYTE0)
    return load64(other + SEL64)


def test_d_a_selector_bit_that_was_not_taken_has_its_upcall() -> None:
    assert_only_the_weak_fail(
        Litmus(
            (select_then_flag, take_by_exchange),
            {
                "the sender's order": (flag_then_select, take_by_exchange),
                "the guest's locked exchange": (select_then_flag, take_by_load),
            },
            lambda outcome: outcome[1:4] == (0, 0, 1),
            start=(1, 0, 0, 0),
        )
    )


# (e) The merge: a locked OR into the guest's selector, then a locked AND-NOT on the shadow. A bit
# set meanwhile stays, and at every moment each bit is in one of the two.


@op
def shadow_another(mine: Any, other: Any) -> Any:
    bits.test_and_set_bit(mine, ONE)
    return ZERO


@op
def look_for_the_bit(mine: Any, other: Any) -> Any:
    shadow = load64(mine)
    return (shadow | load64(other)) & ONE


@op
def merge(mine: Any, other: Any) -> Any:
    shadow = load64(other)
    fetch_or64(mine, shadow)
    fetch_and64(other, ~shadow)
    return ZERO


@op
def merge_without_lock(mine: Any, other: Any) -> Any:
    shadow = load64(other)
    fetch_or64(mine, shadow)
    store64(other, load64(other) & ~shadow)
    return ZERO


@op
def clear_then_merge(mine: Any, other: Any) -> Any:
    shadow = load64(other)
    fetch_and64(other, ~shadow)
    fetch_or64(mine, shadow)
    return ZERO


def test_e_a_merge_loses_no_bit_that_is_set_meanwhile() -> None:
    assert_only_the_weak_fail(
        Litmus(
            (shadow_another, merge),
            {"the lock of the AND-NOT": (shadow_another, merge_without_lock)},
            lambda outcome: outcome[2] | outcome[4] != 3,
            start=(1, 0, 0, 0),
        )
    )


def test_e_a_bit_is_in_the_shadow_or_in_the_selector_at_every_moment() -> None:
    assert_only_the_weak_fail(
        Litmus(
            (look_for_the_bit, merge),
            {"the order of the merge": (look_for_the_bit, clear_then_merge)},
            lambda outcome: outcome[0] == 0,
            start=(1, 0, 0, 0),
        )
    )


# (g) The kick: a sender sets the shadow bit, then the request; a vCPU clears the request, then
# reads the shadow. A bit that the vCPU did not see leaves the request set.


@op
def shadow_then_kick(mine: Any, other: Any) -> Any:
    bits.test_and_set_bit(mine, ZERO)
    kick(mine)
    return ZERO


@op
def kick_then_shadow(mine: Any, other: Any) -> Any:
    kick(mine)
    bits.test_and_set_bit(mine, ZERO)
    return ZERO


@op
def clear_request_read_shadow(mine: Any, other: Any) -> Any:
    fetch_and64(other + VCPU_REQUESTS, ~REQUEST_UNBLOCK)
    return load64(other)


@op
def store_request_read_shadow(mine: Any, other: Any) -> Any:
    store64(other + VCPU_REQUESTS, ZERO)
    return load64(other)


def test_g_a_shadow_bit_that_was_not_seen_has_its_kick() -> None:
    assert_only_the_weak_fail(
        Litmus(
            (shadow_then_kick, clear_request_read_shadow),
            {
                "the sender's order": (kick_then_shadow, clear_request_read_shadow),
                "the vCPU's lock": (shadow_then_kick, store_request_read_shadow),
            },
            lambda outcome: outcome[1] == 0 and outcome[3] == 0,
            start=(0, 1, 0, 0),
        )
    )
