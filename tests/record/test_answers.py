"""Files of ``cases`` and ``load``: what the verbs write is taken, anything else is one line."""

import copy
from typing import Any

import pytest

from xenperf.errors import UsageError
from xenperf.record.answers import checked

CASE: dict[str, Any] = {
    "id": "send.20_fresh",
    "kernel": "gpa-hva",
    "activation": "gpa",
    "start": "active",
    "operation": "send 66",
    "expected": "OK",
    "observed": "OK",
    "source": "observed",
    "ok": True,
}
HEAD = {"schema": "xenperf/1", "backend": "live", "environment": {"kernel": "6.12", "cpus": 2}}
CASES: dict[str, Any] = {
    **HEAD,
    "kind": "cases",
    "starts": {"active": "all active"},
    "cases": [CASE, {**CASE, "activation": "hva", "observed": "EFAULT", "ok": False}],
    "skipped": [{"id": "timer.51_fresh", "reason": "no timers"}],
}
ROW: dict[str, Any] = {
    **{"source": "send", "activation": "gpa", "phase": "laid"},
    **{"delivered": 3, "returned": 1, "lost": 0, "wrong_page": 2},
    **{"share_low": 0.2, "share_high": 0.8},
}
WINDOWS: dict[str, Any] = {
    **{"source": "send", "activation": "gpa", "nr_cycles": 4},
    **{"compiled": True, "requests_compiled": True},
    **{"apart_ns": [1, 2], "rejoin_ns": [3, 4], "runs_ns": [], "longest_run_events": 0},
}
BOUND = {
    **{"source": "send", "activation": "gpa", "holds": True},
    **{"expected": "none fails", "seen": "0 of 3"},
}
LOAD: dict[str, Any] = {
    **HEAD,
    "kind": "load",
    "seconds": 1.5,
    "rows": [ROW, {**ROW, "phase": "whole"}],
    "windows": [WINDOWS],
    "bounds": [BOUND],
    "skipped": ["hva: this kernel has none"],
    "command": "xenperf load --seconds 1.5",
}
TWICE = {"delivered": 6, "returned": 2, "lost": 0, "wrong_page": 4}
LOAD["rows"].append({**ROW, "phase": "all", **TWICE})


@pytest.mark.parametrize("content", [CASES, LOAD], ids=["cases", "load"])
def test_what_the_verbs_write_is_taken(content: dict[str, Any]) -> None:
    assert checked(content, "f.json") is content


def changed(content: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Return a copy with another value at *path*; a function makes it from what is there."""
    made = copy.deepcopy(content)
    *outer, last = path
    within: Any = made
    for key in outer:
        within = within[key]
    within[last] = value(within[last]) if callable(value) else value
    return made


@pytest.mark.parametrize(
    ("content", "path", "value", "named"),
    [
        (CASES, ("backend",), "xen", "backend: not one of model, live"),
        (CASES, ("schema",), "xenperf/9", "schema: not one of xenperf/1"),
        (CASES, ("more",), 1, "more: not a key that belongs there"),
        (CASES, ("environment",), {"cpu": [1]}, "environment.cpu: not a string, a number or null"),
        (CASES, ("cases", 0, "kernel"), "gpa", "cases[0].kernel: not one of gpa-only, gpa-hva"),
        (CASES, ("cases", 0, "observed"), 7, "cases[0].observed: not a string"),
        (CASES, ("cases", 0, "ok"), False, "cases[0].ok: not what expected and observed come to"),
        (CASES, ("cases",), lambda had: had + had, "cases: not each case there once"),
        (CASES, ("skipped",), lambda had: had + had, "skipped: not each case there once"),
        (CASES, ("skipped", 0), "timer", "skipped[0]: not an object"),
        (LOAD, ("seconds",), 0, "seconds: not above 0"),
        (LOAD, ("command",), "xenperf 'load", "command: No closing quotation"),
        (LOAD, ("rows", 0, "lost"), -1, "rows[0].lost: not a whole number"),
        (LOAD, ("rows", 0, "lost"), True, "rows[0].lost: not a whole number"),
        (LOAD, ("rows", 0, "lost"), 1, "rows[2]: not the sum of its phases"),
        (LOAD, ("rows",), lambda had: had[2:], "rows[0]: not the sum of its phases"),
        (LOAD, ("rows",), lambda had: had + had[:1], "rows: not each phase there once"),
        (LOAD, ("rows", 0, "share_high"), 1.5, "rows[0].share_high: not from 0 to 1"),
        (LOAD, ("bounds", 0, "holds"), 1, "bounds[0].holds: not true or false"),
        (LOAD, ("windows", 0, "runs_ns"), [1.5], "windows[0].runs_ns[0]: not a whole number"),
    ],
)
def test_what_is_wrong_is_one_line(
    content: dict[str, Any], path: tuple[Any, ...], value: Any, named: str
) -> None:
    with pytest.raises(UsageError) as refused:
        checked(changed(content, path, value), "f.json")
    assert str(refused.value).startswith(f"f.json: cannot read: {named}")


@pytest.mark.parametrize("content", [CASES, LOAD], ids=["cases", "load"])
def test_a_key_that_is_missing_is_named(content: dict[str, Any]) -> None:
    for key in content:
        if key != "kind":
            lacking = {name: value for name, value in content.items() if name != key}
            with pytest.raises(UsageError, match=f"cannot read: {key}: not there"):
                checked(lacking, "f.json")
