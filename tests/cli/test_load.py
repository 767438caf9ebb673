import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.scenarios.racing_model import OneAtATime
from xenperf import backends
from xenperf.cli import load as module
from xenperf.hypervisor import Feature, MemoryRegion, VmSize
from xenperf.record.answers import checked
from xenperf.report import load_model

Invoke = Callable[..., Any]


class Parallel(OneAtATime):
    """The model, as if it were a real kernel that two threads may ask."""

    lacks: frozenset[Feature] = frozenset()

    @property
    def features(self) -> frozenset[Feature]:
        return (self._host.features | {Feature.PARALLEL}) - self.lacks

    def __enter__(self) -> "Parallel":
        return self

    def __exit__(self, *exc: object) -> None:
        self._host.close()


class WithoutHva(Parallel):
    lacks = frozenset({Feature.SHINFO_HVA})


@pytest.fixture(params=[Parallel])
def planted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_to_count(size: VmSize) -> Parallel:
        made: Parallel = request.param(backends.backend("model").open_to_count(size))
        return made

    opened = SimpleNamespace(open_to_count=open_to_count)
    monkeypatch.setattr(module, "backend", lambda name: opened)
    monkeypatch.setattr(load_model, "ENOUGH_EVENTS", 1 << 60)  # the model's threads take turns
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})


@pytest.mark.usefixtures("planted")
def test_both_activations_are_put_under_load_and_hva_loses_nothing(invoke: Invoke) -> None:
    done = invoke("load", "--seconds", "0.3", "--source", "send", "--format", "json")
    found = json.loads(done.out)
    assert done.code == 0
    assert {(row["source"], row["activation"]) for row in found["rows"]} == {
        ("send", "gpa"),
        ("send", "hva"),
    }
    by_hva = [row for row in found["rows"] if row["activation"] == "hva"]
    assert by_hva[-1]["phase"] == "all"
    assert by_hva[-1]["delivered"] == sum(row["delivered"] for row in by_hva[:-1]) > 0
    assert found["command"] == "xenperf load --seconds 0.3 --source send"
    assert [each["compiled"] for each in found["windows"]] == [False, False]
    assert {(each["activation"], each["holds"]) for each in found["bounds"]} == {
        ("gpa", True),
        ("hva", True),
    }


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("planted", [WithoutHva], indirect=True)
def test_a_kernel_without_hva_is_asked_by_gpa_alone_and_that_is_said(invoke: Invoke) -> None:
    done = invoke("load", "--seconds", "0.2", "--source", "irqfd")
    assert done.code == 0
    assert "skipped    hva: this kernel has no activation by HVA" in done.out
    assert " hva " not in done.out.partition("WINDOWS")[2].partition("skipped")[0]


class ByGpaNothingFails(Parallel):
    """Activates by HVA whatever is asked, so that the bound of GPA cannot hold."""

    def activate_shinfo_gfn(self, gfn: int) -> int:
        page = next(each for each in self.slots if each.gpa >> 12 == gfn)
        return int(self._host.activate_shinfo_hva(page.hva))

    def set_memory_regions(self, regions: list[MemoryRegion]) -> list[int]:
        self.slots = [*getattr(self, "slots", []), *(each for each in regions if each.nr_bytes)]
        with self._lock:
            return self._host.set_memory_regions(regions)


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("planted", [ByGpaNothingFails], indirect=True)
def test_where_a_bound_does_not_hold_nothing_is_to_be_trusted(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_model, "ENOUGH_EVENTS", 10)
    done = invoke("load", "--seconds", "0.2", "--source", "send")
    assert done.code == 3
    shown = [line.split() for line in done.out.splitlines()]
    (bound,) = [line for line in shown if line[:3] == ["send", "gpa", "some"]]
    assert bound[-1] == "NO"


def test_the_model_takes_one_request_at_a_time(invoke: Invoke) -> None:
    done = invoke("load", "--backend", "model")
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        "xenperf: backend model: its VM takes requests from one thread at a time; "
        "use --backend live\n"
    )


@pytest.mark.usefixtures("planted")
def test_one_processor_is_not_enough(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    done = invoke("load")
    assert done.code == 3
    assert "1 processor: events would arrive between requests" in done.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--seconds", "0"], "0"),
        (["--slots", "0"], "slots 0: out of range"),
        (["--source", "poll"], "'poll' is not one of"),
    ],
)
def test_misuse_is_told(options: list[str], told: str, invoke: Invoke) -> None:
    done = invoke("load", *options)
    assert done.code == 2
    assert told in done.err


@pytest.mark.usefixtures("planted")
def test_a_file_holds_what_can_be_read_back(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "load.json"
    done = invoke("load", "--seconds", "0.1", "--source", "send", "-o", str(path))
    assert (done.code, done.out) == (0, "")
    content = checked(json.loads(path.read_text()), path)
    by_gpa, by_hva = (row for row in content["rows"] if row["phase"] == "all")
    nr_failed = by_gpa["returned"] + by_gpa["wrong_page"]
    said = f"by gpa {nr_failed} of {nr_failed + by_gpa['delivered']} events failed, by hva 0 of "
    assert done.err.startswith(f"{path}: written; {said}{by_hva['delivered']} events failed")
