"""Recorded files: what is written is read again to the last digit, and what is broken is named."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.record.drawn import content_of, recorded, text_of
from xenperf.cli.reporting import report_of
from xenperf.errors import UsageError
from xenperf.measure.sides import BY_ACTIVATION
from xenperf.record.recorded import Recorded, read, recorded_of
from xenperf.report import json_, text

drawn = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def _sides(said: list[dict[str, Any]]) -> list[Any]:
    return [each for message in said for each in message.get("sides", {}).values()]


def one(**changes: Any) -> Recorded:
    """Return one recorded session that is complete, with slices of some cost in it.

    Which one is drawn is not up to this file alone: it depends on what else is imported.
    """
    strategy = recorded().filter(
        lambda r: (
            r.kind == "run"
            and r.session.nr_finished == len(r.session.workers) > 1
            and any(isinstance(each, dict) for each in _sides(r.session.workers[0]))
        )
    )
    found: list[Recorded] = []

    @settings(max_examples=1, derandomize=True, database=None, deadline=None)
    @given(strategy)
    def draw(drawn_one: Recorded) -> None:
        found.append(drawn_one)

    draw()
    return replace(found[0], **changes)


@drawn
@given(one=recorded())
def test_a_file_read_again_gives_the_same_to_the_last_digit(one: Recorded, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(text_of(one))
    again = read(path)
    assert again == one
    assert again.session.rows() == one.session.rows()
    assert json_.render(report_of(again)) == json_.render(report_of(one))


@drawn
@given(one=recorded(), data=st.data())
def test_a_changed_value_is_refused_or_gives_a_report(one: Recorded, data: st.DataObject) -> None:
    content = content_of(one)
    mutate(content, data)
    try:
        found = recorded_of(content, "r.json")
    except UsageError:  # always one line: see tests/test_errors.py
        return
    report = report_of(found)
    text.render(report)
    json_.render(report)


STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 1 << 62),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(("", "gpa", "base", "cost", "count", "cpu_time", "xenperf/2")),
    st.just([]),
    st.just({}),
)


def mutate(content: dict[str, Any], data: st.DataObject) -> None:
    """Change one value somewhere in *content*, or lose it, or put it there twice."""
    place: Any = content
    path = [data.draw(st.sampled_from(("schema", "kind", "about", "command", "raw", "raw")))]
    while True:
        value = place[path[-1]]
        if not isinstance(value, list | dict) or not value or data.draw(st.integers(0, 7)) == 0:
            break
        place = value
        keys = list(value) if isinstance(value, dict) else range(len(value))
        path.append(data.draw(st.sampled_from(list(keys))))
    how = data.draw(st.sampled_from(("lose", "replace", "replace", "twice")))
    if how == "lose" and len(path) > 1:
        del place[path[-1]]
    elif how == "twice" and isinstance(place, list):
        place.append(place[path[-1]])
    else:
        place[path[-1]] = data.draw(STRANGE)


Change = Callable[[dict[str, Any]], object]
COST = 1  # the place of the first cost in what a worker said


def first_cost(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["raw"]["workers"][0][COST]
    return found


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c.update(schema="xenperf/2"), "its schema is xenperf/2, this xenperf knows"),
        (lambda c: c.pop("raw"), "a report alone, without what was measured; record it with -o"),
        (lambda c: c.update(kind="guess"), "kind: not one of run, compare, series, sweep"),
        (lambda c: c.update(command="xenperf 'run"), "command: No closing quotation"),
        (lambda c: c["raw"].update(more=1), "raw.more: not a key that belongs there"),
        (lambda c: c["raw"]["plan"].update(rounds=True), "raw.plan.rounds: not a whole number"),
        (lambda c: c["raw"]["plan"].update(rounds=20_000), "raw.plan: rounds 20000: out of range"),
        (lambda c: c["raw"].update(looks=[9]), "raw.looks: not at most the number of workers"),
        (lambda c: c["raw"]["workers"][0].reverse(), "raw.workers[0]: not a worker that begins"),
        (
            lambda c: c["raw"]["workers"][0].append(first_cost(c)),
            "raw.workers[0]: not a worker that ends at its end",
        ),
        (
            lambda c: first_cost(c).update(name="other"),
            "raw.workers[0][1].name: not in the plan",
        ),
        (
            lambda c: first_cost(c).update(unit="ns/other"),
            "raw.workers[1][1]: not like the other workers'",
        ),
    ],
)
def test_what_is_broken_is_named(change: Change, named: str) -> None:
    content = content_of(one())
    content["raw"]["budget_s"] = 2.0
    change(content)
    with pytest.raises(UsageError) as refused:
        recorded_of(content, "r.json")
    assert str(refused.value).startswith("r.json: cannot read: ")
    assert named in str(refused.value)
    assert refused.value.exit_code == 2


def test_slices_of_another_length_than_the_plan_says_are_refused() -> None:
    content = content_of(one())
    slices = next(s for s in _sides(content["raw"]["workers"][0]) if isinstance(s, dict))
    slices["cpu_ns"].append(5)
    with pytest.raises(UsageError, match=r"sides\.\w+\.cpu_ns: not \d long, as the plan says"):
        recorded_of(content, "r.json")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"first_cpu": [0, 70_000]}, "first_cpu[1]: not a whole number from 0 to 65535"),
        ({"first_cpu": [0, None]}, "last_cpu: not there where first_cpu is"),
        ({"first_cpu": [0], "last_cpu": [0, 1]}, "first_cpu: not 2 long, as the plan says"),
    ],
)
def test_cpus_that_nothing_ran_on_are_refused(change: dict[str, Any], named: str) -> None:
    content = content_of(one())
    content["raw"]["plan"]["rounds"] = 2
    for message in (m for said in content["raw"]["workers"] for m in said):
        for slices in message.get("sides", {}).values():
            if isinstance(slices, dict):
                slices.update({name: ([1] * 2) for name in slices})
                slices.pop("last_cpu", None)
                slices.pop("first_cpu", None)
                slices.update(change)
    with pytest.raises(UsageError, match=re.escape(named)):
        recorded_of(content, "r.json")


@pytest.mark.parametrize(
    ("offsets", "named"),
    [
        ({"gpa": {"vm": 4096}}, "page_offsets.gpa.vm: not a whole number from 0 to 4095"),
        ({"nobody": None}, "page_offsets: not of its sides"),
        ([], "page_offsets: not an object"),
    ],
)
def test_offsets_that_no_page_has_are_refused(offsets: Any, named: str) -> None:
    content = content_of(one())
    first_cost(content)["page_offsets"] = offsets
    with pytest.raises(UsageError, match=re.escape(named)):
        recorded_of(content, "r.json")


COUNTED = {"name": "gpc.check", "comparison": "", "variant": "", "sides": {"gpa": [29.0]}}


@pytest.mark.parametrize(
    ("counted", "named"),
    [
        ([{**COUNTED, "name": "gpc.other"}], "counted[0]: not in the plan"),
        ([{**COUNTED, "comparison": "other"}], "counted[0]: not in the plan"),
        ([{**COUNTED, "sides": {"nobody": [1.0]}}], "counted[0].sides: not of its comparison"),
        ([{**COUNTED, "sides": {"gpa": []}}], "counted[0].sides.gpa: not a list of at least 1"),
        ([{**COUNTED, "sides": {"gpa": [0.0]}}], "counted[0].sides.gpa[0]: not above 0"),
        ([COUNTED, COUNTED], "counted: not each cost once"),
        ([{**COUNTED, "more": 1}], "counted[0].more: not a key that belongs there"),
    ],
)
def test_counts_of_something_else_are_refused(counted: Any, named: str) -> None:
    content = content_of(one())
    content["raw"]["plan"]["names"] = ["gpc.check"]
    content["raw"]["plan"]["comparisons"] = json.loads(json.dumps([asdict(BY_ACTIVATION)]))
    content["raw"].update(workers=[], looks=[])
    content["raw"]["instructions"] = {"runs": 1, "missing": None, "counted": counted}
    with pytest.raises(UsageError, match=re.escape(f"raw.instructions.{named}")):
        recorded_of(content, "r.json")


def test_nothing_counted_may_be_said_in_two_ways() -> None:
    content = content_of(one(instructions=None))
    assert "instructions" not in content["raw"]
    for nothing in ({}, {"instructions": None}):
        content["raw"].update(nothing)
        assert recorded_of(content, "r.json").instructions is None


def test_a_file_is_strict_json_with_a_line_for_each_part() -> None:
    written = text_of(one(environment={"load_1min": 0.25}))
    lines = written.splitlines()
    assert lines[0] == "{"
    assert lines[-1] == "}"
    assert all(line.startswith('"') for line in lines[1:-1])
    with pytest.raises(ValueError, match="not JSON compliant"):
        text_of(one(environment={"load_1min": math.nan}))
    json.loads(written)
