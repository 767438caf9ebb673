import struct

from tests.model.vm import OVERLAY_GFN, Vm
from xenperf.abi.xen import COMPAT, LONG_MODE, SharedInfoLayout
from xenperf.hypervisor import Activation
from xenperf.model.layout import VCPU
from xenperf.model.state import BOOT_NS
from xenperf.units import Gfn, Hva

GPA, HVA = Activation.GPA, Activation.HVA


def wall_clock(vm: Vm, layout: SharedInfoLayout, gfn: Gfn = OVERLAY_GFN) -> tuple[int, ...]:
    """Version, seconds (both halves put together) and nanoseconds."""
    page = vm.ram_page(gfn)
    version, sec, nsec = struct.unpack("<3I", vm.host.read(Hva(page + layout.wc_offset), 12))
    sec_hi = struct.unpack("<I", vm.host.read(Hva(page + layout.wc_sec_hi_offset), 4))[0]
    return version, sec_hi << 32 | sec, nsec


def test_activation_writes_the_wall_clock_and_leaves_its_version_even(active_vm: Vm) -> None:
    assert wall_clock(active_vm, LONG_MODE) == (2, *divmod(BOOT_NS, 10**9))


def test_the_seconds_are_split_at_bit_32(vm: Vm) -> None:
    boot_ns = 5_000_000_000 * 10**9 + 123_456_789
    vm.host.state.view("vm", "<u8", 128)[312 // 8] = boot_ns
    for long_mode, layout in ((True, LONG_MODE), (False, COMPAT)):
        vm.set_long_mode(long_mode)
        assert vm.activate_shinfo(GPA) == 0
        assert wall_clock(vm, layout)[1:] == (5_000_000_000, 123_456_789)


def test_each_content_step_raises_the_version_by_two(active_vm: Vm) -> None:  # I19
    for step in (4, 6, 8):
        assert active_vm.activate_shinfo(GPA if step == 4 else HVA) == 0
        assert wall_clock(active_vm, LONG_MODE)[0] == step


def test_an_odd_version_is_taken_for_torn_and_left_even(vm: Vm) -> None:
    vm.host.write(Hva(vm.ram_page(OVERLAY_GFN) + LONG_MODE.wc_offset), b"\x07")
    assert vm.activate_shinfo(HVA) == 0
    assert wall_clock(vm, LONG_MODE)[0] == 10


def test_a_refresh_writes_no_wall_clock(active_vm: Vm) -> None:
    active_vm.host.replace_pages(active_vm.ram_page(OVERLAY_GFN))
    assert active_vm.send(66) == 0
    assert wall_clock(active_vm, LONG_MODE) == (0, 0, 0)


def test_a_failed_activation_writes_nothing_and_asks_no_vcpu(vm: Vm) -> None:
    with vm.counting() as rise:
        assert vm.host.activate_shinfo_gfn(Gfn(1 << 18)) != 0
    assert rise["nr_kicks"] == 0
    assert wall_clock(vm, LONG_MODE) == (0, 0, 0)


def test_only_the_wall_clock_is_written(vm: Vm, activation: Activation) -> None:
    vm.host.write(vm.ram_page(OVERLAY_GFN), b"\xa5" * 4096)
    assert vm.activate_shinfo(activation) == 0
    page = vm.host.read(vm.ram_page(OVERLAY_GFN), 4096)
    changed = {at for at, byte in enumerate(page) if byte != 0xA5}
    assert changed <= set(range(0xC00, 0xC10))


def test_long_mode_again_rewrites_the_wall_clock(active_vm: Vm) -> None:  # case 37
    assert active_vm.set_long_mode(True) == 0
    assert wall_clock(active_vm, LONG_MODE) == (4, *divmod(BOOT_NS, 10**9))


def test_compat_mode_writes_its_own_place_and_not_the_other(active_vm: Vm) -> None:  # case 38
    assert active_vm.set_long_mode(False) == 0
    assert wall_clock(active_vm, COMPAT) == (2, *divmod(BOOT_NS, 10**9))
    assert wall_clock(active_vm, LONG_MODE)[0] == 2


def test_a_mode_switch_moves_no_event(active_vm: Vm) -> None:  # I24
    page = active_vm.ram_page(OVERLAY_GFN)
    active_vm.set_mask(page, 5)
    assert active_vm.send(66, 5, 200) == [0] * 3
    before = active_vm.host.read(page, 0x900)
    active_vm.set_long_mode(False)
    assert active_vm.host.read(page, 0x900) == before
    active_vm.set_long_mode(True)
    assert active_vm.host.read(page, 0x900) == before


def test_a_mode_switch_without_shared_info_is_the_flag_alone(vm: Vm) -> None:
    with vm.counting() as rise:
        assert vm.set_long_mode(False) == 0
    assert (rise["nr_refreshes"], rise["nr_kicks"]) == (0, 0)
    assert vm.host.state.view("vm", "u1", 257)[256] == 0


def test_a_mode_switch_is_told_when_the_page_is_gone_but_switches(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.request(vm.without(0))
    assert vm.set_long_mode(False) == -14
    vm.request(vm.whole())
    assert vm.send(1000, 1024) == [0, -22]


def test_a_mode_switch_refreshes_what_a_slot_change_made_stale(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.change_slots_elsewhere()
    with vm.counting() as rise:
        assert vm.set_long_mode(True) == 0
    assert (rise["nr_refreshes"], rise["nr_lookups"], rise["nr_gups"]) == (1, 1, 0)


def test_shinfo_activation_asks_every_vcpu_for_its_clock_and_vcpu_info_only_one() -> None:
    vm = Vm(nr_vcpus=64)
    with vm.host:
        vcpus = vm.host.state.view("vcpus", VCPU, 64)
        assert vm.activate_vcpu_info(HVA, 3) == 0
        assert [idx for idx in range(64) if vcpus["requests"][idx]] == [3]
        assert vm.activate_shinfo(GPA) == 0
        assert (vcpus["requests"] == 2).all()
        assert (vcpus["nr_kicks"] == 1).all()
        for idx in range(64):
            vm.host.enter_guest(idx)
        assert (vcpus["requests"] == 0).all()
        assert (vcpus["nr_clock_updates"] == 1).all()
        del vcpus
