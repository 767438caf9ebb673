"""``xenperf cases``: does a back end answer and write what real kernels do?"""

import functools
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import click

from xenperf.backends import BACKENDS, backend
from xenperf.cli import output
from xenperf.cli.exit_codes import ExitCode
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.hypervisor import Activation, Hypervisor, VmSize
from xenperf.measure import environment
from xenperf.model.patches import KERNELS
from xenperf.report import cases as report
from xenperf.scenarios.cases import book
from xenperf.scenarios.cases.case import Case, Kernel
from xenperf.scenarios.cases.playing import kernel_of, missing, observe
from xenperf.scenarios.cases.releases import Expectation, Release, expectation, release_of
from xenperf.scenarios.cases.starts import STARTS

MODEL: Final = "model"
BOTH: Final = "both"
ALL: Final = "all"
RENDER: Final = {
    "text": report.render_text,
    "tsv": report.render_tsv,
    "json": report.render_json,
}
EPILOG: Final = """\b
Exit codes:
  0  every case showed what was expected
  1  a case showed something else
  2  misuse, or no case could be played
  3  this machine cannot do it
"""
Open = Callable[[VmSize], Hypervisor]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who is asked, and what."""

    backend: str
    kernel: str | None
    activation: str
    only: tuple[str, ...]

    @property
    def activations(self) -> list[Activation]:
        """The activations to play by."""
        return [each for each in Activation if self.activation in (BOTH, each)]

    def openers(self) -> list[Open]:
        """Return how to open a VM of each kernel; ``UsageError`` if there is no choice."""
        if self.backend == MODEL:
            wanted = self.kernel or Kernel.GPA_HVA
            kernels = [each for each in Kernel if wanted in (ALL, each)]
            open_model = backend(MODEL).open
            return [functools.partial(open_model, patches=KERNELS[each]) for each in kernels]
        if self.kernel:
            thing = f"backend {self.backend}"
            raise UsageError(thing, "no kernel can be chosen", f"use --backend {MODEL}")
        return [backend(self.backend).open]

    def release(self) -> Release | None:
        """Return which release of Linux answers; None for the model, which is none."""
        return None if self.backend == MODEL else release_of(platform.release(), platform.version())


@click.command("cases", epilog=EPILOG)
@click.option(
    "--backend",
    type=click.Choice(list(BACKENDS)),
    default=MODEL,
    show_default=True,
    help="Who answers.",
)
@click.option(
    "--kernel",
    type=click.Choice([*(each.value for each in Kernel), ALL]),
    help=f"Which kernel the model is; a real one is what it is.  [default: {Kernel.GPA_HVA}]",
)
@click.option(
    "--activation",
    type=click.Choice([*(each.value for each in Activation), BOTH]),
    default=BOTH,
    show_default=True,
    help="How the caches are told where their page is.",
)
@click.option(
    "--only", multiple=True, metavar="GLOB", help="Only cases that match; may be given again."
)
@output.options(RENDER)
@click.pass_obj
def verb(streams: Streams, /, output_path: str | None, form: str | None, **options: Any) -> int:
    """Play the outcome cases: each a start, an operation, and exactly what must come of it.

    Every case is played on a fresh VM, by GPA and by HVA. What cannot be asked is skipped, and the
    reason is told.
    """
    written = output.Output(output_path, form, RENDER)
    found = play(Chosen(**options))
    if not found.cases and not found.skipped:
        raise UsageError("cases", "none of them is about that", "choose others")
    written.hand_over(found, report.summary(found), streams)
    if not found.cases:
        return ExitCode.MISUSE
    return ExitCode.FAILED if found.failed else ExitCode.DONE


def play(chosen: Chosen) -> report.CasesReport:
    """Play what was chosen, and tell what came of it."""
    wanted, unasked = book.select(chosen.only)
    played: list[report.PlayedCase] = []
    skipped = {case.id: case.reason for case in unasked}
    for opener in chosen.openers():
        for case in wanted:
            found = play_case(case, opener, chosen.activations, chosen.release())
            if isinstance(found, str):
                skipped[case.id] = found
            else:
                played += found
    for each in played:
        skipped.pop(each.id, None)  # another kernel could be asked
    return report.CasesReport(
        backend=chosen.backend,
        starts={start.name: start.title for start in STARTS},
        environment=environment.describe(),
        cases=tuple(played),
        skipped=tuple(report.SkippedCase(*each) for each in skipped.items()),
    )


def play_case(
    case: Case, opener: Open, activations: Iterable[Activation], release: Release | None = None
) -> list[report.PlayedCase] | str:
    """Play *case* each way that it is about; a text says why it could not be."""
    played = []
    for activation in activations:
        with opener(case.shape.vm_size) as host:
            reason = missing(case, host)
            if reason is not None:
                return reason
            kernel = kernel_of(host)
            expected = expectation(case, kernel, activation, release)
            if expected is None:
                continue
            observed = observe(case, host, activation)
        played.append(_entry(case, kernel, activation, (expected, observed)))
    return played


def _entry(
    case: Case, kernel: Kernel, activation: Activation, texts: tuple[Expectation, str]
) -> report.PlayedCase:
    expected, observed = texts
    return report.PlayedCase(
        id=case.id,
        kernel=kernel,
        activation=activation,
        start=case.start.name,
        operation=case.operation,
        expected=expected.text,
        observed=observed,
        source=case.source,
        basis=expected.basis,
    )
