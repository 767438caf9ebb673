"""Steps that the activation cannot touch, timed on both machines all the same.

They say what a step costs, and they are the run's own control: where one of them differs between
the two machines by more than the margin, the machine is to blame and no row should be believed.
"""

from typing import Final

from xenperf.hypervisor import Feature, Loop, Operation
from xenperf.scenarios.kinds import Benchmark, Prepare, Setting
from xenperf.units import Hva

STEPS: Final = frozenset({Feature.STEPS})


def _step(operation: Operation) -> Prepare:
    return lambda setting: setting.loop(operation)


def _scan(setting: Setting) -> Loop:
    """Let every eighth port be pending, so that each byte of the bitmap has one."""
    layout = setting.machine.shape.layout
    content = b"\x02" * layout.pending_bytes
    setting.host.write(Hva(setting.machine.overlay_hva + layout.pending_offset), content)
    ports = 0
    for port in range(1, layout.nr_ports, 8):
        ports ^= port
    return setting.loop(Operation.SCAN_PENDING, ports)


_STEPS: Final = tuple(
    Benchmark(name, summary, unit, prepare, is_control=True, nr_vcpus=nr_vcpus, needs=STEPS)
    for name, summary, unit, prepare, nr_vcpus in (
        (
            "pending.set",
            "set a pending bit, read its mask, clear it",
            "ns/port",
            _step(Operation.SET_PENDING),
            1,
        ),
        ("pending.scan", "find 512 pending ports among 4,096", "ns/scan", _scan, 1),
        ("lock.read", "read-lock and unlock a cache", "ns/pair", _step(Operation.READ_LOCK), 1),
        ("lock.write", "write-lock and unlock a cache", "ns/pair", _step(Operation.WRITE_LOCK), 1),
        ("lock.srcu", "enter and leave an SRCU section", "ns/pair", _step(Operation.SRCU), 1),
        (
            "slots.lookup",
            "find a drawn frame, last used first",
            "ns/gfn",
            _step(Operation.LOOKUP),
            1,
        ),
        ("slots.search", "search it without branches", "ns/gfn", _step(Operation.SEARCH), 1),
        (
            "slots.search_branches",
            "search it with branches, as a tree walk does",
            "ns/gfn",
            _step(Operation.SEARCH_WITH_BRANCHES),
            1,
        ),
        ("mm.walk", "walk the four levels of the page table", "ns/walk", _step(Operation.WALK), 1),
        (
            "notifier.read_first",
            "visit 32 caches, read lock first (9fa336e343b2)",
            "ns/visit",
            _step(Operation.INVALIDATE),
            31,
        ),
        (
            "notifier.write_locked",
            "visit 32 caches as before that patch",
            "ns/visit",
            _step(Operation.INVALIDATE_WRITE_LOCKED),
            31,
        ),
    )
)

CONTROLS: Final = (
    Benchmark(
        "request.bad_port",
        "a send to port 0, refused before any cache is looked at",
        "ns/send",
        _step(Operation.SEND_BAD_PORT),
        is_control=True,
    ),
    *_STEPS,
)
