"""Result files in ``xenperf compare`` and ``series``: what was recorded apart, taken with care."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from xenperf.cli.exit_codes import exit_code
from xenperf.cli.job import hand_over
from xenperf.cli.request import DEFAULTS, Request
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.record.figures import Source
from xenperf.record.files import Compared, compare_files
from xenperf.report.model import Grade, Kind, Report
from xenperf.stats.files import ALPHA, LEAST_WORKERS, MARGIN, P_LIMIT, SIDES

SUFFIX: Final = ".json"


def are_files(names: Sequence[str]) -> bool:
    """Tell whether *names* are result files; ``UsageError`` if just some of them are."""
    found = [Path(name).is_file() or name.endswith(SUFFIX) for name in names]
    if all(found):
        return True
    lone = [name for name, is_file in zip(names, found, strict=True) if is_file]
    if any(name.endswith(SUFFIX) for name in lone):
        reason = "a file cannot be compared with a revision"
        raise UsageError(lone[0], reason, "give files or revisions, not both")
    return False


def compare(request: Request, streams: Streams, names: tuple[str, str]) -> int:
    """Compare the files called *names*; return the exit code."""
    check_unmeasured(request)
    return _handed_over(request, streams, report_of(compare_files(*names)))


def series(request: Request, streams: Streams, names: Sequence[str]) -> int:
    """Compare each file with the first and with the one before; return the exit code."""
    check_unmeasured(request)
    labels = labels_of(names)
    numbers = range(len(names))
    pairs = [(0, idx) for idx in numbers[1:]] + [(idx - 1, idx) for idx in numbers[2:]]
    found = [compare_files(names[base], names[head]) for base, head in pairs]
    rows = [
        replace(row, sides=(labels[base], labels[head]))
        for (base, head), compared in zip(pairs, found, strict=True)
        for row in compared.rows
    ]
    sources = [found[0].base, *(compared.head for compared in found[: len(names) - 1])]
    remarks = dict.fromkeys(remark for compared in found for remark in compared.remarks)
    report = replace(
        report_of(found[-1]),
        rows=tuple(rows),
        kind=Kind.SERIES,
        command=shlex.join(["xenperf", "series", *names]),
        about={label: described(one) for label, one in zip(labels, sources, strict=True)},
        remarks=tuple(remarks),
    )
    return _handed_over(request, streams, report)


def labels_of(names: Sequence[str]) -> list[str]:
    """Return what the files called *names* are called in a table: each its own."""
    stems = [Path(name).stem for name in names]
    if len(set(stems)) == len(stems):
        return stems
    return [f"{number}: {stem}" for number, stem in enumerate(stems, start=1)]


def check_unmeasured(request: Request, allowed: Sequence[str] = ()) -> None:
    """Raise ``UsageError`` for options that say how to measure: nothing is measured here."""
    asked = [name for name in DEFAULTS.__slots__ if _is_measuring(request, name)]
    asked = [name for name in asked if name not in allowed]
    if asked:
        thing = f"--{asked[0].replace('_', '-')}"
        raise UsageError(thing, "files are compared as they are", f"leave {thing} out")
    request.check_output()


def _handed_over(request: Request, streams: Streams, report: Report) -> int:
    hand_over(request, None, report, streams)
    return exit_code(report, strict=request.strict)


def report_of(compared: Compared) -> Report:
    """Return the report of two files."""
    base, head = compared.base, compared.head
    return Report(
        rows=compared.rows,
        backend=str(head.conditions.get("backend", "unknown")),
        environment=head.environment,
        settings={
            "margin": MARGIN,
            "p_limit": P_LIMIT,
            "least_workers": LEAST_WORKERS,
            "alpha": ALPHA,
        },
        command=shlex.join(["xenperf", "compare", base.path, head.path]),
        nr_finished=0,  # none ran for this report; what each file had, it says itself
        kind=Kind.COMPARE,
        grade=Grade.APART,
        about={side: described(one) for side, one in zip(SIDES, (base, head), strict=True)},
        remarks=compared.remarks,
    )


def described(one: Source) -> str:
    """Return what a file is, in a line."""
    parts = [one.path, f"written by {one.writer}"]
    commit = one.environment.get("commit")
    parts += [f"commit {commit}"] if commit else []
    parts += [f"begun {one.begun}"] if one.begun else []
    parts += [f"{one.nr_workers} workers"] if one.nr_workers else []
    return ", ".join(parts)


def _is_measuring(request: Request, name: str) -> bool:
    """Tell whether an option was given that says how to measure."""
    is_for_report = name in ("strict", "output", "format")
    return not is_for_report and getattr(request, name) != getattr(DEFAULTS, name)
