"""The probe: facts from planted files, tried ones within bounds, all within five seconds."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from xenperf.abi.sysfs import CLOCK_SOURCE
from xenperf.live.probe import Finding
from xenperf.measure import probe, probe_machine, probe_time, probe_tools
from xenperf.measure.probe_fact import NOT_VISIBLE, Fact, Grade, Read, read_file

STAT = "cpu  10 0 10 70 0 0 0 {steal} 0 0\ncpu0 1 2 3\nprocs_running {running}\n"
PSI = "some avg10={avg} avg60=1.00 avg300=0.50 total=9\nfull avg10=0.00 avg60=0.00 total=0"


def files(found: dict[str, str]) -> Read:
    return found.get


def test_everything_is_looked_at_within_five_seconds() -> None:
    start = time.perf_counter()
    found = probe.facts()
    assert time.perf_counter() - start < 5
    names = [fact.name for fact in found]
    assert len(set(names)) == len(names)
    assert len(names) >= 18  # and what the live back end finds, which differs by machine
    assert all(fact.found and fact.matters and fact.advice for fact in found)


def test_a_machine_that_tells_nothing_is_no_error() -> None:
    silent = probe_machine.facts(files({}))
    by_name = {fact.name: fact for fact in silent}
    for name in ("clock_source", "governor", "pressure", "aslr"):
        assert (by_name[name].found, by_name[name].value) == (NOT_VISIBLE, None)
    assert probe_time.steal(None, None).value is None


@pytest.mark.parametrize(
    ("path", "content", "name", "found", "grade"),
    [
        (str(CLOCK_SOURCE), "tsc", "clock_source", "tsc", Grade.OK),
        (str(CLOCK_SOURCE), "hpet", "clock_source", "hpet", Grade.NOTE),
        (probe_machine.GOVERNOR, "performance", "governor", "performance", Grade.OK),
        (probe_machine.GOVERNOR, "schedutil", "governor", "schedutil", Grade.NOTE),
        (probe_machine.RANDOMISED, "2", "aslr", "on", Grade.OK),
        (probe_machine.RANDOMISED, "0", "aslr", "off", Grade.NOTE),
        (
            probe_machine.PRESSURE,
            PSI.format(avg="99.50"),
            "pressure",
            "99.5 % of 10 s waited for a CPU",
            Grade.NOTE,
        ),
        (
            probe_machine.PRESSURE,
            PSI.format(avg="0.00"),
            "pressure",
            "0 % of 10 s waited for a CPU",
            Grade.OK,
        ),
        (
            f"{probe_machine.HUGE_PAGES}enabled",
            "always [madvise] never",
            "huge_pages",
            f"private madvise, shared {NOT_VISIBLE}",
            Grade.OK,
        ),
        (
            probe_machine.CPUINFO,
            "flags\t\t: fpu hypervisor lahf_lm",
            "hypervisor",
            "virtual machine",
            Grade.NOTE,
        ),
    ],
)
def test_a_fact_says_what_its_file_says(
    path: str, content: str, name: str, found: str, grade: Grade
) -> None:
    (fact,) = [f for f in probe_machine.facts(files({path: content})) if f.name == name]
    assert (fact.found, fact.grade) == (found, grade)


@pytest.mark.parametrize(("stolen", "grade"), [(0, Grade.OK), (9, Grade.OK), (12, Grade.UNTRUSTED)])
def test_steal_beyond_a_tenth_is_not_to_be_trusted(stolen: int, grade: Grade) -> None:
    fact = probe_time.steal((5, 1000), (5 + stolen, 1100))
    assert (fact.value, fact.grade) == (pytest.approx(stolen / 100), grade)


def test_no_time_between_two_looks_tells_no_steal() -> None:
    assert probe_time.steal((5, 1000), (5, 1000)).found == NOT_VISIBLE


@pytest.mark.parametrize(
    ("cpu_s", "grade"), [(0.95, Grade.OK), (0.5, Grade.NOTE), (0.19, Grade.UNTRUSTED)]
)
def test_a_share_below_a_fifth_is_not_to_be_trusted(
    monkeypatch: pytest.MonkeyPatch, cpu_s: float, grade: Grade
) -> None:
    wall, cpu = iter((0.0, 0.0, 1.0, 1.0)), iter((0.0, cpu_s))
    monkeypatch.setattr(probe_time.time, "perf_counter", lambda: next(wall))
    monkeypatch.setattr(probe_time.time, "thread_time", lambda: next(cpu))
    fact = probe_time.share(0.5)
    assert (fact.value, fact.grade) == (cpu_s, grade)


def test_other_runnable_tasks_are_those_besides_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_time, "RUNNABLE_PAUSE_S", 0.0)
    stat = {probe_time.CPU_STAT: STAT.format(steal=0, running=4)}
    fact = probe_time.runnable(files(stat))
    assert (fact.value, fact.grade) == (3.0, Grade.NOTE)
    assert probe_time.runnable(files({})).found == NOT_VISIBLE


def test_a_clock_is_known_by_its_cost_and_its_step() -> None:
    ticks = iter(range(0, 10**9, 1500))
    fact = probe_time.timer("slow", lambda: next(ticks))
    assert (fact.name, fact.value, fact.grade) == ("timer_slow", 1500, Grade.NOTE)
    assert fact.found == "1500 ns a look, smallest step 1500 ns"
    stuck = probe_time.timer("stuck", lambda: 7)
    assert stuck.found == "0 ns a look, smallest step 0 ns"


def test_the_smallest_slice_whose_repeats_agree_is_taken() -> None:
    noisy, close, wild = [100, 110] * 12, [1000, 1010] * 12, [1000] * 23 + [9000]

    def tried(*repeats: list[int]) -> Iterator[tuple[int, list[int]]]:
        yield from zip((1, 2, 3), repeats, strict=False)

    assert probe_time.smallest_stable(tried(noisy, close)) == 2
    assert probe_time.smallest_stable(tried(wild)) == 1
    assert probe_time.smallest_stable(tried(noisy)) is None
    assert probe_time.smallest_stable(tried()) is None


@pytest.mark.parametrize(("name", "has_it"), [("cpu", True), ("cpu_atom", True), ("msr", False)])
def test_counters_are_those_of_the_processor(tmp_path: Path, name: str, has_it: bool) -> None:
    (tmp_path / name).mkdir()
    assert (probe_tools.counters(tmp_path).grade is Grade.OK) is has_it


def test_a_tool_is_there_or_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert probe_tools.tool("vng", "vng", "why").found == "no"
    (tmp_path / "vng").write_text("")
    (tmp_path / "vng").chmod(0o755)
    fact = probe_tools.tool("vng", "vng", "why")
    assert (fact.found, fact.grade) == (str(tmp_path / "vng"), Grade.OK)


def test_kvm_is_missing_forbidden_or_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    device = tmp_path / "kvm"

    def value() -> object:
        return probe_tools.kvm(device).value

    assert value() == "no such device"
    device.write_text("")
    assert value() == "may be opened"
    monkeypatch.setattr(probe_tools.os, "access", lambda *_: False)
    assert value() == "permission denied"


def test_a_file_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(" text\n")
    assert read_file(str(tmp_path / "file")) == "text"
    assert read_file(str(tmp_path)) is None
    assert isinstance(probe_machine.load(read_file), Fact)


def test_what_a_real_kernel_could_be_asked_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = (
        Finding("device", True, "/dev/kvm opens"),
        Finding("guest", True, "a vCPU enters the guest and comes back"),
        Finding("xen", False, "no Xen support", "boot another kernel"),
    )
    monkeypatch.setattr(probe_tools, "diagnose", lambda: found)
    guest, xen = probe_tools.live()
    assert (guest.name, guest.value, guest.grade) == ("live_guest", True, Grade.OK)
    assert (xen.name, xen.value, xen.grade) == ("live_xen", False, Grade.NOTE)
    assert (xen.found, xen.advice) == ("no Xen support", "boot another kernel")
