"""The same calls answered by the compiled model, the interpreted model and the C peer."""

from collections.abc import Callable, Mapping, Sequence

from tests.peer.build import Peer
from tests.peer.machine import Machine
from xenperf import jit
from xenperf.copies import ModelCopy

Call = tuple[str, tuple[int, ...]]
Kernels = Mapping[str, Callable[..., int]]
KERNELS_OF_THE_MODEL = "xenperf.model.kernels"


def model_kernels() -> list[str]:
    """Return the names of the model's own entry points; tests may have defined others."""
    return sorted(
        name
        for name, kernel in jit.registry.items()
        if kernel.func.__module__.startswith(KERNELS_OF_THE_MODEL)
    )


def three_ways(c_peer: Peer, interpreted: ModelCopy, compiled: Kernels) -> dict[str, Kernels]:
    """Return the kernels of each by name; all three are built with the same patches."""
    names = model_kernels()
    return {
        "compiled": compiled,
        "interpreted": interpreted.module("xenperf.jit").registry,
        "C": {name: c_peer.kernel(name) for name in names},
    }


def assert_all_alike(m: Machine, ways: dict[str, Kernels], calls: Sequence[Call]) -> None:
    """Make *calls* in each way from the same memory; results and every byte must agree."""
    before = m.save()
    seen = {}
    for way, kernels in ways.items():
        m.restore(before)
        seen[way] = [kernels[name](*words) for name, words in calls], m.save()
    results, memory = seen.pop("interpreted")
    for way, (other_results, other_memory) in seen.items():
        assert other_results == results, f"{way}: other results of {calls}"
        for name, content in memory.items():
            assert other_memory[name] == content, _first_difference(
                f"{way}: {name} after {calls}", other_memory[name], content
            )


def _first_difference(where: str, found: bytes, expected: bytes) -> str:
    offset = next(i for i, (a, b) in enumerate(zip(found, expected, strict=True)) if a != b)
    word = offset & -8
    return (
        f"{where}: at {word:#x} {found[word : word + 8].hex()}"
        f" for {expected[word : word + 8].hex()}"
    )
