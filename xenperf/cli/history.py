"""A folder of asv's results in ``xenperf series`` and ``report``: what changed, by commit."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from xenperf.cli import formats
from xenperf.cli.exit_codes import ExitCode
from xenperf.cli.files import check_unmeasured
from xenperf.cli.request import Request
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.measure import revisions
from xenperf.record import history
from xenperf.record.atomic import write_text
from xenperf.report.history import RENDER, HistoryReport
from xenperf.report.history.content import summary
from xenperf.stats.changes import changes, shifts
from xenperf.stats.history import History

OF_GIT: Final = "in the order of git"
BY_DATE: Final = "by date, as the repository here does not know all of them"


def is_history(names: Sequence[str]) -> bool:
    """Tell whether *names* is one folder, and so perhaps of asv's results."""
    return len(names) == 1 and Path(names[0]).is_dir()


def show(request: Request, streams: Streams, folder: str, repository: Path, verb: str) -> int:
    """Show the history in *folder*: in full for ``series``, else what changed; return the code."""
    check_unmeasured(request, allowed=("only",))
    found = _ordered(history.read(Path(folder), request.only), repository)
    if not found.tracks:
        raise UsageError(f"--only {' '.join(request.only)}", "no benchmark is called so")
    only = [word for glob in request.only for word in ("--only", glob)]
    report = HistoryReport(
        found,
        tuple(changes(found)),
        tuple(shifts(found)),
        shlex.join(["xenperf", verb, folder, *only]),
        in_full=verb == "series",
    )
    _hand_over(request, report, streams)
    if request.strict and len(report.sure) < len(report.changes):
        return ExitCode.UNTRUSTED
    return ExitCode.FAILED if report.sure else ExitCode.DONE


def _ordered(found: History, repository: Path) -> History:
    subjects = revisions.subjects(repository, [step.commit for step in found.steps])
    if not subjects:
        return found.in_order({one.commit: one.subject for one in found.steps}, BY_DATE)
    return found.in_order(subjects, OF_GIT)


def _hand_over(request: Request, report: HistoryReport, streams: Streams) -> None:
    text = RENDER[formats.chosen(request.format, request.path).name](report)
    if request.path is None:
        streams.write(text)
        return
    write_text(request.path, text)
    streams.say(f"{request.path}: written; {summary(report)}")
