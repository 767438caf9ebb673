"""The report of a series of kernel images, from what their boots brought back."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from xenperf.cli.exit_codes import ExitCode, exit_code
from xenperf.cli.formats import chosen
from xenperf.cli.image_options import DEFAULT_BOOTS, Asked
from xenperf.cli.images import (
    BACKEND,
    INTERRUPTED,
    Found,
    boot_all,
    order_of,
    plan_of,
    words_inside,
)
from xenperf.cli.job import hand_over
from xenperf.cli.request import Request, command
from xenperf.cli.saving import STOPPED
from xenperf.cli.streams import Streams
from xenperf.errors import UnavailableError, UsageError
from xenperf.measure import environment
from xenperf.measure.plan import Plan
from xenperf.record.atomic import write_text
from xenperf.record.images import changes_of, rows_of, unsteady_answers
from xenperf.report import distrust
from xenperf.report.boots import BOOTS, COUNTED
from xenperf.report.model import Grade, Kind, Report, Setting
from xenperf.stats.instructions import MARGIN
from xenperf.stats.verdict import DEFAULT

ONE_BOOT: Final = "one boot of each image: how far figures lie apart between boots is unknown"
EMULATED: Final = "the VMs were emulated: their times are the emulator's; --icount counts instead"
Order = Sequence[Sequence[str]]


def measure(request: Request, asked: Asked, streams: Streams) -> int:
    """Boot every image, report, and return the exit code: 1 also for an answer that got wrong."""
    request.check_output()
    plan = plan_of(request)
    order = order_of(asked, plan.seed)

    def save(found: Found) -> None:
        """Write the report of what is there so far: if this process is killed now, it was."""
        if request.path is not None and len(found.boots) > 1:
            so_far = report_of(request, asked, plan, (order, found))
            if found.nr_boots < asked.boots * len(asked.images):
                so_far = replace(so_far, cut_short=so_far.cut_short or STOPPED)
            write_text(request.path, chosen(request.format, request.path).render(so_far))

    found = boot_all(asked, words_inside(asked, request, plan), order, streams, save)
    _check(asked, found)
    report = report_of(request, asked, plan, (order, found))
    if report.cut_short:
        streams.say(distrust.interruption(report))
    hand_over(request, None, report, streams)
    code = exit_code(report, strict=request.strict)
    if code is ExitCode.DONE and any(one.is_worse for one in report.answers):
        return ExitCode.FAILED
    return code


def _check(asked: Asked, found: Found) -> None:
    """Raise the error that says why there is nothing to compare, if there is not."""
    if len(found.boots) > 1:
        return
    if found.interrupted:
        raise UsageError("series", f"{INTERRUPTED} before two images were measured")
    reasons = "; ".join(f"{label}: {why}" for label, why in found.failures.items())
    reason = f"{len(found.boots)} of {len(asked.images)} images gave an answer ({reasons})"
    raise UnavailableError("series", reason, "at least two are compared")


def report_of(request: Request, asked: Asked, plan: Plan, done: tuple[Order, Found]) -> Report:
    """Return the report of the boots that were finished, *done* in which order."""
    order, found = done
    cut_short = [INTERRUPTED] if found.interrupted else []
    cut_short += [f"{label} gave no answer" for label in found.failures]
    return Report(
        rows=tuple(rows_of(found.boots)),
        backend=BACKEND,
        environment=_environment(found),
        settings=_settings(asked, plan, order),
        command=command_of(request, asked, plan),
        nr_finished=found.nr_boots,
        cut_short=", ".join(cut_short) or None,
        kind=Kind.SERIES,
        grade=Grade.OWN_PROCESSES,
        about=_about(asked, found),
        remarks=tuple(_remarks(asked, found)),
        answers=tuple(changes_of(found.boots)),
    )


def _settings(asked: Asked, plan: Plan, order: Order) -> dict[str, Setting]:
    limits = (MARGIN, MARGIN) if asked.icount else (DEFAULT.margin, DEFAULT.band)
    return {
        "names": plan.names,
        BOOTS: asked.boots * len(asked.images),
        "each": asked.boots,
        "order": tuple(" ".join(one) for one in order),
        **({COUNTED: "single requests"} if asked.icount else {}),
        "seed": plan.seed,
        "slots": plan.shape.nr_slots,
        "vcpus": plan.shape.nr_vcpus,
        "port": plan.shape.port,
        "guest_bits": 64 if plan.shape.long_mode else 32,
        "margin": limits[0],
        "band": limits[1],
        "alpha": DEFAULT.alpha,
    }


def _environment(found: Found) -> environment.Described:
    """Return the host, and how the VMs ran on it: what is said of kernels stands with each."""
    host = environment.describe()
    return {**host, "booted": found.manner, "kernel": f"as said of each; host {host['kernel']}"}


def _about(asked: Asked, found: Found) -> dict[str, str]:
    return {
        label: f"{path}, Linux {found.boots[label][0].release}, "
        f"{len(found.boots[label])} of {asked.boots} boots"
        if label in found.boots
        else f"{path}, no answer"
        for label, path in asked.images.items()
    }


def _remarks(asked: Asked, found: Found) -> Iterator[str]:
    yield from (f"{label}: {why}" for label, why in found.failures.items())
    base, first = next(iter(asked.images)), next(iter(found.boots))
    if base != first:
        yield f"{base} gave no answer: the steps are compared with {first}"
    if asked.boots == 1:
        yield ONE_BOOT
    if not asked.icount and "emulation" in found.manner:
        yield EMULATED
    for label, boots in found.boots.items():
        unsteady = unsteady_answers(boots)
        if unsteady:
            names = ", ".join(f"{case} by {way}" for case, way in unsteady)
            yield f"{label} did not answer the same in each boot: {names}"


def command_of(request: Request, asked: Asked, plan: Plan) -> str:
    """Return the command that boots and measures the same again, with the same seed."""
    words = ["series"]
    for label, path in asked.images.items():
        words += ["--kernel", f"{label}={path}"]
    for name, value, usual in (
        ("--boots", asked.boots, DEFAULT_BOOTS),
        ("--modules", asked.modules, None),
    ):
        words += [] if value == usual else [name, str(value)]
    words += ["--icount"] if asked.icount else []
    words += [] if asked.cases else ["--no-cases"]
    inner = shlex.split(command(request, plan, words))
    if "--backend" in inner:  # the images are the back end: the verb has no such option
        at = inner.index("--backend")
        del inner[at : at + 2]
    return shlex.join(inner)
