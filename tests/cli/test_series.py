"""``xenperf series``: which steps are compared, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xenperf.cli.request import Request
from xenperf.cli.series import BOUGHT, model_job
from xenperf.model.patches import GPA_HVA, KERNELS, PATCHES

Invoke = Callable[..., Any]
MERGED = [name for name in PATCHES if name in KERNELS[GPA_HVA]]


def test_the_steps_are_the_patches_one_after_another() -> None:
    by_gpa = model_job(Request()).plan.comparisons[0]
    assert [side.label for side in by_gpa.sides] == ["base", *MERGED]
    sizes = [len(side.build.patches or ()) for side in by_gpa.sides]
    assert sizes == list(range(len(MERGED) + 1))
    assert by_gpa.against_previous


def test_by_hva_the_first_step_that_has_it_is_the_base() -> None:
    by_hva = model_job(Request()).plan.comparisons[1]
    assert by_hva.sides[0].label == "vcpu-info-hva"
    assert [side.label for side in by_hva.sides] == MERGED[MERGED.index("vcpu-info-hva") :]


def test_the_whole_series_is_compared_before_by_gpa_and_after_by_hva() -> None:
    (bought,) = [c for c in model_job(Request()).plan.comparisons if c.variant == BOUGHT]
    assert [side.label for side in bought.sides] == ["base gpa", f"{MERGED[-1]} hva"]


def test_every_step_is_described_with_its_commits() -> None:
    about = model_job(Request()).about
    assert list(about) == ["base", *MERGED]
    assert "9fa336e343b2" in about["read-lock-first"]


def test_steps_that_no_activation_touches_are_left_out_unless_asked_for() -> None:
    assert "lock.read" not in model_job(Request()).plan.names
    assert model_job(Request(only=("lock.read",))).plan.names == ("lock.read",)


def test_a_step_that_changes_an_outcome_shows_in_the_counts(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    words = ("--only", "break_apart", "--workers", "1", "--format", "json")
    found = invoke("series", "--model", *words)
    assert found.code == 0
    rows = json.loads(found.out)["rows"]
    bought = [row for row in rows if row["variant"] == BOUGHT and row["metric"] == "refused"]
    assert sum(row["base gpa"] for row in bought) > 0
    assert sum(row[f"{MERGED[-1]} hva"] for row in bought) == 0
    steps = [row for row in rows if row["variant"] == "gpa"]
    assert {row["verdict"] for row in steps} == {"same"}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "give --model, BASE..HEAD, files or images"),
        (("--model", "a..b"), "give --model, BASE..HEAD, files or images"),
        (("HEAD", "--repo", "."), "not BASE..HEAD"),
        (("a..b", "b..c"), "one range at a time"),
        (("a.json",), "one file is no series"),
        (("a.json", "HEAD"), "a file cannot be compared with a revision"),
    ],
)
def test_what_is_no_series_is_refused(
    words: tuple[str, ...], named: str, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    found = invoke("series", *words)
    assert found.code == 2
    assert named in found.err
