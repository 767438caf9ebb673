"""``xenperf selfcheck``: the suite against itself, in every form, and in a file as it goes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli import canned
from xenperf.cli.request import Request
from xenperf.cli.selfcheck import job_of
from xenperf.measure import session
from xenperf.measure.plan import Plan
from xenperf.record.recorded import read

Invoke = Callable[..., Any]
SMALL = ("--only", "gpc.check", "--only", "lock.read", "--workers", "1", "--rounds", "4")
CANNED = ("selfcheck", "--only", "gpc.*", "--workers", "3", "--rounds", "4", "--seed", "7")


class Workers:
    """Canned workers, of which the one with number ``ends_at`` is interrupted."""

    ends_at: int | None = None

    def messages(self, plan: Plan) -> Iterator[dict[str, Any]]:
        if plan.seed % 1000 == self.ends_at:
            raise KeyboardInterrupt
        yield from canned.messages(plan)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    made = Workers()
    monkeypatch.setattr(session, "messages", made.messages)
    return made


def test_every_cost_is_compared_with_itself_and_steps_once() -> None:
    plan = job_of(Request(only=("gpc.check", "lock.read", "break_apart"))).plan
    assert plan.names == ("gpc.check", "lock.read")
    assert [c.has_controls for c in plan.comparisons] == [True, False]
    assert all(c.sides[0].build != c.sides[1].build for c in plan.comparisons)


def test_it_says_what_it_found_and_never_calls_one_worker_trusted(invoke: Invoke) -> None:
    found = invoke("selfcheck", *SMALL, "--format", "json")
    content = json.loads(found.out)
    assert (content["schema"], content["kind"]) == ("xenperf/1", "selfcheck")
    assert [(row["benchmark"], row["variant"]) for row in content["rows"]] == [
        ("gpc.check", "gpa"),
        ("gpc.check", "hva"),
        ("lock.read", ""),
    ]
    assert content["comparisons"] == 3
    assert all(row["effect"] is None for row in content["rows"])
    assert found.code == (1 if content["false_verdicts"] else 0)


@pytest.mark.parametrize(("form", "width"), [("text", 100), ("mail", 72)])
def test_its_table_fits_the_page(form: str, width: int, workers: Workers, invoke: Invoke) -> None:
    lines = invoke(*CANNED, "--format", form).out.splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.startswith("gpc.check hva") for line in lines)
    assert any(line.startswith("false ") for line in lines)


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_it_has_the_forms_of_other_reports(form: str, workers: Workers, invoke: Invoke) -> None:
    shown = invoke(*CANNED, "--format", form).out
    assert "comparisons called slower or faster" in shown
    assert "detectable" in shown


@pytest.mark.usefixtures("still")
def test_a_file_holds_what_was_measured_and_is_shown_again(
    workers: Workers, invoke: Invoke, tmp_path: Path
) -> None:
    path = tmp_path / "self.json"
    shown = invoke(*CANNED)
    found = invoke(*CANNED, "-o", str(path))
    assert (found.code, found.out) == (shown.code, "")
    assert found.err.startswith(f"{path}: written; A/A: ")
    content = json.loads(path.read_text())
    assert len(content["benchmarks"]) == 2 * content["comparisons"]
    assert len(content["raw"]["workers"]) == 3
    assert {"within", "between", "margin", "effect"} <= content["rows"][0].keys()
    again = invoke("report", str(path))
    assert again.code == shown.code
    assert again.out == shown.out


def test_a_stopped_check_keeps_its_workers_and_goes_on(
    workers: Workers, invoke: Invoke, tmp_path: Path
) -> None:
    whole, stopped = tmp_path / "whole.json", tmp_path / "stopped.json"
    code = invoke(*CANNED, "-o", str(whole)).code
    workers.ends_at = 2
    found = invoke(*CANNED, "-o", str(stopped))
    assert found.code == 3
    assert found.err.startswith("interrupted: 2 of 3 workers finished")
    assert read(stopped).session.nr_finished == 2
    workers.ends_at = None
    assert invoke("resume", str(stopped)).code == code
    rows = [json.loads(path.read_text())["rows"] for path in (whole, stopped)]
    assert rows[0] == rows[1]


def test_pyperf_reads_the_file(workers: Workers, invoke: Invoke, tmp_path: Path) -> None:
    pyperf = pytest.importorskip("pyperf")
    path = tmp_path / "self.json"
    invoke(*CANNED, "-o", str(path))
    suite = pyperf.BenchmarkSuite.load(str(path))
    assert "gpc.check gpa [base]" in suite.get_benchmark_names()
    assert "gpc.check gpa [again]" in suite.get_benchmark_names()


def test_an_undecided_row_is_enough_where_it_is_strict(
    workers: Workers, invoke: Invoke, tmp_path: Path
) -> None:
    path = tmp_path / "self.json"
    invoke(*CANNED, "--workers", "1", "-o", str(path))
    undecided = any(row["verdict"] == "undecided" for row in json.loads(path.read_text())["rows"])
    assert undecided
    assert invoke("report", str(path), "--strict").code == 3


def test_scenarios_alone_are_refused(invoke: Invoke) -> None:
    found = invoke("selfcheck", "--only", "break_apart")
    assert found.code == 2
    assert "only scenarios" in found.err
