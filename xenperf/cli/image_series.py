"""The report of a series of kernel images, from what their boots brought back."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from xenperf.cli.boot import DEFAULT_TIMEOUT_S
from xenperf.cli.exit_codes import exit_code
from xenperf.cli.formats import chosen
from xenperf.cli.image_options import DEFAULT_BOOTS, Asked
from xenperf.cli.images import INTERRUPTED, Found, boot_all, order_of, plan_of, words_inside
from xenperf.cli.job import hand_over, written
from xenperf.cli.reporting import report_of
from xenperf.cli.request import Request, command
from xenperf.cli.saving import STOPPED, Filled, file_of, sources
from xenperf.cli.streams import Streams
from xenperf.errors import UnavailableError, UsageError
from xenperf.live.identity import Identity
from xenperf.measure import environment
from xenperf.measure.plan import Plan
from xenperf.record.atomic import write_text
from xenperf.record.image_file import ImageSeries
from xenperf.record.images import unsteady_answers
from xenperf.report import distrust
from xenperf.report.boots import BOOTS, COUNTED
from xenperf.report.model import Setting
from xenperf.stats.instructions import MARGIN
from xenperf.stats.verdict import DEFAULT

ONE_BOOT: Final = "one boot of each image: how far figures lie apart between boots is unknown"
EMULATED: Final = "the VMs were emulated: their times are the emulator's; --icount counts instead"
Order = Sequence[Sequence[str]]


def measure(
    request: Request,
    asked: Asked,
    images: Mapping[str, Identity],
    streams: Streams,
    begun: Found | None = None,
) -> int:
    """Boot every image, report, and return the exit code: 1 also for an answer that got wrong.

    images
        What each is now, by its label.
    begun
        What boots of the same series brought back already.
    """
    request.check_output()
    job = _Job(request, asked, images, plan_of(request))
    found = boot_all(asked, job.words, job.order, images, streams, job.save, begun)
    _check(asked, found)
    series = job.series(found)
    report = report_of(series)
    if report.cut_short:
        streams.say(distrust.interruption(report))
    if file_of(request) is None:
        hand_over(request, None, report, streams)
    else:
        job.write(series)
        streams.say(written(str(request.path), report))
    return exit_code(report, strict=request.strict)


class _Job:
    """What is booted, in which order, and how what it brought back is told and saved."""

    def __init__(
        self, request: Request, asked: Asked, images: Mapping[str, Identity], plan: Plan
    ) -> None:
        self.request = request
        self.asked = asked
        self.plan = plan
        self.order: Order = order_of(asked, plan.seed)
        self.words = words_inside(asked, request, plan)
        self.images = images
        self._sources = sources()
        self._file = Filled(str(request.path), "boots")

    def save(self, found: Found) -> None:
        """Write what is there so far, in the form asked for, as stopped where boots are missing.

        If this process is killed now, it was.
        """
        if self.request.path is None or len(found.boots) < 2:
            return
        series = self.series(found)
        if found.nr_boots < self.asked.boots * len(self.asked.images):
            series = replace(series, cut_short=series.cut_short or STOPPED)
        if file_of(self.request) is None:
            form = chosen(self.request.format, self.request.path)
            write_text(self.request.path, form.render(report_of(series)))
        else:
            self.write(series)

    def write(self, series: ImageSeries) -> None:
        """Write *series* to the file, so that it can be gone on with."""
        self._file.write(series, series.nr_boots)

    def series(self, found: Found) -> ImageSeries:
        """Return what the boots that were finished come to."""
        cut_short = [INTERRUPTED] if found.interrupted else []
        cut_short += [f"{label} gave no answer" for label in found.failures]
        return ImageSeries(
            boots=found.boots,
            environment=environment_of(found.manner),
            settings=_settings(self.asked, self.plan, self.order),
            command=command_of(self.request, self.asked, self.plan),
            about=_about(self.asked, found),
            remarks=(*_remarks(self.asked, found), *_alike(self.images)),
            cut_short=", ".join(cut_short) or None,
            images={label: one.digest for label, one in self.images.items()},
            sources=self._sources,
        )


def _check(asked: Asked, found: Found) -> None:
    """Raise the error that says why there is nothing to compare, if there is not."""
    if len(found.boots) > 1:
        return
    if found.interrupted:
        raise UsageError("series", f"{INTERRUPTED} before two images were measured")
    reasons = "; ".join(f"{label}: {why}" for label, why in found.failures.items())
    reason = f"{len(found.boots)} of {len(asked.images)} images gave an answer ({reasons})"
    raise UnavailableError("series", reason, "at least two are compared")


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


def environment_of(manner: str) -> environment.Described:
    """Return the host, and how the VMs ran there; what is of a kernel stands with it."""
    host = environment.describe()
    return {**host, "booted": manner, "kernel": f"as said of each; host {host['kernel']}"}


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


def _alike(images: Mapping[str, Identity]) -> Iterator[str]:
    """Say which steps have the same KVM as the one before them: nothing can be learnt from these.

    Images of one release that lie beside each other find the same modules.
    """
    for (before, one), (label, other) in pairwise(images.items()):
        if one == other:
            yield f"{label} is {before}: the same image, the same modules"
        elif one.kvm and one.kvm == other.kvm:
            names = ", ".join(sorted(one.kvm))
            yield f"{label} loads the very {names} of {before}: only the rest of the kernel differs"


def command_of(request: Request, asked: Asked, plan: Plan) -> str:
    """Return the command that boots and measures the same again, with the same seed."""
    words = ["series"]
    for label, path in asked.images.items():
        words += ["--kernel", f"{label}={path}"]
    for name, value, usual in (
        ("--boots", asked.boots, DEFAULT_BOOTS),
        ("--modules", asked.modules, None),
        ("--timeout", asked.timeout_s, DEFAULT_TIMEOUT_S),
    ):
        words += [] if value == usual else [name, str(value)]
    words += ["--icount"] if asked.icount else []
    words += [] if asked.cases else ["--no-cases"]
    inner = shlex.split(command(request, plan, words))
    if "--backend" in inner:  # the images are the back end: the verb has no such option
        at = inner.index("--backend")
        del inner[at : at + 2]
    return shlex.join(inner)
