"""What the raw part of a recorded file looks like, checked key by key before it is believed."""

import shlex
from collections.abc import Mapping
from typing import Any, Final

from xenperf.backends import BACKENDS
from xenperf.hypervisor import Activation
from xenperf.measure.plan import MAX_WORKERS
from xenperf.model.patches import PATCHES
from xenperf.record.checks import (
    Check,
    MisshapenError,
    both,
    expect,
    fields,
    flag,
    having,
    integer,
    items,
    maybe,
    number,
    one_of,
    plain,
    positive,
    table,
    text,
)
from xenperf.stats.samples import CLOCKS
from xenperf.units import PAGE_SIZE

MAX_CPU: Final = (1 << 16) - 1
KINDS: Final = ("run", "compare", "series", "sweep", "selfcheck")
BUILD: Final = fields(
    {"tree": maybe(text), "patches": maybe(items(one_of(*PATCHES))), "copy": integer()}
)
SIDE: Final = fields(
    {
        "label": text,
        "activation": one_of(*Activation),
        "build": BUILD,
        "planted": number,
    }
)
SHAPE: Final = fields(
    {"nr_slots": integer(1), "nr_vcpus": integer(1), "long_mode": flag, "port": integer(1)}
)
COMPARISON: Final = fields(
    {
        "sides": items(SIDE, least=2),
        "variant": text,
        "names": maybe(items(text)),
        "has_controls": flag,
        "is_control": flag,
        "against_previous": flag,
        "absent": text,
    },
    {"shape": maybe(SHAPE)},  # since there are sweeps
)
PLAN: Final = fields(
    {
        "names": items(text, least=1),
        "backend": one_of(*BACKENDS),
        "shape": SHAPE,
        "workers": integer(1),
        "rounds": integer(1),
        "slice_ns": integer(1),
        "seed": integer(),
        "comparisons": items(COMPARISON, least=1),
        "compile_all": flag,
        "apart": flag,
    },
    {"cells_in_turn": flag, "counts": flag},  # files from before them lack both
)
NEEDED: Final = ("load_1min", "steal_ticks", "total_ticks")
"""The conditions that something reads; a worker may tell more."""

CONDITIONS: Final = both(having(dict.fromkeys(NEEDED, maybe(number))), table(maybe(number)))
SLICES: Final = fields(
    {
        "cpu_ns": items(integer(1), least=1),
        "wall_ns": items(integer(1), least=1),
        "voluntary_switches": items(integer()),
        "involuntary_switches": items(integer()),
        "minor_faults": items(integer()),
    },
    dict.fromkeys(("first_cpu", "last_cpu"), items(maybe(integer(0, MAX_CPU)))),  # older: neither
)
PAGE_OFFSETS: Final = table(maybe(table(integer(0, PAGE_SIZE - 1))))
"""By side, then by what begins there."""

COUNT: Final = fields({"subject": text, "metric": text, "unit": text, "value": integer()})
_NAMED: Final[Mapping[str, Check]] = {"name": text, "comparison": text, "variant": text}
_COST: Final[Mapping[str, Check]] = {
    **_NAMED,
    "unit": text,
    "metric": one_of(*CLOCKS),
    "is_control": flag,
    "order": items(text, least=1),
}
_TIMED: Final[Mapping[str, Check]] = {
    "start": integer(),
    "n": integer(1),
    "sides": table(maybe(SLICES)),
}
_MORE: Final[Mapping[str, Check]] = {"ns": table(integer(1)), "page_offsets": PAGE_OFFSETS}
MESSAGES: Final[Mapping[str, Check]] = {
    "begin": fields(
        {"kind": text, "seed": integer(), "conditions": CONDITIONS, "at": number},
        {"machine": text},
    ),
    "cost": fields({"kind": text, **_COST, **_TIMED}, _MORE),
    "invalid cost": fields({"kind": text, **_COST, "invalid": text}, {**_TIMED, **_MORE}),
    "count": fields(
        {"kind": text, **_NAMED, "sides": table(maybe(items(COUNT)))}, {"invalid": text}
    ),
    "end": fields({"kind": text, "seconds": number, "conditions": CONDITIONS}),
}


def message(value: Any, where: str) -> None:
    """Want one thing that a worker said."""
    expect(isinstance(value, dict) and isinstance(value.get("kind"), str), where, "a message")
    kind = value["kind"]
    if kind == "cost" and "invalid" in value:
        kind = "invalid cost"
    expect(kind in MESSAGES, f"{where}.kind", f"one of {', '.join(MESSAGES)}")
    MESSAGES[kind](value, where)


INSTRUCTIONS: Final = fields(
    {
        "runs": integer(1, MAX_WORKERS),
        "missing": maybe(text),
        "counted": items(
            fields({**_NAMED, "sides": table(maybe(items(positive, least=1)))}, {"invalid": text})
        ),
    }
)
RAW: Final = fields(
    {
        "plan": PLAN,
        "workers": items(items(message)),
        "looks": items(integer(1)),
        "budget_s": maybe(positive),
        "remarks": items(text),
        "skipped": table(text),
        "begun": text,
        "sources": text,
    },
    {"instructions": maybe(INSTRUCTIONS)},  # only where they were asked for
)


def command(value: Any, where: str) -> None:
    """Want words that a shell can take apart."""
    text(value, where)
    try:
        shlex.split(value)
    except ValueError as error:
        raise MisshapenError(f"{where}: {error}") from None


OURS: Final[Mapping[str, Check]] = {
    "kind": one_of(*KINDS),
    "environment": table(plain),
    "about": table(text),
    "command": command,
    "cut_short": maybe(text),
    "raw": RAW,
}
"""The keys of a recorded file that are read again; rows and verdicts are worked out anew."""
