import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from xenperf.measure import session
from xenperf.measure.plan import Plan
from xenperf.stats.rows import CPU_TIME, Row
from xenperf.stats.verdict import Verdict

Invoke = Callable[..., Any]
ROW = Row("gpc.check", CPU_TIME, "ns/check", 10.0, 10.1, 1.01, (1.0, 1.02), Verdict.SAME)
NOTHING = Row(
    *("gpc.check", CPU_TIME, "ns/check", None, None, None, None, Verdict.INVALID),
    notes=("no worker finished it",),
)


@dataclass
class FakeSession:
    """Answers instead of a real run, and keeps the plan that it was given."""

    found: list[Row] = field(default_factory=lambda: [ROW])
    cut_short: str | None = None
    nr_finished: int = 1
    plan: Plan | None = None
    workers: list[list[dict[str, Any]]] = field(default_factory=list)
    seconds: float = 0.0
    looks: list[int] = field(default_factory=list)
    budget_s: float | None = None

    def run(self, plan: Plan, *_: object, **__: object) -> "FakeSession":
        self.plan = plan
        return self

    def rows(self) -> list[Row]:
        return self.found


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    stand_in = FakeSession()
    monkeypatch.setattr(session, "run", stand_in.run)
    return stand_in


def test_text_goes_to_standard_output(invoke: Invoke, fake: FakeSession) -> None:
    found = invoke("run", "--only", "gpc.check", "--seed", "5")
    assert (found.code, found.err) == (0, "")
    assert found.out.endswith("xenperf run --only gpc.check --seed 5\n")
    assert fake.plan is not None
    assert fake.plan.names == ("gpc.check",)


def test_json_is_all_there_is_on_standard_output(invoke: Invoke, fake: FakeSession) -> None:
    found = invoke("run", "--format", "json", "--slots", "7")
    content = json.loads(found.out)
    assert content["settings"]["slots"] == 7
    assert content["environment"]["xenperf"]
    assert content["command"].startswith("xenperf run --slots 7 --seed ")


def test_a_drawn_seed_is_reported(invoke: Invoke, fake: FakeSession) -> None:
    found = json.loads(invoke("run", "--format", "json").out)
    assert fake.plan is not None
    assert found["settings"]["seed"] == fake.plan.seed


@pytest.mark.parametrize(
    ("name", "options", "is_json"),
    [
        ("r.txt", (), False),
        ("r.json", (), True),
        ("r.json", ("--format", "text"), False),
        ("r", ("--format", "json"), True),
    ],
)
def test_a_file_gets_the_report_and_the_terminal_a_line(
    invoke: Invoke,
    fake: FakeSession,
    tmp_path: Path,
    name: str,
    options: tuple[str, ...],
    is_json: bool,
) -> None:
    path = tmp_path / name
    found = invoke("run", "-o", str(path), *options)
    assert (found.code, found.out) == (0, "")
    assert found.err == f"{path}: written; costs: 0 faster, 0 slower, 1 same, 0 undecided\n"
    assert path.read_text().startswith("{" if is_json else "xenperf run")
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_is_chosen_by_its_name_or_by_the_format(
    invoke: Invoke, fake: FakeSession, tmp_path: Path
) -> None:
    path = tmp_path / "r.html"
    assert invoke("run", "-o", str(path)).code == 0
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert invoke("run", "--format", "html").out.startswith("<!DOCTYPE html>")


def test_a_dash_is_standard_output(invoke: Invoke, fake: FakeSession) -> None:
    assert invoke("run", "-o", "-").out.startswith("xenperf run")


def test_an_interrupted_run_shows_what_was_finished(invoke: Invoke, fake: FakeSession) -> None:
    fake.cut_short, fake.nr_finished = "interrupted", 3
    found = invoke("run")
    line = "interrupted: 3 of 10 workers finished; the table shows what they measured"
    assert (found.code, found.err) == (3, f"{line}\n")
    assert f"- {line}\n" in found.out
    assert "gpc.check" in found.out


def test_an_interrupt_before_anything_was_measured_keeps_the_old_report(
    invoke: Invoke, fake: FakeSession, tmp_path: Path
) -> None:
    fake.cut_short, fake.nr_finished, fake.found = "interrupted", 0, [NOTHING]
    path = tmp_path / "report.txt"
    path.write_text("old")
    found = invoke("run", "-o", str(path))
    assert (found.code, found.out) == (2, "")
    assert found.err == "xenperf: run: interrupted before anything was measured\n"
    assert path.read_text() == "old"


def test_a_run_without_a_valid_row_shows_why(invoke: Invoke, fake: FakeSession) -> None:
    fake.found = [NOTHING]
    found = invoke("run")
    assert found.code == 2
    assert "- invalid: gpc.check: no worker finished it\n" in found.out


def test_strict_decides_about_the_undecided(invoke: Invoke, fake: FakeSession) -> None:
    fake.found = [Row("x", CPU_TIME, "ns", 1.0, 1.0, 1.0, (0.9, 1.1), Verdict.UNDECIDED)]
    assert invoke("run").code == 0
    assert invoke("run", "--strict").code == 3
