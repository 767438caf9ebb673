import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xenperf.cli import run as run_module
from xenperf.errors import UnavailableError
from xenperf.measure import session
from xenperf.measure.plan import Plan

Invoke = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Refuse to measure anything, and stand in an empty directory."""

    def never(plan: Plan, *_: object) -> None:
        raise AssertionError(f"measured {plan}")

    monkeypatch.setattr(session, "run", never)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (("--fly",), "try xenperf run --help"),
        (("fly",), "try xenperf run --help"),
        (("--only",), "requires an argument"),
        (("--only", "fly"), "benchmark fly: no such name"),
        (("--only", ""), "no such name"),
        (("--only", "gpc.*", "--only", "fly.*"), "benchmark fly.*: no such name"),
        (("--workers", "ten"), "'ten' is not a valid integer"),
        (("--workers", "0"), "workers 0: out of range"),
        (("--workers", "1001"), "workers 1001: out of range; give 1 to 1000"),
        (("--rounds", "-1"), "rounds -1: out of range"),
        (("--seed", "-1"), "seed -1: out of range"),
        (("--seed", str(1 << 63)), "out of range"),
        (("--seed", str((1 << 63) - 1)), "out of range"),
        (("--slots", "0"), "slots 0: out of range"),
        (("--slots", "32764"), "slots 32764: out of range"),
        (("--vcpus", "0"), "vcpus 0: out of range"),
        (("--port", "0"), "port 0: out of range"),
        (("--port", "4096"), "port 4096: out of range; give 1 to 4095 for a 64-bit guest"),
        (
            ("--port", "1024", "--guest-bits", "32"),
            "port 1024: out of range; give 1 to 1023 for a 32-bit guest",
        ),
        (("--guest-bits", "16"), "'16' is not one of"),
        (("--backend", "fly"), "'fly' is not one of"),
        (("--format", "csv"), "'csv' is not one of"),
        (("-o", ""), "output: the name is empty"),
        (("-o", "."), "it is a directory"),
        (("-o", "missing/report.txt"), "create the directory first"),
        (("-o", "line\nbreak/report.txt"), "create the directory first"),
    ],
)
def test_it_is_refused_with_one_line_before_any_work(
    invoke: Invoke, tmp_path: Path, argv: tuple[str, ...], part: str
) -> None:
    found = invoke("run", "-o", "report.txt", *argv)
    assert (found.code, found.out) == (2, "")
    assert part in found.err
    assert found.err.count("\n") == 1
    assert found.err.startswith("xenperf")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_run_leaves_an_old_report_alone(invoke: Invoke, tmp_path: Path) -> None:
    old = tmp_path / "report.txt"
    old.write_text("old")
    assert invoke("run", "-o", str(old), "--only", "fly").code == 2
    assert old.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.txt"]


def test_a_read_only_report_is_refused(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "report.txt"
    old.write_text("old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    found = invoke("run", "-o", str(old))
    assert found.code == 2
    assert "the file is read-only" in found.err


def test_a_back_end_that_cannot_be_had_is_the_machines_fault(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Plan) -> None:
        raise UnavailableError("backend live", "no /dev/kvm", "use --backend model")

    monkeypatch.setattr(run_module, "askable", refuse)
    found = invoke("run", "--backend", "live")
    assert (found.code, found.out) == (3, "")
    assert found.err == "xenperf: backend live: no /dev/kvm; use --backend model\n"
