import io
import re

from xenperf.cli import progress
from xenperf.measure.plan import Plan
from xenperf.measure.session import Progress

PLAN = Plan(("gpc.check", "lock.read"), workers=3)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_says_what_is_being_done_now() -> None:
    for made, said in (
        (Progress(0, 0, 6, "compile"), "compile, worker 1 of 3"),
        (Progress(0, 1, 6, "gpc.check"), "lock.read, worker 1 of 3"),
        (Progress(1, 2, 6, "compile"), "compile, worker 2 of 3"),
        (Progress(1, 3, 6, "gpc.check"), "lock.read, worker 2 of 3"),
        (Progress(2, 6, 6, "lock.read"), "next worker, worker 3 of 3"),
    ):
        assert progress.doing(PLAN, made) == said


def test_nothing_is_shown_where_there_is_no_terminal() -> None:
    err = io.StringIO()
    with progress.shown(PLAN, err) as listen:
        listen(Progress(0, 1, 6, "gpc.check"))
    assert err.getvalue() == ""


def test_a_terminal_gets_a_bar_that_is_wiped_out() -> None:
    err = _Terminal()
    with progress.shown(PLAN, err) as listen:
        listen(Progress(0, 1, 6, "gpc.check"))
    shown = err.getvalue()
    assert "lock.read, worker 1 of 3" in re.sub(r"\x1b\[[\d;?]*\w", "", shown)
    assert shown.endswith("\x1b[2K")
