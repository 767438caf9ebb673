"""What readers and senders meet between two steps of a memslot update or of a mode switch."""

from tests.model.intruder import Steps, at_every_step, intruded_by, single_stepped
from tests.model.steps import refresh_once
from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, Vm
from xenperf.abi.status import Status
from xenperf.hypervisor import Activation
from xenperf.model.layout import VM
from xenperf.units import PAGE_SIZE

GPA, HVA = Activation.GPA, Activation.HVA
IN_PROGRESS = 1 << 63


@single_stepped
def test_a_break_apart_goes_through_exactly_these_generations_and_places(vm: Vm) -> None:
    """What a reader finds from step to step: the generation, and where the overlay's GFN lies."""
    seen = []

    def look(_: Steps, operation: str, khva: int) -> None:
        now = vm.host.observed.generation, found(vm)
        if not seen or seen[-1] != now:
            seen.append(now)

    start = vm.host.observed.generation
    with intruded_by(look):
        vm.request(*vm.break_apart())
    look(Steps(look), "", 0)
    ram, overlay = vm.ram_page(OVERLAY_GFN), vm.overlay
    places = [None, None, None, overlay, overlay]
    wanted = [(start, ram)]
    for swap, place in enumerate(places):
        before = start + 2 * swap
        wanted += [(before | IN_PROGRESS, place), (before + 2, place)]
    assert seen == wanted


def found(vm: Vm) -> int | None:
    """Where a reader finds the overlay's frame for writing, straight from the active set."""
    for record in vm.host.observed.memslots():
        first, nr_pages = int(record["base_gfn"]), int(record["nr_pages"])
        if first <= OVERLAY_GFN < first + nr_pages and not int(record["flags"]) & 1 << 16:
            return int(record["uhva"]) + (OVERLAY_GFN - first) * PAGE_SIZE
    return None


@single_stepped
def test_a_send_at_any_step_of_a_break_apart_is_accepted_by_hva_and_by_gpa_outside_the_window(
    vm: Vm, activation: Activation
) -> None:  # I16
    vm.activate_both(activation)
    told = []

    def send(steps: Steps, _: str, __: int) -> None:
        with vm.on_cpu(1):
            told.append((vm.send(1 + steps.nr_steps % 4095), found(vm) is None))

    with vm.counting() as rise, intruded_by(send):
        vm.request(*vm.break_apart(), *vm.rejoin())
    assert len(told) > 500
    for outcome, absent in told:
        assert outcome == (Status.EFAULT if absent and activation is GPA else 0)
    if activation is HVA:
        assert rise["nr_slow_sends"] == 0


@single_stepped
def test_a_refresh_while_an_update_is_in_progress_is_stale_again_after_it(vm: Vm) -> None:
    """The generation stored has bit 63: harmless, and one more refresh."""
    vm.activate_both(GPA)
    stored, gpc = [], vm.host.state.shinfo_gpc()

    def refresh_now(_: Steps, operation: str, __: int) -> None:
        if operation == "full_barrier" and not stored:
            with vm.on_cpu(1):
                assert refresh_once(vm.host.state.vm, vm.host.state.cpu, gpc, PAGE_SIZE) == 0
            stored.append(vm.shinfo()["generation"])

    with intruded_by(refresh_now):
        vm.change_slots_elsewhere()
    assert stored == [(vm.host.observed.generation - 2) | IN_PROGRESS]
    with vm.counting() as rise:
        assert vm.send(66) == 0
    assert (rise["nr_slow_sends"], rise["nr_lookups"], rise["nr_gups"]) == (1, 1, 0)


@single_stepped
def test_a_mode_switch_within_a_send_reaches_beyond_the_compat_arrays() -> None:
    """The kernel's own race: validated against 4096 ports, then laid out for 1024."""
    seen = set()

    def switch_at(place: int) -> bool:
        vm = Vm()
        with vm.host:
            vm.activate_both(HVA)

            def switch(steps: Steps, _: str, __: int) -> None:
                if steps.nr_steps == place:
                    vm.host.state.view("vm", VM)[0]["long_mode"] = 0

            with intruded_by(switch) as steps:
                outcome = vm.deliver(4095)
            vcpu_info = vm.host.read(vm.ram_page(VCPU_INFO_GFN), 64)
            touched = tuple(at for at, byte in enumerate(vcpu_info) if byte)
            seen.add((outcome, touched))
            return place < steps.nr_steps

    at_every_step(switch_at)
    long, compat, mixed = ((1, (0, sel + 7)) for sel in (8, 4 + 8, 4))
    assert seen == {(Status.EINVAL, ()), long, compat, mixed}
