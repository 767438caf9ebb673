"""Files of pyperf and asv: what they say is read, what is broken is one line."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.record.drawn import recorded, text_of
from xenperf.cli.files import report_of
from xenperf.errors import UsageError
from xenperf.record.figures import source_of
from xenperf.record.files import APART, compare_files, source
from xenperf.record.foreign import split_name
from xenperf.record.recorded import Recorded
from xenperf.report import text
from xenperf.stats.interval import Interval
from xenperf.stats.samples import CPU_TIME, WALL_TIME

PYPERF: dict[str, Any] = {
    "version": "1.0",
    "metadata": {"python_version": "3.11.7 (64-bit)", "unit": "second", "timer": "perf_counter"},
    "benchmarks": [
        {
            "metadata": {"name": "sort"},
            "runs": [
                {"warmups": [[1, 0.5]], "metadata": {"calibrate_loops": 4}},
                {"values": [1e-6, 3e-6, 2e-6]},
                {"values": [4e-6], "metadata": {"load_avg_1min": 0.5}},
            ],
        },
        {"metadata": {"name": "memory", "unit": "byte"}, "runs": [{"values": [4096]}]},
    ],
}
ASV: dict[str, Any] = {
    "version": 2,
    "commit_hash": "0123456789abcdef0123456789abcdef01234567",
    "params": {"machine": "box", "cpu": "a CPU"},
    "result_columns": ["result", "params", "version", "stats_ci_99_a", "stats_ci_99_b"],
    "results": {
        "bench.time_it": [[1e-6, None], [["'gpa'", "'hva'"]], "1", [9e-7, None], [2e-6, None]],
        "bench.track_it": [[64.0], []],
        "bench.time_failed": [None],
    },
}


def written(path: Path, content: Any) -> str:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_each_run_of_pyperf_with_values_is_a_process(tmp_path: Path) -> None:
    found = source(written(tmp_path / "p.json", PYPERF))
    (figure,) = found.figures
    assert figure.key == ("sort", "")
    assert figure.workers_ns == pytest.approx((2000.0, 4000.0))
    assert figure.metric == WALL_TIME
    assert found.environment == {"python": "3.11.7 (64-bit)"}


def test_a_timer_of_cpu_time_is_known(tmp_path: Path) -> None:
    metadata = {"unit": "second", "timer": "time.thread_time_ns"}
    (figure,) = source(written(tmp_path / "p.json", {**PYPERF, "metadata": metadata})).figures
    assert figure.metric == CPU_TIME


def test_a_result_of_asv_is_a_figure_with_its_interval(tmp_path: Path) -> None:
    found = source(written(tmp_path / "a.json", ASV))
    (figure,) = found.figures
    assert figure.key == ("bench.time_it", "'gpa'")
    assert figure.workers_ns == pytest.approx((1000.0,))
    assert figure.interval_ns == Interval(pytest.approx(900.0), pytest.approx(2000.0), 0.99)
    assert found.environment == {"commit": "0123456789ab", "cpu": "a CPU"}


def test_asv_may_have_intervals_without_bounds_and_skipped_results(tmp_path: Path) -> None:
    row = [[1e-6, math.nan], [["'gpa'", "'hva'"]], "1", [-math.inf, None], [math.inf, None]]
    found = source(written(tmp_path / "a.json", {**ASV, "results": {"bench.time_it": row}}))
    assert found.figures == ()  # no interval, no figure to compare: but no file to refuse either


def test_nobody_else_may_write_what_is_not_json(tmp_path: Path) -> None:
    content = {**PYPERF, "metadata": {"unit": math.nan}}
    with pytest.raises(UsageError, match="cannot read: NaN is not JSON"):
        source(written(tmp_path / "p.json", content))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("send.delivered [gpa]", ("send.delivered", "gpa")),
        ("send.delivered gpa [base]", ("send.delivered", "gpa base")),
        ("lock.read A/A [base again]", ("lock.read", "A/A base again")),
        ("nothing of the kind", ("nothing of the kind", "")),
    ],
)
def test_names_given_to_pyperf_are_told_apart_again(name: str, parts: tuple[str, str]) -> None:
    assert split_name(name) == parts


fuzzed = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@fuzzed
@given(one=recorded())
def test_as_a_plain_pyperf_file_a_recorded_one_says_the_same(one: Recorded, tmp_path: Path) -> None:
    content = json.loads(text_of(one))
    ours = {figure.key: figure for figure in source_of(one, "r.json").figures}
    plain = {key: content[key] for key in ("version", "metadata", "benchmarks")}
    if not ours:
        with pytest.raises(UsageError, match="benchmarks: not a list of at least 1"):
            source(written(tmp_path / "p.json", plain))
        return
    found = source(written(tmp_path / "p.json", plain)).figures
    assert [figure.key for figure in found] == list(ours)
    for figure in found:
        assert figure.workers_ns == pytest.approx(ours[figure.key].workers_ns, rel=1e-12)
        assert (figure.unit, figure.metric) == (ours[figure.key].unit, ours[figure.key].metric)


STRANGE = st.sampled_from((None, True, -1, 0, 1e-300, 1e300, "", "second", [], {}, [[]], [None]))


@fuzzed
@given(base=st.sampled_from((PYPERF, ASV)), data=st.data())
def test_a_changed_value_is_refused_or_compared(base: Any, data: st.DataObject) -> None:
    content = json.loads(json.dumps(base))
    place, key = content, data.draw(st.sampled_from(sorted(content)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.integers(0, 4)):
        place = place[key]
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else [0, -1]))
    place[key] = data.draw(STRANGE)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("xenperf.record.untrusted.load", lambda path, constant: content)
        try:
            found = compare_files("a.json", "b.json")
        except UsageError:
            return
    assert text.render(report_of(found))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"some": "object"}, "no result file that is known here; give a file that xenperf"),
        ({**PYPERF, "version": "0.1"}, "version: not 1.0"),
        ({**PYPERF, "benchmarks": [{"runs": []}]}, "benchmarks[0].runs: not a list of at least 1"),
        ({**PYPERF, "benchmarks": [{"runs": [{"values": [0]}]}]}, "runs[0].values[0]: not above 0"),
        ({**PYPERF, "benchmarks": PYPERF["benchmarks"][:1] * 2}, "not a name that is there once"),
        ({**ASV, "results": {"x": 1}}, "results.x: not a list"),
        (
            {**ASV, "results": {"x": [[1.0], [["a", "b"]], "1", [1.0], [1.0]]}},
            "results.x.params: not as many combinations as results",
        ),
    ],
)
def test_what_is_broken_is_named(content: Any, named: str, tmp_path: Path) -> None:
    path = written(tmp_path / "r.json", content)
    with pytest.raises(UsageError) as refused:
        source(path)
    assert str(refused.value).startswith(f"{path}: cannot read: ")
    assert named in str(refused.value)


def test_files_without_a_common_benchmark_are_not_compared(tmp_path: Path) -> None:
    paths = written(tmp_path / "p.json", PYPERF), written(tmp_path / "a.json", ASV)
    with pytest.raises(UsageError, match="no benchmark is in both files"):
        compare_files(*paths)


def test_two_foreign_files_say_that_they_were_recorded_apart(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", ASV)
    found = compare_files(path, path)
    assert found.remarks == (APART,)
    (row,) = found.rows
    assert row.ratio == 1.0
    assert row.ci == pytest.approx((0.45, 2 / 0.9))
