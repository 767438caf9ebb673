"""What was measured as a pyperf suite: a benchmark for each cost and side, a run for each worker.

The values are seconds an operation by the clock that the cost is judged by. What pyperf needs of
the format is in its ``BenchmarkSuite._json_load`` (pyperf 2.10): other keys of the object are left
alone, which is what lets a recorded file be both.
"""

from collections.abc import Mapping
from typing import Any, Final

from xenperf.measure.session import Session
from xenperf.stats.samples import CPU_TIME, INSTRUCTIONS, WALL_TIME

VERSION: Final = "1.0"
"""Of pyperf's format."""

NAMES: Final = {
    "cpu": "cpu_model_name",
    "cpus": "cpu_count",
    "python": "python_version",
    "kernel": "kernel_release",
    "load_1min": "load_avg_1min",
}
"""What pyperf calls what we know of a machine; everything else keeps our name."""

TIMERS: Final = {
    CPU_TIME: "time.thread_time_ns",
    WALL_TIME: "time.perf_counter_ns",
    INSTRUCTIONS: "instructions, one a nanosecond",
}

Content = dict[str, Any]


def suite(session: Session, environment: Mapping[str, Any], begun: str) -> Content:
    """Return the keys of a pyperf suite: ``version``, ``metadata``, ``benchmarks``.

    A session without any cost has no benchmarks, and pyperf does not read such a file.
    """
    found: dict[str, Content] = {}
    for said in session.workers:
        load = next((m["conditions"]["load_1min"] for m in said if m["kind"] == "begin"), None)
        machine = said[0].get("machine", "") if said else ""
        for message in said:
            if message["kind"] != "cost" or "invalid" in message:
                continue
            for label, slices in message["sides"].items():
                if slices is not None:
                    words = f"{message['name']} {message['variant']} {machine} [{label}]"
                    name = " ".join(words.split())
                    new: Content = {"metadata": _about(name, message), "runs": []}
                    found.setdefault(name, new)["runs"].append(_run(message, label, load))
    return {
        "version": VERSION,
        "metadata": _metadata(environment, begun),
        "benchmarks": list(found.values()),
    }


def _about(name: str, message: Mapping[str, Any]) -> Content:
    timer = TIMERS[message["metric"]]
    return {"name": name, "unit": "second", "timer": timer, "operation": message["unit"]}


def _run(message: Mapping[str, Any], label: str, load: float | None) -> Content:
    n = message.get("ns", {}).get(label, message["n"])
    clock = "wall_ns" if message["metric"] == WALL_TIME else "cpu_ns"
    metadata = {"loops": n, **({} if load is None else {"load_avg_1min": load})}
    values = [ns / n * 1e-9 for ns in message["sides"][label][clock]]
    return {"values": values, "metadata": metadata}


def _metadata(environment: Mapping[str, Any], begun: str) -> Content:
    """Return the conditions as pyperf wants them: no null, no empty text; runs have the load."""
    known = {NAMES.get(name, name): value for name, value in environment.items()}
    known.pop(NAMES["load_1min"], None)
    return {"date": begun, **{k: v for k, v in known.items() if v not in (None, "")}}
