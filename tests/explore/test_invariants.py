"""Each check is silent about a sound machine and speaks about the fault it is there for."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from xenperf.explore.accesses import peek, poke
from xenperf.explore.ended import Ended
from xenperf.explore.guards import against_stale_writes
from xenperf.explore.invariants import CHECKS, violations
from xenperf.explore.machine import SHINFO_GFN, Machine
from xenperf.explore.operations import OPERATIONS
from xenperf.explore.tap import Tap
from xenperf.hypervisor import Activation

DELIVERED = 1
EFAULT = (1 << 64) - 14
Spoil = Callable[[Machine], None]


@pytest.fixture(scope="module")
def tap() -> Tap:
    return Tap()


@pytest.fixture
def machine(tap: Tap, activation: Activation) -> Iterator[Machine]:
    with Machine(tap, activation) as made:
        made.note_start()
        yield made


def record(machine: Machine, part: str) -> Any:
    layout = machine.tap.model("layout")
    dtype = {"vm": layout.VM, "vcpus": layout.VCPU, "cpus": layout.CPU}[part]
    return machine.host.state.view(part, dtype, 1)[0]


def ended(machine: Machine, *names: str, outcomes: tuple[int, ...] = (0, 0)) -> Ended:
    operations = tuple(OPERATIONS[name] for name in names)
    return Ended(machine, operations, outcomes, frozenset())


def set_field(part: str, field: str, value: int) -> Spoil:
    return lambda machine: record(machine, part).__setitem__(field, value)


def set_gpc(field: str, value: int) -> Spoil:
    def spoil(machine: Machine) -> None:
        record(machine, "vm")["shinfo"][field] = value

    return spoil


def store(page: int, offset: int, value: int) -> Spoil:
    return lambda machine: poke(machine.event_pages[page] + offset, value)


SPOILED: dict[str, tuple[Spoil, str]] = {
    "lock": (set_field("vm", "slots_lock", 1), "slots_lock is left at 1"),
    "range": (set_field("vm", "mn_active_invalidate_count", 1), "mn_active_invalidate_count"),
    "gpc lock": (set_gpc("lock", 0x200), "lock of shared_info is held"),
    "refresh lock": (set_gpc("refresh_lock", 1), "refresh_lock of shared_info is held"),
    "generation": (
        lambda machine: record(machine, "vm")["set0"].__setitem__("generation", 1 << 63),
        "left at generation",
    ),
    "swaps": (
        lambda machine: record(machine, "vm")["set1"].__setitem__("generation", 12),
        "swaps instead of 0",
    ),
    "active": (set_gpc("active", 0), "valid but not active"),
    "list": (set_field("vm", "nr_gpcs", 0), "active or listed, but not both"),
    "pfn": (set_gpc("pfn", 3), "maps a page that is gone"),
    "khva": (set_gpc("khva", 8), "a wrong khva"),
    "uhva": (set_gpc("uhva", 1 << 63), "an address that is an error"),
    "shadow": (set_field("vcpus", "shadow_sel", 1), "nobody was kicked"),
    "upcall": (store(3, 8, 4), "without the upcall flag"),
    "wall clock": (store(1, 0xC00, 3), "left half written"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_machine_is_found_out(machine: Machine, name: str) -> None:
    spoil, what = SPOILED[name]
    assert violations(ended(machine, "activate", "refresh")) == ()
    spoil(machine)
    found = violations(ended(machine, "activate", "refresh"))
    assert any(what in each for each in found), found


def test_a_send_is_held_to_what_it_tells(machine: Machine, activation: Activation) -> None:
    def told(outcome: int) -> str:
        return "; ".join(violations(ended(machine, "send", "refresh", outcomes=(outcome, 0))))

    assert "was delivered and its bit is lost" in told(DELIVERED)
    assert ("failed by HVA" in told(EFAULT)) == (activation is Activation.HVA)
    assert "was merged into one that was never made" in told(0)
    store(1, 0x808, 1 << 2)(machine)
    assert "pending but no selector tells so" in told(DELIVERED)
    assert "failed and yet it is pending" in told(EFAULT)
    store(3, 8, 2)(machine)
    store(3, 0, 1)(machine)
    assert told(DELIVERED) == ""


def test_a_merge_may_not_lose_the_bit_that_waited(machine: Machine) -> None:
    machine.shadow_a_selector()
    assert violations(ended(machine, "merge", "activate")) == ()
    record(machine, "vcpus")["shadow_sel"] = 0
    assert violations(ended(machine, "merge", "activate")) == ("a merge lost a selector bit",)


def test_a_refused_request_and_a_missing_swap_are_told(machine: Machine) -> None:
    found = violations(ended(machine, "create", "activate", outcomes=(EFAULT, 0)))
    assert found == ("a memslot request was refused", "0 swaps instead of 1")


def test_writes_where_none_belong_are_told(machine: Machine) -> None:
    words = frozenset({machine.event_pages[1] + 0xA00, machine.host.state.shinfo_gpc() + 16})
    operations = OPERATIONS["send"], OPERATIONS["send"]
    found = violations(Ended(machine, operations, (EFAULT, EFAULT), words))
    assert "a send wrote at offset 0xa00 of a shared page" in found
    reached = "a memslot change reached the cache of shared_info"
    assert (reached in found) == (machine.activation is Activation.HVA)


def test_a_write_to_a_page_that_is_gone_is_noticed_at_once(machine: Machine) -> None:
    guards = against_stale_writes(machine)
    ((page, guard),) = guards.by_page.items()
    (entry,) = guards.words
    assert page == machine.event_pages[1]
    assert guard({entry: peek(entry)}) is None
    assert guard({entry: machine.entry_of(machine.new_frame)}) is not None
    assert machine.page_entry(machine.ram_page(SHINFO_GFN)) == entry


def test_every_check_is_among_the_checks() -> None:
    assert len({check.__name__ for check in CHECKS}) == len(CHECKS) == 18
