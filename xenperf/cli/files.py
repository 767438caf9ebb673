"""``xenperf compare`` of two result files: what was recorded apart, compared with care."""

import shlex
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


def are_files(names: tuple[str, str]) -> bool:
    """Tell whether *names* are result files; ``UsageError`` if just one of them is."""
    found = [Path(name).is_file() or name.endswith(SUFFIX) for name in names]
    if all(found):
        return True
    lone = [name for name, is_file in zip(names, found, strict=True) if is_file]
    if any(name.endswith(SUFFIX) for name in lone):
        reason = "a file cannot be compared with a revision"
        raise UsageError(lone[0], reason, "give two files or two revisions")
    return False


def compare(request: Request, streams: Streams, names: tuple[str, str]) -> int:
    """Compare the files called *names*; return the exit code."""
    asked = [name for name in DEFAULTS.__slots__ if _is_measuring(request, name)]
    if asked:
        thing = f"--{asked[0].replace('_', '-')}"
        raise UsageError(thing, "two files are compared as they are", f"leave {thing} out")
    request.check_output()
    report = report_of(compare_files(*names))
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
