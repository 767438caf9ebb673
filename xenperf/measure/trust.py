"""What the machine did while workers ran, where it is a reason not to trust their times."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

Message = dict[str, Any]
MOST_STEAL: Final = 0.10
LEAST_CPU_SHARE: Final = 0.2
LEAST_SLICE_NS: Final = 200_000


def remarks(workers: Sequence[Sequence[Message]]) -> tuple[str, ...]:
    """Return why times of *workers* should not be trusted, a sentence each; none if they may."""
    slices = [each for said in workers for each in _slices(said)]
    found = [*_steal(workers), *_waiting(slices), *_short(slices)]
    return tuple(found)


def _slices(said: Sequence[Message]) -> Iterator[tuple[int, int]]:
    """Yield thread CPU time and wall time of every slice that a worker took."""
    for message in said:
        if message["kind"] == "cost" and "invalid" not in message:
            for side in message["sides"].values():
                if side is not None:
                    yield from zip(side["cpu_ns"], side["wall_ns"], strict=True)


def _steal(workers: Sequence[Sequence[Message]]) -> list[str]:
    shares = []
    for said in workers:
        moments = [m["conditions"] for m in said if m["kind"] in ("begin", "end")]
        if len(moments) == 2 and all(m.get("total_ticks") is not None for m in moments):
            total = moments[1]["total_ticks"] - moments[0]["total_ticks"]
            stolen = (moments[1]["steal_ticks"] or 0) - (moments[0]["steal_ticks"] or 0)
            shares += [stolen / total] if total > 0 else []
    share = sum(shares) / len(shares) if shares else 0.0
    if share <= MOST_STEAL:
        return []
    return [f"the hypervisor kept {100 * share:.0f} % of this machine's time from it meanwhile"]


def _waiting(slices: Sequence[tuple[int, int]]) -> list[str]:
    starved = sum(cpu < LEAST_CPU_SHARE * wall for cpu, wall in slices)
    if 2 * starved <= len(slices):
        return []
    return [
        f"{starved} of {len(slices)} slices waited for a CPU for more than four fifths of their "
        "time: the machine has too much else to do"
    ]


def _short(slices: Sequence[tuple[int, int]]) -> list[str]:
    short = sum(cpu < LEAST_SLICE_NS for cpu, _ in slices)
    if 2 * short <= len(slices):
        return []
    least = LEAST_SLICE_NS / 1e6
    return [f"{short} of {len(slices)} slices are shorter than {least:g} ms: the clock shows"]
