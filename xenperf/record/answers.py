"""Files of ``xenperf cases`` and ``xenperf load``, checked key by key before they are believed."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from xenperf.backends import BACKENDS
from xenperf.hypervisor import Activation
from xenperf.record import untrusted
from xenperf.record.checks import (
    Check,
    expect,
    fields,
    flag,
    integer,
    items,
    one_of,
    plain,
    positive,
    share,
    table,
    text,
)
from xenperf.record.layout import command
from xenperf.record.recorded import SCHEMA
from xenperf.scenarios.cases.case import Kernel, Source

Content: TypeAlias = Mapping[str, Any]
CASES: Final = "cases"
LOAD: Final = "load"
ALL: Final = "all"
"""What the phase of a load row is called that holds all others of its source and activation."""

FATES: Final = ("delivered", "returned", "lost", "wrong_page")
_HEAD: Final[Mapping[str, Check]] = {
    "schema": one_of(SCHEMA),
    "kind": text,
    "backend": one_of(*BACKENDS),
    "environment": table(plain),
}
PLAYED: Final = fields(
    {
        **dict.fromkeys(("id", "start", "operation", "expected", "observed"), text),
        "kernel": one_of(*Kernel),
        "activation": one_of(*Activation),
        "source": one_of(*Source),
        "ok": flag,
    },
    {"basis": text},  # files from before releases had expectations of their own lack it
)
ROW: Final = fields(
    {
        **dict.fromkeys(("source", "phase"), text),
        "activation": one_of(*Activation),
        **dict.fromkeys(FATES, integer()),
        **dict.fromkeys(("share_low", "share_high"), share),
    }
)
WINDOWS: Final = fields(
    {
        "source": text,
        "activation": one_of(*Activation),
        **dict.fromkeys(("compiled", "requests_compiled"), flag),
        **dict.fromkeys(("nr_cycles", "longest_run_events"), integer()),
        **dict.fromkeys(("apart_ns", "rejoin_ns", "runs_ns"), items(integer())),
    }
)
BOUND: Final = fields(
    {
        **dict.fromkeys(("source", "expected", "seen"), text),
        "activation": one_of(*Activation),
        "holds": flag,
    }
)
LAYOUTS: Final[Mapping[str, Check]] = {
    CASES: fields(
        {
            **_HEAD,
            "starts": table(text),
            "cases": items(PLAYED),
            "skipped": items(fields({"id": text, "reason": text})),
        }
    ),
    LOAD: fields(
        {
            **_HEAD,
            "seconds": positive,
            "rows": items(ROW),
            "windows": items(WINDOWS),
            "bounds": items(BOUND),
            "skipped": items(text),
            "command": command,
        }
    ),
}


def checked(content: Content, path: str | os.PathLike[str]) -> Content:
    """Return *content* of the file at *path*, an object whose ``kind`` is ``cases`` or ``load``.

    ``UsageError`` names what is not as these verbs write it, or contradicts itself.
    """
    with untrusted.refusing(path):
        LAYOUTS[content["kind"]](content, "")
        if content["kind"] == CASES:
            _check_cases(content)
        else:
            _check_load(content)
    return content


def _check_cases(content: Content) -> None:
    played = content["cases"]
    keys = [(case["id"], case["kernel"], case["activation"]) for case in played]
    _expect_once(keys, "cases", "each case there once for a kernel and an activation")
    skipped = [each["id"] for each in content["skipped"]]
    _expect_once(skipped, "skipped", "each case there once")
    for idx, case in enumerate(played):
        is_ok = case["observed"] == case["expected"]
        expect(case["ok"] is is_ok, f"cases[{idx}].ok", "what expected and observed come to")


def _check_load(content: Content) -> None:
    keys = [(row["source"], row["activation"], row["phase"]) for row in content["rows"]]
    _expect_once(keys, "rows", "each phase there once for a source and an activation")
    sums: dict[tuple[str, str], list[int]] = {}
    for row in content["rows"]:
        if row["phase"] != ALL:
            found = sums.setdefault((row["source"], row["activation"]), [0] * len(FATES))
            found[:] = [had + row[fate] for had, fate in zip(found, FATES, strict=True)]
    for idx, row in enumerate(content["rows"]):
        if row["phase"] == ALL:
            found = sums.get((row["source"], row["activation"]), [])
            expect([row[fate] for fate in FATES] == found, f"rows[{idx}]", "the sum of its phases")


def _expect_once(keys: Iterable[object], where: str, wanted: str) -> None:
    listed = list(keys)
    expect(len(set(listed)) == len(listed), where, wanted)
