import json
import math
from collections.abc import Callable
from dataclasses import replace

from xenperf.report import json_
from xenperf.report.model import Report


def _refuse(constant: str) -> float:
    raise AssertionError(f"{constant} is no JSON")


def test_the_object(report: Report, golden: Callable[[str, str], None]) -> None:
    golden("run.json", json_.render(report))


def test_an_object_with_everything_wrong(
    doubtful: Report, golden: Callable[[str, str], None]
) -> None:
    golden("doubtful.json", json_.render(doubtful))


def test_its_keys_and_rows(doubtful: Report) -> None:
    content = json.loads(json_.render(doubtful), parse_constant=_refuse)
    assert (content["schema"], content["kind"]) == ("xenperf/1", "run")
    assert content["cut_short"] == "interrupted"
    assert [row["benchmark"] for row in content["rows"]] == [r.benchmark for r in doubtful.rows]
    assert all(
        list(row)
        == [
            *("benchmark", "variant", "sides", "metric", "unit", "gpa", "hva", "ratio", "ci"),
            *("verdict", "control", "worker_ratios", "wall_ratio", "instructions", "notes"),
        ]
        for row in content["rows"]
    )


def test_figures_are_kept_in_full(report: Report) -> None:
    rows = json.loads(json_.render(report))["rows"]
    assert rows[0]["ratio"] == report.rows[0].ratio
    assert tuple(rows[0]["ci"]) == report.rows[0].ci


def test_what_is_no_number_becomes_null(report: Report) -> None:
    row = replace(report.rows[0], ci=(0.0, math.inf), base=math.nan, worker_ratios=(math.inf, 1.0))
    environment = {**report.environment, "load_1min": math.nan}
    found = json.loads(
        json_.render(replace(report, rows=(row,), environment=environment)),
        parse_constant=_refuse,
    )
    (shown,) = found["rows"]
    assert shown["ci"] == [0.0, None]
    assert shown["gpa"] is None
    assert shown["worker_ratios"] == [None, 1.0]
    assert found["environment"]["load_1min"] is None


def test_counts_are_integers(report: Report) -> None:
    as_floats = [replace(row, base=64.0, head=0.0) for row in report.outcomes]
    rows = json.loads(json_.render(replace(report, rows=tuple(as_floats))))["rows"]
    assert all(type(row["gpa"]) is int and type(row["hva"]) is int for row in rows)
