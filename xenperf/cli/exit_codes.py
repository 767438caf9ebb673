"""What the exit code of a run says, and the text that documents it."""

from enum import IntEnum
from typing import Final

from xenperf.report.model import Kind, Report
from xenperf.report.selfcheck import false_verdicts
from xenperf.stats.verdict import Verdict


class ExitCode(IntEnum):
    """The whole vocabulary; where several hold: misuse, untrusted, slower, done."""

    DONE = 0
    SLOWER = 1
    FAILED = 1  # the same number: something was found
    MISUSE = 2
    UNTRUSTED = 3


RUN_EPILOG: Final = """\b
Exit codes (where several hold: 2, then 3, then 1):
  0  done, and no cost is slower by HVA
  1  a cost is slower by HVA
  2  misuse, or nothing was measured
  3  not to be trusted: cut short, an invalid row, a control that differs,
     or with --strict an undecided cost; or this machine cannot do it
With --count instructions, "slower" is "more instructions".
"""


COMPARE_EPILOG: Final = """\b
Exit codes (where several hold: 2, then 3, then 1):
  0  done, and no cost is slower in head
  1  a cost is slower in head
  2  misuse, or nothing was measured
  3  not to be trusted: cut short, an invalid row, an A/A check that differs,
     or with --strict an undecided cost; or this machine cannot do it
"""


SERIES_EPILOG: Final = f"""{COMPARE_EPILOG}\
With --kernel: 1 also where a case is answered wrong that was answered right before,
3 also where an image gave no answer.
"""


SELFCHECK_EPILOG: Final = """\b
Exit codes (where several hold: 2, then 3, then 1):
  0  no difference was claimed where there is none
  1  one was: do not believe such differences on this machine now
  2  misuse, or nothing was measured
  3  not to be trusted: cut short, an invalid row,
     or with --strict an undecided row
"""


REPORT_EPILOG: Final = """\b
Exit codes (where several hold: 2, then 3, then 1), as when it was measured:
  0  no cost is slower
  1  a cost is slower
  2  misuse, an unusable file, or nothing was measured
  3  not to be trusted: cut short, an invalid row, a control that differs,
     or with --strict an undecided cost
With --agreement, 1 says that a difference is an open question.
"""


SWEEP_EPILOG: Final = """\b
Exit codes (where several hold: 2, then 3, then 1); growth itself is no fault:
  0  done, and no cost is slower by HVA in any cell
  1  a cost is slower by HVA in some cell
  2  misuse, or nothing was measured
  3  not to be trusted: cut short, an invalid row, a control that differs,
     or with --strict an undecided cost or growth; or this machine, the
     scheduler or a machine of its cluster cannot do it, or Dask is missing
"""


def exit_code(report: Report, *, strict: bool) -> ExitCode:
    """Return the code that *report* deserves; *strict* lets no row stay undecided."""
    if not report.has_figures:
        return ExitCode.MISUSE
    if report.kind is Kind.SELFCHECK:
        return _selfcheck_code(report, strict=strict)
    undecided = strict and (report.named(Verdict.UNDECIDED) or report.has_open_growth)
    if report.cut_short or report.invalid or report.controls_off or undecided:
        return ExitCode.UNTRUSTED
    if report.named(Verdict.SLOWER):
        return ExitCode.SLOWER
    return ExitCode.FAILED if any(one.is_worse for one in report.answers) else ExitCode.DONE


def _selfcheck_code(report: Report, *, strict: bool) -> ExitCode:
    """Return the code of a build against itself: there every row is a control."""
    undecided = strict and any(row.verdict is Verdict.UNDECIDED for row in report.rows)
    if report.cut_short or report.invalid or undecided:
        return ExitCode.UNTRUSTED
    return ExitCode.FAILED if false_verdicts(report) else ExitCode.DONE
