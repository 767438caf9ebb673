"""Instructions of a clock that counts them: exact, and judged as such."""

import pytest

from xenperf.stats.counted import judge_counts, judged_rows, limit_of
from xenperf.stats.samples import CPU_TIME, INSTRUCTIONS, CostSample, WorkerTimes
from xenperf.stats.verdict import Verdict

STEADY = (1824.0, 1824.0, 1824.0)


def sample(name: str, *workers: WorkerTimes, metric: str = INSTRUCTIONS) -> CostSample:
    return CostSample(name, "instr/send", workers, metric=metric)


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (STEADY, Verdict.SAME),
        ((1825.0,) * 3, Verdict.SAME),  # less than a thousandth
        ((1826.0,) * 3, Verdict.SLOWER),
        ((1822.0,) * 3, Verdict.FASTER),
        ((1830.0, 1833.0, 1830.0), Verdict.UNDECIDED),  # 6 more, but 3 apart
        ((1834.0, 1835.0, 1837.0), Verdict.SLOWER),
    ],
)
def test_a_change_is_larger_than_the_limit_and_three_spreads(
    head: tuple[float, ...], verdict: Verdict
) -> None:
    assert judge_counts(STEADY, head, 0.001) is verdict


def test_an_unsteady_base_forbids_a_claim_as_well() -> None:
    assert judge_counts((1824.0, 1830.0, 1824.0), (1840.0,) * 3, 0.001) is Verdict.UNDECIDED


def test_what_sleeps_and_what_walks_lists_has_a_wider_limit() -> None:
    for apart in (0.0, 4.0):
        assert limit_of("slots.overlay_cycle", apart) == 0.02
        assert limit_of("notifier.unrelated_page", apart) == 0.03
    workers = WorkerTimes((1000.0,), (1015.0,))
    names = ("slots.overlay_cycle", "notifier.unrelated_page", "send.delivered")
    found = judged_rows([sample(name, workers) for name in names])
    assert [row.verdict for row in found] == [Verdict.SAME, Verdict.SAME, Verdict.SLOWER]


def test_a_single_instruction_counts_where_counts_repeat() -> None:
    assert limit_of("send.delivered", 0.0) == 0.0
    assert limit_of("send.delivered", 1.0) == 0.001
    one_more = sample("send.delivered", WorkerTimes((1801.0,) * 16, (1802.0,) * 16))
    unsteady = sample("send.delivered", WorkerTimes((1801.0,) * 15 + (1802.0,), (1802.0,) * 16))
    assert [row.verdict for row in judged_rows([one_more, unsteady])] == ["slower", "same"]


def test_a_row_shows_a_count_that_was_seen_and_the_range_of_the_ratio() -> None:
    boots = [WorkerTimes((base,), (head,)) for base, head in ((10, 20), (10, 21), (11, 20))]
    (row,) = judged_rows([sample("send.delivered", *boots)])
    assert (row.base, row.head, row.ratio) == (10, 20, 2.0)
    assert row.ci == (20 / 11, 21 / 10)
    assert row.metric == INSTRUCTIONS
    assert not row.is_count
    assert row.notes == ()


def test_of_a_single_worker_every_round_counts() -> None:
    (row,) = judged_rows([sample("send.merged", WorkerTimes((5.0, 5.0, 9.0), (5.0, 5.0, 5.0)))])
    assert (row.base, row.head, row.verdict) == (5.0, 5.0, Verdict.SAME)
    assert row.ci == (5.0 / 9.0, 1.0)


def test_rows_of_time_and_of_counts_keep_their_order() -> None:
    times = [WorkerTimes((1.0,) * 8, (1.0,) * 8)] * 4
    names = ["send.delivered", "send.masked", "send.merged"]
    samples = [
        sample(names[0], *times, metric=CPU_TIME),
        sample(names[1], WorkerTimes((5.0,), (5.0,))),
        sample(names[2], *times, metric=CPU_TIME),
    ]
    found = judged_rows(samples)
    assert [row.benchmark for row in found] == names
    assert [row.metric for row in found] == [CPU_TIME, INSTRUCTIONS, CPU_TIME]


def test_a_side_that_is_not_there_is_gone_and_not_zero() -> None:
    lone = sample("send.masked", WorkerTimes((5.0, 7.0), None))
    (row,) = judged_rows([lone])
    assert (row.verdict, row.head, row.ratio) == (Verdict.GONE, None, None)
