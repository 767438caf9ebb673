import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from xenperf.report.model import Kind, Report
from xenperf.stats.power import Detectable
from xenperf.stats.rows import Row
from xenperf.stats.samples import CPU_TIME
from xenperf.stats.verdict import Verdict

GOLDEN = Path(__file__).parent / "golden"
ONE_WORKER = "one worker: the spread between processes was not measured"
WRONG = "3 of 4096 operations did not have the outcome expected"


def cost(
    name: str,
    gpa: float,
    ratio: float,
    half_width: float,
    verdict: Verdict,
    *,
    unit: str = "ns/send",
    is_control: bool = False,
    notes: tuple[str, ...] = (),
) -> Row:
    return Row(
        benchmark=name,
        metric=CPU_TIME,
        unit=unit,
        base=gpa,
        head=gpa * ratio,
        ratio=ratio,
        ci=(ratio - half_width, ratio + half_width),
        verdict=verdict,
        is_control=is_control,
        worker_ratios=(ratio - half_width / 2, ratio, ratio + half_width / 2),
        notes=notes,
    )


def count(name: str, metric: str, gpa: int, hva: int, verdict: Verdict, nr_sends: int = 64) -> Row:
    unit = f"of {nr_sends} sends"
    return Row(name, metric, unit, gpa, hva, ratio=None, ci=None, verdict=verdict)


def invalid(name: str, note: str, *, is_control: bool = False) -> Row:
    return Row(
        *(name, CPU_TIME, "ns/send", None, None, None, None, Verdict.INVALID),
        is_control=is_control,
        notes=(note,),
    )


COSTS = (
    cost("send.delivered", 41.6193, 0.98753, 0.0021, Verdict.FASTER),
    cost("send.merged", 25.7885, 1.00062, 0.0043, Verdict.SAME),
    cost("send.after_slot_change", 108.6498, 0.385021, 0.0011, Verdict.FASTER),
    cost("gpc.check", 0.94623, 0.99321, 0.04, Verdict.UNDECIDED, unit="ns/check"),
    cost("gpc.refresh_failing", 24.117, 1.21278, 0.0246, Verdict.SLOWER, unit="ns/refresh"),
    cost("shinfo.off_and_on", 12345.678, 0.991, 0.08, Verdict.UNDECIDED, unit="ns/activation"),
)
OUTCOMES = (
    count("break_apart.delete_low", "refused", 0, 0, Verdict.SAME),
    count("break_apart.delete_overlay", "refused", 64, 0, Verdict.FEWER),
    count("break_apart.all", "delivered", 256, 576, Verdict.MORE, 576),
    count("break_apart.all", "wrong_page", 64, 0, Verdict.FEWER, 576),
)
CONTROLS = (
    cost("lock.read", 10.7608, 0.99988, 0.0091, Verdict.SAME, unit="ns/pair", is_control=True),
    cost("mm.walk", 1.41641, 1.00052, 0.0313, Verdict.UNDECIDED, unit="ns/walk", is_control=True),
)


@pytest.fixture
def report() -> Report:
    """A whole run with nothing wrong in it."""
    return Report(
        rows=(*COSTS, *CONTROLS, *OUTCOMES),
        backend="model",
        environment={
            "xenperf": "0.1.0",
            "commit": "0123456789ab",
            "kernel": "6.12.1",
            "machine": "x86_64",
            "cpu": "Planted CPU @ 3.00GHz",
            "cpus": 2,
            "hypervisor": "none seen",
            "clock_source": "tsc",
            "load_1min": 0.25,
            "python": "3.11.7",
            "numpy": "2.0.0",
            "numba": "0.61.0",
            "llvmlite": "0.44.0",
        },
        settings={
            "names": ("send.delivered",),
            "workers": 10,
            "rounds": 16,
            "slice_ns": 1_500_000,
            "seed": 4711,
            "slots": 1,
            "vcpus": 1,
            "port": 66,
            "guest_bits": 64,
            "margin": 0.01,
            "band": 0.03,
            "alpha": 0.05,
        },
        command="xenperf run --seed 4711",
        nr_finished=10,
    )


@pytest.fixture
def doubtful(report: Report) -> Report:
    """A run of which everything that can be wrong is wrong."""
    noted = [replace(row, notes=(ONE_WORKER,)) for row in COSTS]
    unbounded = replace(noted[1], ci=(0.0, float("inf")), verdict=Verdict.UNDECIDED)
    varied = replace(
        OUTCOMES[0], verdict=Verdict.INVALID, notes=("varied between workers: [0, 1] [0]",)
    )
    long_name = "send." + "a_name_longer_than_any_column_may_be_" * 3
    off = cost("lock.srcu", 5.3, 1.08, 0.02, Verdict.SLOWER, is_control=True, notes=(ONE_WORKER,))
    rows = (
        *(noted[0], unbounded, *noted[2:]),
        invalid("send.masked", WRONG),
        invalid("vcpu.merge", "no worker finished it"),
        invalid("vcpu.has_interrupt", "no worker finished it"),
        cost(long_name, 9.87654e6, 0.5, 1e-4, Verdict.FASTER, notes=(ONE_WORKER,)),
        *(off, *(replace(row, notes=(ONE_WORKER,)) for row in CONTROLS)),
        *(varied, *OUTCOMES[1:]),
    )
    globs = " ".join(f"--only 'send.glob_number_{i}.*'" for i in range(8))
    return replace(
        report,
        rows=rows,
        environment={**report.environment, "commit": None, "clock_source": None},
        settings={**report.settings, "workers": 1, "rounds": 40, "slice_ns": 500_000},
        command=f"xenperf run --quick {globs} --seed 4711",
        nr_finished=0,
        cut_short="interrupted",
    )


@pytest.fixture
def compared(report: Report) -> Report:
    """Two revisions, one cost slower, one benchmark new, one count that moved."""
    sides = ("base", "head")
    slower = replace(
        cost("gpc.check", 0.95, 1.052, 0.006, Verdict.SLOWER, unit="ns/check"), wall_ratio=1.049
    )
    rows = [
        replace(slower, sides=sides, variant="gpa", worker_ratios=(1.05, 1.053, 1.051, 1.054)),
        replace(COSTS[1], sides=sides, variant="hva", worker_ratios=(1.0, 1.001, 1.002, 0.999)),
        replace(
            invalid("gpc.new", "only one of the two has it"),
            sides=sides,
            variant="gpa",
            head=12.25,
            verdict=Verdict.NEW,
        ),
        replace(CONTROLS[0], benchmark="gpc.check", sides=("base", "base again"), variant="A/A"),
        *(replace(row, sides=sides, variant="gpa") for row in OUTCOMES[:2]),
    ]
    return replace(
        report,
        kind=Kind.COMPARE,
        rows=tuple(rows),
        about={"base": "0123456789ab Begin", "head": "ba9876543210 Change it | and <more>"},
        command="xenperf compare 0123456789ab ba9876543210 --seed 4711",
        seconds=41.5,
        remarks=("the checkout has uncommitted changes",),
    )


@pytest.fixture
def counted(compared: Report) -> Report:
    """The two revisions with their instructions, of which one cost has none."""
    taken = ((29.0, 29.0), (70.0, 75.03125), None, None)
    rows = [
        replace(row, instructions=each)
        for row, each in zip(compared.rows, (*taken, None, None), strict=True)
    ]
    return replace(
        compared,
        rows=tuple(rows),
        settings={
            **compared.settings,
            "instruction_runs": 3,
            "instruction_cpu": "x86-64-v2",
        },
        uncounted={"gpc.new gpa": "by gpa: not every one of 32768 operations went as expected"},
        command="xenperf compare 0123456789ab ba9876543210 --instructions --seed 4711",
    )


@pytest.fixture
def series(report: Report) -> Report:
    """Three steps of one benchmark by each activation, and what they bought."""
    rows = []
    for variant, ratio in (("gpa", 1.02), ("hva", 0.98)):
        for base, head, step in (
            ("base", "one", 1.0),
            ("base", "two", ratio),
            ("one", "two", ratio),
        ):
            verdict = Verdict.SAME if step == 1.0 else Verdict.UNDECIDED
            made = cost("send.delivered", 40.0, step, 0.02, verdict)
            rows.append(replace(made, sides=(base, head), variant=variant))
    bought = cost("send.delivered", 41.0, 0.38, 0.004, Verdict.FASTER)
    rows.append(replace(bought, sides=("base gpa", "two hva"), variant="gpa to hva"))
    rows += [replace(OUTCOMES[1], sides=("base gpa", "two hva"), variant="gpa to hva")]
    return replace(
        report,
        kind=Kind.SERIES,
        rows=tuple(rows),
        about={"base": "before the series", "one": "first patch", "two": "second patch"},
        command="xenperf series --model --seed 4711",
    )


@pytest.fixture
def checked(report: Report) -> Report:
    """A build against itself: one false verdict, one undecided row, one without any noise."""
    sides = ("base", "again")
    rows = [
        replace(cost("send.delivered", 41.0, 1.0013, 0.004, Verdict.SAME), variant="gpa"),
        replace(cost("gpc.check", 0.94, 1.0312, 0.006, Verdict.SLOWER), variant="gpa"),
        replace(cost("gpc.check", 0.94, 0.9954, 0.041, Verdict.UNDECIDED), variant="hva"),
        replace(invalid("gpc.refresh_failing", WRONG), variant="hva"),
        CONTROLS[0],
    ]
    rows = [replace(row, sides=sides) for row in rows]
    noise = {
        row.key: Detectable(0.031 / (idx + 1), 0.0122, 0.0013, 0.01, None if idx == 2 else 0.0251)
        for idx, row in enumerate(rows)
        if row.ratio is not None
    }
    return replace(
        report,
        kind=Kind.SELFCHECK,
        rows=tuple(rows),
        noise=noise,
        command="xenperf selfcheck --seed 4711",
    )


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare with a golden file, or write it where XENPERF_WRITE_GOLDEN is set."""

    def compare(name: str, found: str) -> None:
        path = GOLDEN / name
        if os.environ.get("XENPERF_WRITE_GOLDEN"):
            path.write_text(found, encoding="utf-8")
        assert found == path.read_text(encoding="utf-8")

    return compare
