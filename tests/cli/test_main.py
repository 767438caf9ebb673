import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

import xenperf
from xenperf.cli import main as main_module

HELP = (sys.executable, "-m", "xenperf", "--help")
HELP_BAR_S = 0.080
HEAVY = ("numba", "numpy", "llvmlite", "rich", "xenperf.cli.run", "xenperf.cli.boot")
Invoke = Callable[..., Any]


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_verb(invoke: Invoke, option: str) -> None:
    found = invoke(option)
    assert (found.code, found.err) == (0, "")
    for name, verb in main_module.VERBS.items():
        assert f"  {name}" in found.out
        assert verb.summary in found.out


def test_help_imports_no_verb_and_nothing_heavy() -> None:
    code = (
        "import io, sys; from xenperf.cli.main import main; "
        "assert main(['--help'], io.StringIO(), io.StringIO()) == 0; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def _seconds() -> tuple[float, float]:
    """Return what one help page takes: wall time, and CPU time."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(HELP, capture_output=True, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_help_is_there_at_once() -> None:
    """The best of ten. Nothing is waited for but a CPU, so on a busy machine CPU time decides."""
    times = [_seconds() for _ in range(10)]
    wall, cpu = (min(column) for column in zip(*times, strict=True))
    load, nr_cpus = os.getloadavg()[0], len(os.sched_getaffinity(0))
    found = f"{1000 * wall:.0f} ms, {1000 * cpu:.0f} ms of CPU, load {load:.1f} on {nr_cpus} CPUs"
    assert min(wall, cpu) <= HELP_BAR_S, found


def test_version(invoke: Invoke) -> None:
    assert invoke("--version").out == f"xenperf {xenperf.__version__}\n"


@pytest.mark.parametrize("name", main_module.VERBS)
def test_every_verb_has_a_help_page(invoke: Invoke, name: str) -> None:
    found = invoke(name, "--help")
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith(f"Usage: xenperf {name} ")


def test_help_of_run_documents_the_exit_codes(invoke: Invoke) -> None:
    found = invoke("run", "--help").out
    assert [line[:5] for line in found.splitlines() if line[4:5].isdigit()] == [
        f"    {code}" for code in range(4)
    ]


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ((), "xenperf: Missing command; try xenperf --help"),
        (("fly",), "xenperf: No such command 'fly'; try xenperf --help"),
        (("--fly",), "xenperf: No such option '--fly'; try xenperf --help"),
    ],
)
def test_what_is_unknown_is_one_line(invoke: Invoke, argv: tuple[str, ...], line: str) -> None:
    found = invoke(*argv)
    assert (found.code, found.out, found.err) == (2, "", f"{line}\n")


def test_an_interrupt_before_the_run_is_one_line(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(main_module, "_invoke", interrupt)
    found = invoke("run")
    assert (found.code, found.err) == (2, "xenperf: interrupted; nothing was kept\n")


@pytest.mark.parametrize("closed", ["0", "1", "2"])
def test_a_closed_stream_is_no_error(closed: str) -> None:
    line = f'exec "{sys.executable}" -m xenperf list --only gpc.check {closed}>&-'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
