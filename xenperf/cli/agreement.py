"""``xenperf report --agreement``: files of the model and of a real kernel, side by side."""

import importlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from xenperf.cli.exit_codes import ExitCode, exit_code
from xenperf.cli.formats import FORMATS, chosen
from xenperf.cli.reporting import report_of
from xenperf.cli.request import Request
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.record import answers, untrusted
from xenperf.record.atomic import write_text
from xenperf.record.recorded import is_ours, recorded_of
from xenperf.report.agreement.build import Given, agreement
from xenperf.report.agreement.model import LIVE, MODEL, Agreement
from xenperf.report.agreement.pages import summary
from xenperf.report.cases import CasesReport, PlayedCase, SkippedCase
from xenperf.report.load_model import LoadReport, LoadRow, Windows
from xenperf.report.model import Report

RUN: Final = "run"
VERBS: Final = {RUN: "run", answers.CASES: "cases", answers.LOAD: "load"}
MODULES: Final = {name: f"xenperf.report.agreement.{name}" for name in FORMATS}
MODULES["json"] = "xenperf.report.agreement.json_"


@dataclass(slots=True)
class Files:
    """What was read, by kind and back end."""

    names: dict[tuple[str, str], str] = field(default_factory=dict)
    found: dict[tuple[str, str], Any] = field(default_factory=dict)

    def add(self, path: str) -> None:
        """Read *path*; ``UsageError`` if it is unusable, or of a kind and back end read before."""
        content = untrusted.load(path)
        kind = content.get("kind") if is_ours(content) else None
        if not isinstance(kind, str) or kind not in VERBS:
            reason = "not a file of run, cases or load"
            raise untrusted.refusal(path, reason, "record one with -o FILE.json")
        backend, found = READ[kind](content, path)
        had = self.names.setdefault((kind, backend), path)
        if (kind, backend) in self.found:
            thing = f"{had} and {path}"
            reason = f"both are {VERBS[kind]} of {backend}"
            raise UsageError(thing, reason, "give one file of each back end")
        self.found[kind, backend] = found

    def check(self) -> None:
        """Raise ``UsageError`` unless what was read can be laid side by side."""
        for kind, backend in self.found:
            other = LIVE if backend == MODEL else MODEL
            needed = RUN if kind == answers.LOAD else kind
            is_for_load = kind == RUN and (answers.LOAD, other) in self.found
            if (needed, other) not in self.found and not is_for_load:
                reason = f"{VERBS[kind]} of {backend}, but no {VERBS[needed]} of {other} beside it"
                remedy = f"add one, of xenperf {VERBS[needed]} --backend {other} -o FILE.json"
                raise UsageError(self.names[kind, backend], reason, remedy)
        self._check_kernels()

    def _check_kernels(self) -> None:
        """Raise ``UsageError`` if the files of the real kernel are of several."""
        live = {self.names[key]: found for key, found in self.found.items() if key[1] == LIVE}
        kernels = {path: str(found.environment.get("kernel")) for path, found in live.items()}
        if len(set(kernels.values())) > 1:
            said = ", ".join(f"{path} of {kernel}" for path, kernel in kernels.items())
            raise UsageError("live files", f"of several kernels: {said}", "give those of one")


def _run(content: Mapping[str, Any], path: str) -> tuple[str, Report]:
    report = report_of(recorded_of(content, path))
    return report.backend, report


def _cases(content: Mapping[str, Any], path: str) -> tuple[str, CasesReport]:
    checked = answers.checked(content, path)
    played = (
        PlayedCase(**{name: value for name, value in case.items() if name != "ok"})
        for case in checked["cases"]
    )
    return checked["backend"], CasesReport(
        backend=checked["backend"],
        starts=checked["starts"],
        environment=checked["environment"],
        cases=tuple(played),
        skipped=tuple(SkippedCase(**each) for each in checked["skipped"]),
    )


def _load(content: Mapping[str, Any], path: str) -> tuple[str, LoadReport]:
    checked = answers.checked(content, path)
    if checked["backend"] != LIVE:
        reason = "load of the model, which takes requests from one thread at a time"
        raise untrusted.refusal(path, reason, "record it on a real kernel")
    lengths = ("apart_ns", "rejoin_ns", "runs_ns")
    windows = (
        Windows(**{**each, **{name: tuple(each[name]) for name in lengths}})
        for each in checked["windows"]
    )
    return checked["backend"], LoadReport(
        backend=checked["backend"],
        environment=checked["environment"],
        seconds=checked["seconds"],
        rows=tuple(LoadRow(**row) for row in checked["rows"]),
        windows=tuple(windows),
        skipped=tuple(checked["skipped"]),
        command=checked["command"],
    )


READ: Final[Mapping[str, Callable[[Mapping[str, Any], str], tuple[str, Any]]]] = {
    RUN: _run,
    answers.CASES: _cases,
    answers.LOAD: _load,
}


def show(request: Request, paths: Sequence[str], streams: Streams) -> int:
    """Lay the files *paths* side by side and hand the report over; return the exit code."""
    files = Files()
    for path in paths:
        files.add(path)
    files.check()
    request.check_output()
    found = files.found
    command = shlex.join(["xenperf", "report", "--agreement", *paths])
    given = Given(
        tuple(files.names.values()),
        command,
        model_run=found.get((RUN, MODEL)),
        live_run=found.get((RUN, LIVE)),
        model_cases=found.get((answers.CASES, MODEL)),
        live_cases=found.get((answers.CASES, LIVE)),
        live_load=found.get((answers.LOAD, LIVE)),
    )
    laid = agreement(given)
    if not (laid.cases or laid.costs or laid.counts or laid.loads):
        raise UsageError("files", "the two back ends were asked nothing in common", "ask both all")
    _hand_over(request, laid, streams)
    return _exit_code(given, laid, strict=request.strict)


def _hand_over(request: Request, found: Agreement, streams: Streams) -> None:
    form = chosen(request.format, request.path).name
    text: str = importlib.import_module(MODULES[form]).render(found)
    if request.path is None:
        streams.write(text)
    else:
        write_text(request.path, text)
        streams.say(f"{request.path}: written; {summary(found)}")


def _exit_code(given: Given, found: Agreement, *, strict: bool) -> ExitCode:
    """Return 3 where a run is not to be trusted, 1 where a question is open, else 0."""
    runs = [report for report in (given.model_run, given.live_run) if report is not None]
    if any(exit_code(report, strict=strict) is ExitCode.UNTRUSTED for report in runs):
        return ExitCode.UNTRUSTED
    return ExitCode.FAILED if found.open_questions else ExitCode.DONE
