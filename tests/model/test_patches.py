import functools
import re
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import xenperf
from tests.model.vm import OVERLAY_GFN, Vm
from xenperf import switches
from xenperf.abi.status import Status
from xenperf.abi.xen import COMPAT, LONG_MODE
from xenperf.copies import ModelCopy, load_copy
from xenperf.errors import UsageError
from xenperf.hypervisor import Activation, Feature
from xenperf.jit import INTERPRETED
from xenperf.model import patches
from xenperf.model.layout import VM
from xenperf.model.patches import ATOMIC, GPA_HVA, GPA_ONLY, KERNELS, PATCHES, choose, describe
from xenperf.units import PAGE_SIZE, Hva

GPA = Activation.GPA
MODEL = Path(xenperf.__file__).parent / "model"
PEER = Path(__file__).parents[1] / "peer"


@functools.cache
def copy_with(names: frozenset[str]) -> ModelCopy:
    """Return a copy of the model; interpreted, as what a kernel answers does not depend on it."""
    return load_copy(switches=names, interpreted=True, shares_types=True)


def vm_with(names: frozenset[str]) -> Vm:
    return Vm(host=copy_with(names).module("xenperf.model.host").ModelHost)


@pytest.fixture
def old() -> Iterator[Vm]:
    """A VM on the kernel before the series, active by GPA."""
    made = vm_with(KERNELS[GPA_ONLY])
    with made.host:
        made.activate_both(GPA)
        yield made


def constant_of(name: str) -> str:
    return name.upper().replace("-", "_")


# What there is.


def test_the_running_model_is_the_merged_kernel() -> None:
    assert patches.CHOSEN == KERNELS[GPA_HVA] == frozenset(switches.MERGED)
    assert all(vars(patches)[constant_of(name)] for name in switches.MERGED)


def test_names_are_those_of_the_series_in_its_order() -> None:
    assert tuple(n for n, patch in PATCHES.items() if not patch.is_hypothetical) == switches.MERGED
    assert KERNELS[GPA_ONLY] == frozenset()


def test_commits_are_twelve_digits_and_belong_to_one_patch() -> None:
    commits = [commit for patch in PATCHES.values() for commit in patch.commits]
    assert all(re.fullmatch("[0-9a-f]{12}", commit) for commit in commits)
    assert len(set(commits)) == len(commits)


@pytest.mark.parametrize("name", PATCHES)
def test_a_switch_is_read_by_the_steps_and_by_the_peer(name: str) -> None:
    word = re.compile(rf"\b{constant_of(name)}\b")
    sources = [path for path in MODEL.rglob("*.py") if path.name != "patches.py"]
    peer = [path for path in PEER.glob("*.[ch]") if path.name != "switches.h"]
    assert any(word.search(path.read_text()) for path in sources)
    assert any(word.search(path.read_text()) for path in peer)
    assert word.search((PEER / "switches.h").read_text())


@pytest.mark.parametrize("name", PATCHES)
def test_a_copy_without_one_patch_has_its_switch_off_and_another_cache_key(name: str) -> None:
    wanted = frozenset(n for n in PATCHES if n != name and name not in PATCHES[n].needs)
    wanted -= {n for n in wanted if not set(PATCHES[n].needs) <= wanted}
    copy = load_copy(switches=wanted, modules=("xenperf.jit", "xenperf.model.patches"))
    assert vars(copy.module("xenperf.model.patches"))[constant_of(name)] is False
    other = load_copy(switches=PATCHES.keys(), modules=("xenperf.jit",))
    assert copy.module("xenperf.jit").DIGEST != other.module("xenperf.jit").DIGEST


def test_a_copy_of_the_merged_kernel_has_the_running_cache_key() -> None:
    digests = {
        load_copy(switches=names, modules=("xenperf.jit",)).module("xenperf.jit").DIGEST
        for names in (None, switches.MERGED, switches.MERGED[::-1])
    }
    assert len(digests) == 1


# What may be chosen.


def test_patches_are_added_and_left_out() -> None:
    assert choose(GPA_ONLY, ["read-lock-first"]) == {"read-lock-first"}
    assert choose(ATOMIC) - choose(GPA_HVA) == {"atomic-overlay"}
    assert choose(GPA_HVA, (), ["no-xen-lock"]) == KERNELS[GPA_HVA] - {"no-xen-lock"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("v6.9",), "kernel v6.9: unknown; choose one of gpa-only, gpa-hva, atomic"),
        ((GPA_HVA, ["x"]), "patch x: unknown; there are dirty-under-lock, "),
        ((GPA_HVA, (), ["x"]), "patch x: unknown"),
        ((GPA_ONLY, ["shinfo-hva"]), "patch shinfo-hva: needs hva-activation; add hva-"),
        ((GPA_HVA, (), ["offset-in-uhva"]), "patch hva-activation: needs offset-in-uhva"),
        ((GPA_HVA, ["no-xen-lock"], ["no-xen-lock"]), "patch no-xen-lock: both with and without"),
    ],
)
def test_what_cannot_be_is_named_on_one_line(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        choose(*arguments)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_a_copy_with_a_patch_that_is_unknown_is_refused() -> None:
    with pytest.raises(Exception, match="patch x: unknown"):
        load_copy(switches=["x"], modules=("xenperf.model.patches",))


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (choose(GPA_HVA), "gpa-hva"),
        (choose(GPA_ONLY, ["no-xen-lock"]), "gpa-only with no-xen-lock"),
        (choose(GPA_HVA, (), ["no-xen-lock"]), "gpa-hva without no-xen-lock"),
    ],
)
def test_a_kernel_is_described_by_its_nearest_name(names: frozenset[str], text: str) -> None:
    assert describe(names) == text


# What the kernel before the series answers.


def test_there_is_no_activation_by_hva(old: Vm) -> None:  # case 19
    before = old.state_bytes()
    page = old.ram_page(OVERLAY_GFN)
    assert Feature.SHINFO_HVA not in old.host.features
    for hva in (page, Hva(page + 1), Hva(0), Hva(1 << 63)):
        assert old.host.activate_shinfo_hva(hva) == Status.ENOENT
        assert old.host.activate_vcpu_info_hva(0, hva) == Status.ENOENT
    assert old.host.get_shinfo_hva() == old.host.get_vcpu_info_hva(0) == Status.ENOENT
    assert old.state_bytes() == before


def test_events_arrive_and_memslot_changes_cost_a_slow_send(old: Vm) -> None:  # cases 20 and 39
    assert old.send(66) == 0
    old.change_slots_elsewhere()
    with old.counting() as rise:
        assert old.send(67) == 0
    assert (rise["nr_slow_sends"], rise["nr_lookups"], rise["nr_gups"]) == (1, 1, 0)
    assert old.pending(old.ram_page(OVERLAY_GFN)) == {66, 67}


def test_an_inactive_vcpu_info_refuses_before_anything_is_written(old: Vm) -> None:  # case 29
    assert old.host.activate_vcpu_info_gpa(0, (1 << 64) - 1) == 0  # type: ignore[arg-type]
    before = old.state_bytes(), old.pages()
    assert old.send(66) == Status.EINVAL
    assert (old.state_bytes(), old.pages()) == before


@pytest.mark.parametrize("long_mode", [True, False])  # cases 37 and 38
def test_the_long_mode_switch_leaves_the_wall_clock(old: Vm, long_mode: bool) -> None:
    page = old.ram_page(OVERLAY_GFN)
    before = old.host.read(page, PAGE_SIZE)
    assert old.set_long_mode(long_mode) == 0
    assert old.host.read(page, PAGE_SIZE) == before
    version, sec, _ = struct.unpack_from("<3I", before, LONG_MODE.wc_offset)
    assert (version, sec > 0) == (2, True)
    assert not any(before[COMPAT.wc_offset : COMPAT.wc_offset + 12])


def test_a_send_before_activation_warns_since_activation_by_hva_only() -> None:  # case 2
    for kernel, nr_warnings in ((GPA_ONLY, 0), (GPA_HVA, 1)):
        with vm_with(KERNELS[kernel]).host as host:
            vm = Vm.__new__(Vm)
            vm.host = host
            assert vm.send(66) == Status.EINVAL
            assert host.counters()["nr_warnings"] == nr_warnings


def test_uhva_holds_the_page_and_khva_the_offset(old: Vm) -> None:
    assert old.activate_vcpu_info(GPA, offset=0x440) == 0
    gpc = old.vcpu_info_gpc()
    assert (gpc["uhva"] % PAGE_SIZE, gpc["khva"] % PAGE_SIZE) == (0, 0x440)
    assert old.send(66) == 0
    assert old.vcpu_info_at(Hva(gpc["uhva"] + 0x440)) == (2, 1)


def test_an_activation_forgets_what_an_inactive_cache_knew(old: Vm) -> None:
    assert old.host.activate_shinfo_gfn((1 << 64) - 1) == 0  # type: ignore[arg-type]
    assert old.send(66) == Status.EINVAL
    with old.counting() as rise:
        assert old.activate_shinfo(GPA) == 0
    assert (rise["nr_lookups"], rise["nr_gups"]) == (1, 1)  # 721f5b0dda78: no lookup
    assert old.send(66) == 0


def _slow_send(vm: Vm) -> None:
    vm.send(66)


def _unrelated_notifier(vm: Vm) -> None:
    vm.host.unmap_pages(vm.spare)


@pytest.mark.parametrize(
    ("name", "act", "held"),
    [
        ("no-xen-lock", _slow_send, lambda vm: (vm.host.state.view("vm", VM), "xen_lock", 1)),
        (
            "read-lock-first",
            _unrelated_notifier,
            lambda vm: (vm.host.state.view("vm", VM)["shinfo"], "lock", 1 << 9),
        ),
    ],
)
def test_what_waits_for_a_lock_without_the_patch_does_not_with_it(
    name: str, act: Callable[[Vm], None], held: Callable[[Vm], tuple[object, str, int]]
) -> None:
    for names, waits in ((KERNELS[GPA_HVA], False), (choose(GPA_HVA, (), [name]), True)):
        vm = vm_with(names)
        with vm.host:
            vm.activate_both(GPA)
            vm.change_slots_elsewhere()
            record, field, value = held(vm)
            record[field] = value  # type: ignore[index]
            actor = threading.Thread(target=act, args=(vm,))
            actor.start()
            actor.join(0.3 if waits else 30)
            waited = actor.is_alive()
            if waited:
                record[field] = 0 if value == 1 else record[field] - value  # type: ignore[index]
                actor.join(30)
            assert (waited, actor.is_alive()) == (waits, False)
            del record


@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled: NUMBA_DISABLE_JIT is set")
def test_compiled_copies_of_two_kernels_stand_side_by_side() -> None:
    for kernel, answer in ((GPA_ONLY, Status.EINVAL), (GPA_HVA, 0)):
        copy = load_copy(switches=KERNELS[kernel], shares_types=True)
        vm = Vm(host=copy.module("xenperf.model.host").ModelHost)
        with vm.host:
            assert vm.activate_shinfo(GPA) == 0
            assert vm.send(66) == answer
