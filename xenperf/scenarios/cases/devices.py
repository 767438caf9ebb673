"""Cases of events that no caller waits for: irqfds and the timers of vCPUs."""

from typing import Final

from xenperf.hypervisor import Feature
from xenperf.scenarios.cases.case import FILLED, Case, Source, same
from xenperf.scenarios.cases.stage import Stage, told
from xenperf.scenarios.cases.starts import ACTIVE, JOINED_BY_ONE

GSI: Final = 20
SOON_NS: Final = 1_000_000_000
FAR_PORT: Final = 5000


def _lay_rest(stage: Stage) -> None:
    """End the window that the deletion of whole RAM began."""
    machine = stage.machine
    stage.request(machine.low(), machine.overlay(), machine.high())


def _expire(stage: Stage) -> None:
    """Set the timer to a time that is past."""
    stage.host.advance_time(1_000_000)
    stage.host.set_timer(0, 66, stage.host.now_ns())


def _timer(stage: Stage) -> str:
    return "off" if stage.host.get_timer(0) == 0 else "set"


def _timer_fresh(stage: Stage) -> str:
    _expire(stage)
    return f"{stage.look()} {_timer(stage)}"


def _timer_stale(stage: Stage) -> str:
    stage.delete(stage.filler)
    _expire(stage)
    before = stage.pending()
    stage.run()
    return f"{before}, run {stage.look()}"


def _timer_get(stage: Stage) -> str:
    stage.delete(stage.machine.whole)
    _expire(stage)
    timer = _timer(stage)
    _lay_rest(stage)
    stage.run()
    return f"{timer} {stage.look()}"


def _timer_run_after(stage: Stage) -> str:
    stage.delete(stage.machine.whole)
    _expire(stage)
    _lay_rest(stage)
    stage.run()
    return stage.look()


def _timer_run_inside(stage: Stage) -> str:
    stage.delete(stage.machine.whole)
    _expire(stage)
    stage.run()
    _lay_rest(stage)
    stage.run()
    return f"{stage.look()} {_timer(stage)}"


def _timer_off(stage: Stage) -> str:
    stage.shinfo_off()
    _expire(stage)
    stage.run()
    stage.shinfo()
    stage.run()
    return f"{stage.look()} {_timer(stage)}"


def _timer_off_stopped(stage: Stage) -> str:
    stage.shinfo_off()
    _expire(stage)
    stage.shinfo()
    stage.run()
    return stage.look()


def _timer_ahead(stage: Stage) -> str:
    stage.host.set_timer(0, 66, stage.host.now_ns() + SOON_NS)
    before = f"{_timer(stage)} {stage.pending()}"
    stage.host.advance_time(SOON_NS)
    return f"{before}, {_timer(stage)} {stage.pending()}"


def _timer_guest(stage: Stage) -> str:
    """Let the guest set its timer, once to expire and once to be stopped."""
    stage.host.set_timer(0, 66, 0)
    seen = []
    for stops in (True, False):
        stage.host.guest_set_timer(0, stage.host.now_ns() + SOON_NS)
        if stops:
            stage.host.guest_set_timer(0, 0)
        stage.host.advance_time(2 * SOON_NS)
        seen.append(stage.pending())
    return " ".join(seen)


def _write(stage: Stage, port: int = 66) -> str:
    """Route the GSI to *port* and write to its eventfd; return what is pending at once."""
    told(stage.host.set_irq_route(GSI, port))
    stage.host.irqfd_write(GSI)
    return stage.pending()


def _irqfd_fresh(stage: Stage) -> str:
    _write(stage)
    return stage.look()


def _irqfd_stale(stage: Stage) -> str:
    stage.delete(stage.filler)
    at_once = _write(stage)
    stage.host.run_work()
    return f"{at_once}, work {stage.pending()}"


def _irqfd_stale_worked(stage: Stage) -> str:
    stage.delete(stage.filler)
    _write(stage)
    stage.host.run_work()
    return stage.pending()


def _irqfd_window(stage: Stage) -> str:
    stage.delete(stage.machine.whole)
    _write(stage)
    stage.host.run_work()
    _lay_rest(stage)
    stage.host.run_work()
    lost = stage.pending()
    stage.host.irqfd_write(GSI)
    stage.host.run_work()
    return f"{lost}, again {stage.pending()}"


def _irqfd_off(stage: Stage) -> str:
    stage.shinfo_off()
    _write(stage)
    stage.host.run_work()
    stage.shinfo()
    stage.host.run_work()
    return stage.pending()


def _irqfd_far(stage: Stage) -> str:
    answer = stage.host.set_irq_route(GSI, FAR_PORT)
    if answer == 0:  # else there is nothing to write to
        stage.host.irqfd_write(GSI)
        stage.host.run_work()
    return f"{told(answer)} {stage.pending()}"


def _line(stage: Stage) -> str:
    stage.host.set_irq_route(GSI, 66)
    return f"{stage.host.irq_line(GSI)} {stage.host.irq_line(GSI)} {stage.pending()}"


def _line_window(stage: Stage) -> str:
    stage.host.set_irq_route(GSI, 66)
    stage.delete(stage.machine.whole)
    return f"{stage.host.irq_line(GSI)} {stage.pending()}"


DELIVERED: Final = "66 sel=0x2 up=1"
LOST: Final = "none sel=0x0 up=0"
CASES: Final = (
    Case("timer.51_fresh", ACTIVE, "timer in the past", _timer_fresh, *same(f"{DELIVERED} off")),
    Case(
        *("timer.152_stale", ACTIVE, "delete a slot elsewhere, timer in the past, run"),
        *(_timer_stale, f"none, run {DELIVERED}", f"66, run {DELIVERED}"),
        shape=FILLED,
    ),
    Case(
        *("timer.46_window_get", JOINED_BY_ONE, "delete RAM, timer in the past, get, lay, run"),
        *(_timer_get, f"off {LOST}", f"off {DELIVERED}"),
    ),
    Case(
        *("timer.47_run_after", JOINED_BY_ONE, "delete RAM, timer in the past, lay, run"),
        *(_timer_run_after, *same(DELIVERED)),
    ),
    Case(
        *("timer.48_run_inside", JOINED_BY_ONE, "delete RAM, timer in the past, run, lay, run"),
        *(_timer_run_inside, f"{LOST} off", f"{DELIVERED} off"),
    ),
    Case(
        *("timer.153_off", ACTIVE, "shared_info off, timer in the past, run, on, run"),
        *(_timer_off, *same(f"{LOST} off")),
        source=Source.READ,
    ),
    Case(
        *("timer.154_off_stopped", ACTIVE, "shared_info off, timer in the past, on, run"),
        *(_timer_off_stopped, *same(DELIVERED)),
        source=Source.READ,
    ),
    Case(
        *("timer.155_ahead", ACTIVE, "timer 1 s ahead, get; 1 s later, get", _timer_ahead),
        *same("set none, off 66"),
    ),
    Case(
        *("timer.169_guest", ACTIVE, "guest sets and stops it; sets it again", _timer_guest),
        *same("none 66"),
    ),
    Case("irqfd.52_fresh", ACTIVE, "write", _irqfd_fresh, *same(DELIVERED)),
    Case(
        *("irqfd.157_stale", ACTIVE, "delete a slot elsewhere, write, work", _irqfd_stale),
        *("none, work 66", "66, work 66"),
        shape=FILLED,
        needs=frozenset({Feature.WORK_ON_DEMAND}),
    ),
    Case(
        *("irqfd.171_stale_in_the_end", ACTIVE, "the same, looked at after the work only"),
        *(_irqfd_stale_worked, *same("66")),
        shape=FILLED,
    ),
    Case(
        *("irqfd.54_window", JOINED_BY_ONE, "delete RAM, write, work, lay, look, write"),
        *(_irqfd_window, "none, again 66", "66, again 66"),
    ),
    Case("irqfd.55_off", ACTIVE, "off, write, work, on, work", _irqfd_off, *same("none")),
    Case("irqfd.79_far_port", ACTIVE, "route to port 5000, write", _irqfd_far, *same("OK none")),
    Case("irqfd.158_line", ACTIVE, "raise the GSI's line twice", _line, *same("1 0 66")),
    Case(
        *("irqfd.159_line_window", JOINED_BY_ONE, "delete RAM, raise the line", _line_window),
        *("-1 none", "1 66"),
    ),
)
