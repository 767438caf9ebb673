"""Rows: samples in, one judged line out for each, and nothing hidden."""

import math
from dataclasses import replace

import pytest

from xenperf.stats.rows import BY_WALL, DISSENT, cost_rows, count_rows
from xenperf.stats.samples import WALL_TIME, CostSample, CountSample, WorkerTimes
from xenperf.stats.verdict import Verdict


def sample(name: str, factor: float, *, control: bool = False, workers: int = 10) -> CostSample:
    """Return a cost whose HVA side takes *factor* times as long, with a little spread."""
    times = []
    for worker in range(workers):
        base = [40.0 * (1 + 0.001 * ((worker * 7 + i * 3) % 5)) for i in range(16)]
        luck = 1 + 0.001 * (worker * 5 % 7 - 3)
        hva = [ns * factor * luck * (1 + 0.0005 * (i % 3 - 1)) for i, ns in enumerate(base)]
        times.append(WorkerTimes(tuple(base), tuple(hva)))
    return CostSample(name, "ns/send", tuple(times), is_control=control)


def test_a_tenth_more_by_hva_is_slower_and_a_tenth_less_is_faster() -> None:
    slower, faster, same = cost_rows([sample("a", 1.1), sample("b", 0.9), sample("c", 1.0)])
    assert [row.verdict for row in (slower, faster, same)] == [
        Verdict.SLOWER,
        Verdict.FASTER,
        Verdict.SAME,
    ]
    assert slower.ratio == pytest.approx(1.1, rel=0.002)
    assert slower.ci is not None
    assert slower.ci[0] < slower.ratio < slower.ci[1]


def test_figures_are_medians_in_the_unit_of_the_benchmark() -> None:
    (row,) = cost_rows([sample("a", 2.0)])
    assert row.base == pytest.approx(40.08, abs=0.1)
    assert row.head == pytest.approx(80.16, abs=0.2)


def test_an_invalid_cost_keeps_its_row_and_its_reason_and_its_place() -> None:
    broken = CostSample("b", "ns/send", sample("b", 1.0).workers, invalid="3 of 8 went wrong")
    rows = cost_rows([sample("a", 1.0), broken, sample("c", 1.0)])
    assert [row.benchmark for row in rows] == ["a", "b", "c"]
    assert rows[1].verdict is Verdict.INVALID
    assert rows[1].base is None
    assert rows[1].notes == ("3 of 8 went wrong",)


def test_a_cost_that_no_worker_finished_is_invalid() -> None:
    (row,) = cost_rows([CostSample("a", "ns/send", ())])
    assert row.verdict is Verdict.INVALID


def test_controls_are_judged_among_themselves() -> None:
    alone = cost_rows([sample("a", 1.02)])[0]
    crowd = cost_rows([sample("a", 1.02), *(sample(f"c{i}", 1, control=True) for i in range(40))])
    assert crowd[0].ci == alone.ci


def test_one_worker_gives_a_row_that_says_what_it_lacks() -> None:
    (row,) = cost_rows([sample("a", 0.5, workers=1)])
    assert row.verdict is Verdict.FASTER
    assert "one worker" in row.notes[0]


def test_counts_are_compared_exactly() -> None:
    rows = count_rows(
        [
            CountSample("s", "refused", "of 64 sends", (64, 64), (0, 0)),
            CountSample("s", "swaps", "in 16 rounds", (7, 7), (7, 7)),
            CountSample("s", "delivered", "of 64 sends", (0, 0), (64, 64)),
        ]
    )
    assert [row.verdict for row in rows] == [Verdict.FEWER, Verdict.SAME, Verdict.MORE]
    assert all(row.ratio is None for row in rows)
    assert all(row.is_count for row in rows)


def test_a_count_that_varies_between_workers_is_invalid() -> None:
    (row,) = count_rows([CountSample("s", "refused", "of 64 sends", (64, 63), (0, 0))])
    assert row.verdict is Verdict.INVALID
    assert "varied" in row.notes[0]


def test_too_few_rounds_leave_an_open_interval_and_no_claim() -> None:
    short = CostSample("a", "ns/send", (WorkerTimes((40.0, 40.0), (80.0, 80.0)),))
    (row,) = cost_rows([short])
    assert row.verdict is Verdict.UNDECIDED
    assert row.ci is not None
    assert row.ci[1] == math.inf


def test_a_row_that_its_own_workers_contradict_says_so() -> None:
    fast, slow = sample("a", 1.0, workers=12), sample("a", 1.2, workers=3)
    mixed = CostSample("a", "ns/send", fast.workers + slow.workers)
    (row,) = cost_rows([mixed])
    assert row.verdict is Verdict.UNDECIDED
    assert DISSENT in row.notes


def test_what_sleeps_is_judged_by_wall_time_with_wider_limits() -> None:
    def slept(factor: float) -> CostSample:
        made = sample("a", 1.0)
        workers = [
            replace(w, base_wall_ns=w.base_ns, head_wall_ns=tuple(factor * ns for ns in w.base_ns))
            for w in made.workers
            if w.base_ns is not None
        ]
        return replace(made, workers=tuple(workers), metric=WALL_TIME)

    near, far = cost_rows([slept(1.025), slept(1.2)])
    assert (near.verdict, far.verdict) == (Verdict.SAME, Verdict.SLOWER)
    assert far.ratio == pytest.approx(1.2, rel=1e-6)
    assert BY_WALL in near.notes
    assert not near.is_count
