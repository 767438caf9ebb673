"""Locks on two native threads: what each keeps apart, and the same without it."""

from typing import Any

from tests.litmus.both import Litmus, assert_only_the_weak_fail, native_threads
from xenperf.jit import op
from xenperf.model.constants import BYTE0, EIGHT, ONE, ZERO
from xenperf.model.layout import GPC_VALID
from xenperf.model.locks import (
    read_lock,
    read_unlock,
    spin_lock,
    spin_unlock,
    write_lock,
    write_unlock,
)
from xenperf.words import load8, load64, store8, store64

pytestmark = native_threads

ACTIVE_AND_VALID = 0x0101  # bytes 8 and 9 of a cache

# gpc->lock: a sender holds it from its check to its write; a notifier takes it to clear valid. So
# nothing is written to the page once the notifier has been there.


@op
def check_and_write(mine: Any, other: Any) -> Any:
    """The cache is *mine*, the page is the other's."""
    read_lock(mine)
    if load8(mine + GPC_VALID) != BYTE0:
        store64(other, ONE)
    read_unlock(mine)
    return ZERO


@op
def check_and_write_without_lock(mine: Any, other: Any) -> Any:
    if load8(mine + GPC_VALID) != BYTE0:
        store64(other, ONE)
    return ZERO


@op
def clear_and_look(mine: Any, other: Any) -> Any:
    write_lock(other)
    store8(other + GPC_VALID, BYTE0)
    write_unlock(other)
    return load64(mine)


@op
def clear_without_lock_and_look(mine: Any, other: Any) -> Any:
    store8(other + GPC_VALID, BYTE0)
    return load64(mine)


def test_nothing_is_written_to_a_page_after_the_notifier_has_cleared_its_cache() -> None:
    assert_only_the_weak_fail(
        Litmus(
            (check_and_write, clear_and_look),
            {
                "the sender's lock": (check_and_write_without_lock, clear_and_look),
                "the notifier's lock": (check_and_write, clear_without_lock_and_look),
            },
            lambda outcome: outcome[1] != outcome[4],
            start=(0, ACTIVE_AND_VALID, 0, 0),
        )
    )


# Spinlocks and mutexes: additions under one lock are not lost.


@op
def add_to_mine(mine: Any, other: Any) -> Any:
    spin_lock(mine)
    store64(mine + EIGHT, load64(mine + EIGHT) + ONE)
    spin_unlock(mine)
    return ZERO


@op
def add_to_others(mine: Any, other: Any) -> Any:
    spin_lock(other)
    store64(other + EIGHT, load64(other + EIGHT) + ONE)
    spin_unlock(other)
    return ZERO


@op
def add_to_others_without_lock(mine: Any, other: Any) -> Any:
    store64(other + EIGHT, load64(other + EIGHT) + ONE)
    return ZERO


def test_two_additions_under_one_spinlock_are_both_there() -> None:
    assert_only_the_weak_fail(
        Litmus(
            (add_to_mine, add_to_others),
            {"one side's lock": (add_to_mine, add_to_others_without_lock)},
            lambda outcome: outcome[3] != 2,
        )
    )
