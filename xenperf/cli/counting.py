"""``xenperf run --count instructions``: the same comparison in instructions instead of time."""

from typing import Final

from xenperf.cli import progress
from xenperf.cli.exit_codes import ExitCode
from xenperf.cli.request import Request, command, settings
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.measure import callgrind, environment, instructions
from xenperf.measure.count_plan import DEFAULT_RUNS, CountPlan
from xenperf.measure.plan import Plan
from xenperf.measure.sides import Build
from xenperf.record.atomic import write_text
from xenperf.report.instructions import InstructionReport, render_json, render_text, summary
from xenperf.report.model import Setting
from xenperf.scenarios import catalogue
from xenperf.stats.instructions import named
from xenperf.stats.verdict import Verdict

INSTRUCTIONS: Final = "instructions"
OPTION: Final = "--count"
_KEPT_SETTINGS: Final = ("slots", "vcpus", "port", "kernel", "patches", "guest_bits")


def run(request: Request, streams: Streams) -> int:
    """Check *request*, count, and hand over the report; return the exit code."""
    _refuse_what_is_about_time(request)
    asked = request.plan(drawn_seed=0)
    plan = _count_plan(request, asked)
    request.check_output()
    conditions = environment.describe()
    with progress.counting(streams.err) as listen:
        counts = instructions.count(plan, listen)
    report = InstructionReport(
        rows=tuple(counts.rows(plan.names)),
        runs=plan.runs,
        cpu_name=callgrind.CPU_NAME,
        environment=conditions,
        settings=_settings(asked, plan),
        command=command(request, asked),
    )
    _hand_over(request, report, streams)
    return exit_code(report)


def exit_code(report: InstructionReport) -> ExitCode:
    """Return the code that *report* deserves: of several, the worst."""
    if len(report.invalid) == len(report.rows):
        return ExitCode.MISUSE
    if report.invalid or report.controls_off:
        return ExitCode.UNTRUSTED
    return ExitCode.SLOWER if named(report.costs, Verdict.MORE) else ExitCode.DONE


def _refuse_what_is_about_time(request: Request) -> None:
    """Raise ``UsageError`` for an option that counting has no use for."""
    if request.format not in (None, "text", "json"):
        reason = f"--format {request.format} is not of this report"
        raise UsageError(f"{OPTION} {INSTRUCTIONS}", reason, "give text or json")
    for name, is_given in (
        ("--rounds", request.rounds is not None),
        ("--seed", request.seed is not None),
        ("--quick", request.quick),
        ("--strict", request.strict),
        ("--instructions", request.instructions),
        ("--budget", request.budget is not None),
    ):
        if is_given:
            raise UsageError(f"{OPTION} {INSTRUCTIONS}", f"{name} is about time", "leave it out")


def _count_plan(request: Request, asked: Plan) -> CountPlan:
    """Return what is to be counted: the costs among what was asked for."""
    patches = request.patches()
    if patches is None:
        thing = f"{OPTION} {INSTRUCTIONS}"
        raise UsageError(thing, "Valgrind sees nothing of a real kernel", "use --backend model")
    names = tuple(name for name in asked.names if not catalogue.is_scenario(name))
    if not names:
        raise UsageError(
            f"{OPTION} {INSTRUCTIONS}", "only scenarios were chosen", "choose a cost: xenperf list"
        )
    runs = DEFAULT_RUNS if request.workers is None else asked.workers
    return CountPlan.of(
        names,
        shape=asked.shape,
        build=Build(patches=patches),
        runs=runs,
        compile_all=asked.compile_all,
    )


def _settings(asked: Plan, plan: CountPlan) -> dict[str, Setting]:
    told = settings(asked)
    return {"names": plan.names, **{name: told[name] for name in _KEPT_SETTINGS}}


def _hand_over(request: Request, report: InstructionReport, streams: Streams) -> None:
    """Write the report to the file asked for, or to standard output."""
    by_name = "json" if (request.path or "").endswith(".json") else "text"
    render = render_json if (request.format or by_name) == "json" else render_text
    if request.path is None:
        streams.write(render(report))
        return
    write_text(request.path, render(report))
    streams.say(f"{request.path}: written; {summary(report)}")
