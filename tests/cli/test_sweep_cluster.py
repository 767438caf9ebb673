"""A sweep on a cluster: what is missing is named, machines are not mixed, one may fail."""

import importlib
import json
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli import canned
from xenperf.cli import cluster as module
from xenperf.errors import MeasurementError, UnavailableError
from xenperf.measure import remote
from xenperf.measure.cells import by_cell, plan_of_worker, shapes
from xenperf.measure.cluster import Cluster
from xenperf.measure.plan import Plan
from xenperf.measure.sides import Build
from xenperf.vmm.machine import Shape

Invoke = Callable[..., Any]
SMALL = ("--only", "gpc.check", "--slots", "1,8", "--seed", "9", "--rounds", "3", "--workers", "8")


class FakeClient:
    """Dask workers that answer in this process, from canned messages."""

    def __init__(self, *names: str, broken: tuple[str, ...] = (), sources: str = "") -> None:
        self.names = names
        self.broken = broken
        self.sources = sources or remote.sources()
        self.at_once: dict[str, int] = {}
        self.most_at_once = 0
        self.lock = threading.Lock()

    def scheduler_info(self, n_workers: int = 5) -> Mapping[str, Any]:
        return {"workers": {f"tcp://{name}": {} for name in self.names}}

    def submit(self, func: Callable[..., Any], *args: Any, **options: Any) -> Any:
        (address,) = options["workers"]
        assert options["pure"] is False
        return SimpleNamespace(result=lambda: self.answer(func, address, *args))

    def answer(self, func: Callable[..., Any], address: str, *args: Any) -> Any:
        name = address.removeprefix("tcp://").partition(":")[0]
        if func is remote.who:
            return {"name": name, "boot": name, "about": "a CPU", "sources": self.sources}
        if name in self.broken:
            raise OSError("it went away")
        with self.lock:
            self.at_once[name] = self.at_once.get(name, 0) + 1
            self.most_at_once = max(self.most_at_once, self.at_once[name])
        said = list(canned.messages(Plan.from_json(args[0])))
        with self.lock:
            self.at_once[name] -= 1
        return said

    def close(self) -> None:
        pass


def plan(workers: int = 6) -> Plan:
    cells = by_cell(shapes([1, 8], [], Shape()), Build())
    return Plan(
        ("gpc.check",), comparisons=cells, cells_in_turn=True, workers=workers, rounds=2, seed=3
    )


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeClient], None]:
    """Let ``distributed.Client`` be this one."""

    def plant(client: FakeClient) -> None:
        fake = SimpleNamespace(Client=lambda *_, **__: client)
        monkeypatch.setitem(sys.modules, "distributed", fake)

    return plant


def test_every_worker_is_the_one_it_would_have_been_here() -> None:
    found = Cluster(FakeClient("a", "b"), print)
    for worker_idx in range(6):
        said = list(found.said_by(plan(), worker_idx))
        assert said[0]["seed"] == plan_of_worker(plan(), worker_idx).seed
        assert said[0]["machine"] in ("a", "b")


def test_a_machine_has_one_worker_at_a_time_however_many_dask_has_there() -> None:
    client = FakeClient("a:1", "a:2", "b:1")
    found = Cluster(client, print)
    assert list(found.addresses) == ["a", "b"]
    assert len([list(found.said_by(plan(), idx)) for idx in range(6)]) == 6
    assert client.most_at_once == 1


def test_what_a_machine_fails_at_another_does() -> None:
    lines: list[str] = []
    found = Cluster(FakeClient("a", "b", broken=("a",)), lines.append)
    said = [list(found.said_by(plan(), idx)) for idx in range(6)]
    assert {each[0]["machine"] for each in said} == {"b"}
    assert lines == ["machine a: given up: it went away"]


def test_with_every_machine_gone_the_reason_is_told() -> None:
    found = Cluster(FakeClient("a", broken=("a",)), lambda line: None)
    with pytest.raises(MeasurementError, match="machine a: it went away"):
        list(found.said_by(plan(), 0))


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (FakeClient(), "scheduler: it has no worker; start some"),
        (FakeClient("a", sources="0"), "machine a: it has other sources, versions or settings"),
    ],
)
def test_a_cluster_that_cannot_measure_is_refused(client: FakeClient, reason: str) -> None:
    with pytest.raises(UnavailableError, match=reason):
        Cluster(client, print)


def test_without_dask_one_line_has_the_remedy(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    found = invoke("sweep", *SMALL, "--scheduler", "tcp://127.0.0.1:8786")
    assert (found.code, found.out) == (3, "")
    assert found.err == (
        "xenperf: --scheduler: dask.distributed is not installed; "
        "pip install 'xenperf[sweep]', or leave --scheduler out\n"
    )


def test_the_report_keeps_the_machines_apart_and_names_them(
    invoke: Invoke, planted: Callable[[FakeClient], None]
) -> None:
    planted(FakeClient("a", "b"))
    found = json.loads(invoke("sweep", *SMALL, "--scheduler", "tcp://x:1", "--format", "json").out)
    assert found["about"] == {"a": "a CPU", "b": "a CPU"}
    assert {curve["machine"] for curve in found["growth"]} <= {"a", "b"}
    assert sum(c["passes"] for c in found["growth"] if c["activation"] == "gpa") == 8
    assert any("cells of one machine" in line for line in found["distrust"])
    assert "--scheduler tcp://x:1" in found["command"]


def test_what_began_on_a_cluster_goes_on_there(
    invoke: Invoke, planted: Callable[[FakeClient], None], tmp_path: Path
) -> None:
    path = str(tmp_path / "s.json")
    planted(FakeClient("a"))
    invoke("sweep", *SMALL, "--scheduler", "tcp://x:1", "-o", path)
    content = json.loads(Path(path).read_text())
    content["raw"]["workers"] = content["raw"]["workers"][:5]
    Path(path).write_text(json.dumps({**content, "cut_short": "interrupted"}))
    refused = invoke("resume", path)
    assert (refused.code, refused.out) == (2, "")
    assert "its workers ran on a cluster; say which with --scheduler" in refused.err
    planted(FakeClient("a"))
    invoke("resume", path, "--scheduler", "tcp://x:1")
    again = json.loads(Path(path).read_text())
    assert again["growth"] == content["growth"]
    assert len(again["raw"]["workers"]) == 8


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_real_cluster_of_one_machine(invoke: Invoke) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    distributed: Any = importlib.import_module("distributed")
    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**local, processes=True) as cluster:
        options = ("--only", "gpc.check", "--slots", "1,8", "--quick", "--format", "json")
        found = invoke("sweep", *options, "--scheduler", cluster.scheduler_address)
    content = json.loads(found.out)
    (machine,) = content["about"]
    assert {curve["machine"] for curve in content["growth"]} == {machine}
    assert {curve["passes"] for curve in content["growth"]} == {4}


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_scheduler_that_does_not_answer_is_named(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    monkeypatch.setattr(module, "TIMEOUT_S", 1)
    found = invoke("sweep", *SMALL, "--scheduler", "tcp://127.0.0.1:9")
    assert found.code == 3
    assert found.err.startswith("xenperf: scheduler tcp://127.0.0.1:9: cannot connect: ")
    assert found.err.count("\n") == 1
