"""``xenperf selfcheck``: the suite against itself."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from xenperf.cli.request import Request
from xenperf.cli.selfcheck import job_of

Invoke = Callable[..., Any]
SMALL = ("--only", "gpc.check", "--only", "lock.read", "--workers", "1", "--rounds", "4")


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


def test_its_table_fits_the_page(invoke: Invoke) -> None:
    lines = invoke("selfcheck", *SMALL).out.splitlines()
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("gpc.check hva") for line in lines)


@pytest.mark.parametrize(
    ("words", "named"),
    [(("--only", "break_apart"), "only scenarios"), (("--format", "markdown"), "format")],
)
def test_what_cannot_be_checked_is_refused(
    words: tuple[str, ...], named: str, invoke: Invoke
) -> None:
    found = invoke("selfcheck", *words)
    assert found.code == 2
    assert named in found.err
