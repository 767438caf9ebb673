"""Where a barrier has to stand between two accesses; x86 rarely shows it, a trace always does."""

from collections.abc import Callable, Mapping

from tests.model.intruder import Steps, intruded_by, single_stepped
from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, Vm
from xenperf.abi.structs import offset_of
from xenperf.abi.xen import LONG_MODE
from xenperf.hypervisor import Activation
from xenperf.model.layout import CPU, VM
from xenperf.units import PAGE_SIZE

HVA = Activation.HVA
FULL, READ, WRITE = "full_barrier", "read_barrier", "write_barrier"


def traced(act: Callable[[], object], words: Mapping[int, str]) -> list[str]:
    """Return what *act* did to *words*, by their names, and its barriers, in order."""
    seen: list[str] = []

    def note(_: Steps, operation: str, khva: int) -> None:
        if operation.endswith("_barrier"):
            seen.append(operation)
        elif khva in words:
            seen.append(f"{operation} {words[khva]}")

    with intruded_by(note):
        act()
    return seen


def of_vm(vm: Vm, *names: str) -> dict[int, str]:
    return {vm.host.state.vm + offset_of(VM, name): name for name in names}


@single_stepped
def test_an_srcu_section_is_fenced_on_both_sides(active_vm: Vm) -> None:
    cpu, page = active_vm.host.state.cpu, active_vm.khva(active_vm.ram_page(OVERLAY_GFN))
    words = {
        **{cpu + offset_of(CPU, "srcu_locked") + 8 * idx: "entered" for idx in (0, 1)},
        **{cpu + offset_of(CPU, "srcu_unlocked") + 8 * idx: "left" for idx in (0, 1)},
        **{page + 0x808: "pending"},
    }
    seen = traced(lambda: active_vm.send(66), words)
    entry, leave = ["load entered", "store entered", FULL], [FULL, "load left", "store left"]
    assert seen == [*entry, "or pending", *leave]


@single_stepped
def test_a_refresh_reads_the_sequence_then_walks_then_asks_for_open_ranges_and_the_sequence(
    vm: Vm,
) -> None:
    vm.activate_both(HVA)
    vm.host.replace_pages(vm.ram_page(OVERLAY_GFN))
    words = of_vm(vm, "mmu_invalidate_seq", "mn_active_invalidate_count")
    top = vm.host.memory.khva(vm.host.mm.pgd)
    words |= {top + 8 * idx: "table" for idx in range(512)}
    seen = [each for each in traced(lambda: vm.send(66), words) if each != FULL]
    sequence = "load mmu_invalidate_seq"
    counted = "load mn_active_invalidate_count"
    assert seen == [sequence, READ, "load table", counted, READ, sequence]


@single_stepped
def test_a_range_moves_the_sequence_before_it_counts_as_closed(vm: Vm) -> None:
    names = ("mmu_invalidate_seq", "mmu_invalidate_in_progress", "mn_active_invalidate_count")
    words = of_vm(vm, *names)
    seen = traced(lambda: vm.host.replace_pages(vm.ram_page(OVERLAY_GFN)), words)
    stores = [each for each in seen if each != FULL and not each.startswith("load")]
    assert stores == [
        "store mn_active_invalidate_count",
        "add mmu_invalidate_in_progress",
        "add mmu_invalidate_seq",
        WRITE,
        "add mmu_invalidate_in_progress",
        "store mn_active_invalidate_count",
    ]


def versions_at_barriers(vm: Vm, act: Callable[[], object], version: int) -> list[int]:
    """Return what the version was at each write barrier: odd while the rest is written."""
    page, offset = version & -PAGE_SIZE, version % PAGE_SIZE
    memory = vm.host.memory.view(vm.host.memory.pfn_of(page), "<u4")  # type: ignore[arg-type]
    seen: list[int] = []

    def note(_: Steps, operation: str, __: int) -> None:
        if operation == WRITE:
            seen.append(int(memory[offset // 4]))

    with intruded_by(note):
        act()
    return [*seen, int(memory[offset // 4])]


@single_stepped
def test_the_wall_clock_is_written_between_two_barriers_and_odd_meanwhile(vm: Vm) -> None:
    vm.activate_both(HVA)
    clock = vm.khva(vm.ram_page(OVERLAY_GFN)) + LONG_MODE.wc_offset
    names = {0: "version", 4: "data", 8: "data", 12: "data"}
    words = {clock + offset: name for offset, name in names.items()}
    seen = traced(lambda: vm.activate_shinfo(HVA), words)
    stores = [each for each in seen if each.startswith("store") or each == WRITE]
    assert stores == ["store version", WRITE, *["store data"] * 3, WRITE, "store version"]
    assert versions_at_barriers(vm, lambda: vm.activate_shinfo(HVA), clock) == [5, 5, 6]


@single_stepped
def test_the_time_of_a_vcpu_is_odd_until_a_barrier(vm: Vm) -> None:
    vm.activate_both(HVA)
    version = vm.khva(vm.ram_page(VCPU_INFO_GFN)) + LONG_MODE.vcpu_info.time
    assert versions_at_barriers(vm, lambda: vm.host.enter_guest(0), version) == [1, 2]


@single_stepped
def test_a_merge_sets_the_selector_then_clears_the_shadow_then_raises_the_upcall(vm: Vm) -> None:
    vm.activate_shinfo(HVA)
    assert vm.send(66) == 0
    vm.activate_vcpu_info(HVA)
    vcpu_info = vm.khva(vm.ram_page(VCPU_INFO_GFN))
    names = {vcpu_info: "upcall", vcpu_info + 8: "selector", vm.host.state.vcpu(0): "shadow"}
    seen = traced(lambda: vm.host.enter_guest(0), names)
    changes = [each for each in seen if each.split()[0] in ("or", "and", "store")]
    assert changes == ["or selector", "and shadow", "store upcall"]
