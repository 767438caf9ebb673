"""``xenperf load``: what becomes of events that arrive while a memslot is broken apart."""

import os
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import click

from xenperf.backends import BACKENDS, LIVE, backend
from xenperf.cli import output
from xenperf.cli.exit_codes import ExitCode
from xenperf.cli.streams import Streams
from xenperf.errors import UnavailableError
from xenperf.hypervisor import Activation, Feature
from xenperf.measure import environment
from xenperf.racing import MEMSLOTS
from xenperf.report import load as rendering
from xenperf.report import load_model as report
from xenperf.scenarios.event_cells import Fate
from xenperf.scenarios.load import SOURCES, Loaded, under_load
from xenperf.sources import EventSource
from xenperf.stats.clustered import ClusteredShare
from xenperf.vmm.machine import Shape

DEFAULT_SECONDS: Final = 1.0
MOST_SECONDS: Final = 3600.0
NR_THREADS: Final = 2
USUAL: Final = Shape()
RENDER: Final = {"text": rendering.render_text, "json": rendering.render_json}
EPILOG: Final = """\b
Exit codes (where several hold: 1, then 3):
  0  no event failed by HVA
  1  one did
  2  misuse
  3  one of the other bounds does not hold, so the two threads did not run at
     once; or this machine cannot do it
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was asked for."""

    backend: str
    sources: tuple[str, ...]
    seconds: float
    slots: int
    vcpus: int

    @property
    def shape(self) -> Shape:
        """The machine; ``UsageError`` names a number that none can have."""
        return Shape(nr_slots=self.slots, nr_vcpus=self.vcpus)

    def command(self) -> str:
        """Return what to type to do the same again."""
        words = ["xenperf", "load"]
        for name, value, usual in (
            ("--backend", self.backend, LIVE),
            ("--seconds", f"{self.seconds:g}", f"{DEFAULT_SECONDS:g}"),
            ("--slots", str(self.slots), str(USUAL.nr_slots)),
            ("--vcpus", str(self.vcpus), str(USUAL.nr_vcpus)),
        ):
            words += [] if value == usual else [name, value]
        return shlex.join([*words, *(w for each in self.sources for w in ("--source", each))])


@click.command("load", epilog=EPILOG)
@click.option("--backend", type=click.Choice(list(BACKENDS)), default=LIVE, show_default=True)
@click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Choice([each.value for each in SOURCES]),
    help="Who raises the events; may be given again.  [default: all]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, MOST_SECONDS, min_open=True),
    default=DEFAULT_SECONDS,
    show_default=True,
    help="How long, for each source and activation.",
)
@click.option("--slots", type=int, default=USUAL.nr_slots, show_default=True, metavar="N")
@click.option("--vcpus", type=int, default=USUAL.nr_vcpus, show_default=True, metavar="N")
@output.options(RENDER)
@click.pass_obj
def verb(streams: Streams, /, output_path: str | None, form: str | None, **options: Any) -> int:
    """Break RAM apart and rejoin it without pause, and raise events from a second thread.

    Each event is delivered, returned to whoever raised it, lost, or in the wrong page. How many
    there are of each is up to the machine's timing; that there are none by HVA is not.
    """
    written = output.Output(output_path, form, RENDER)
    found = ask(Chosen(**options))
    written.hand_over(found, rendering.summary(found), streams)
    if found.nr_failed_by_hva:
        return ExitCode.FAILED
    return ExitCode.DONE if all(each.holds for each in found.bounds) else ExitCode.UNTRUSTED


def ask(chosen: Chosen) -> report.LoadReport:
    """Put each source and activation under load; ``UnavailableError`` if the machine cannot."""
    shape = chosen.shape
    features = _features(chosen.backend, shape)
    has_hva = Feature.SHINFO_HVA in features
    sources = [each for each in SOURCES if not chosen.sources or each in chosen.sources]
    activations = [each for each in Activation if has_hva or each is Activation.GPA]
    conditions = environment.describe()
    loaded = [_one(chosen, shape, by, source) for source in sources for by in activations]
    return report.LoadReport(
        backend=chosen.backend,
        environment=conditions,
        seconds=chosen.seconds,
        rows=tuple(row for each in loaded for row in _rows(each)),
        windows=tuple(_windows(each) for each in loaded),
        skipped=() if has_hva else ("hva: this kernel has no activation by HVA",),
        command=chosen.command(),
    )


def _features(name: str, shape: Shape) -> frozenset[Feature]:
    """Return what the back end offers; ``UnavailableError`` unless events can arrive meanwhile."""
    with backend(name).open_to_count(shape.vm_size) as host:
        features = host.features
    if Feature.PARALLEL not in features:
        reason = "its VM takes requests from one thread at a time"
        raise UnavailableError(f"backend {name}", reason, f"use --backend {LIVE}")
    nr_cpus = len(os.sched_getaffinity(0))
    if nr_cpus < NR_THREADS:
        reason = "events would arrive between requests and never during one"
        raise UnavailableError(f"{nr_cpus} processor", reason, "allow this process two")
    return features


def _one(chosen: Chosen, shape: Shape, by: Activation, source: EventSource) -> Loaded:
    with backend(chosen.backend).open_to_count(shape.vm_size) as host:
        return under_load(host, shape, by, source, chosen.seconds)


def _rows(loaded: Loaded) -> Iterator[report.LoadRow]:
    """Yield the phases in their order, and all together."""
    tally = loaded.tally
    for phase, fates in tally.fates.items():
        yield _row(loaded, phase, fates, tally.shares[phase])
    yield _row(loaded, report.ALL, tally.total(), tally.share)


def _row(loaded: Loaded, phase: str, fates: Counter[Fate], share: ClusteredShare) -> report.LoadRow:
    interval = share.interval()
    return report.LoadRow(
        *(loaded.source, loaded.activation, phase, fates[Fate.DELIVERED]),
        *(fates[Fate.RETURNED], fates[Fate.LOST], fates[Fate.WRONG_PAGE]),
        *(interval.low, interval.high),
    )


def _windows(loaded: Loaded) -> report.Windows:
    """Return how long the overlay's frame was away, and how long nothing came through."""
    tally = loaded.tally
    return report.Windows(
        source=loaded.source,
        activation=loaded.activation,
        compiled=loaded.source in loaded.compiled,
        requests_compiled=MEMSLOTS in loaded.compiled,
        nr_cycles=tally.nr_cycles,
        apart_ns=tuple(tally.windows_ns["apart"]),
        rejoin_ns=tuple(tally.windows_ns["rejoin"]),
        runs_ns=tuple(tally.runs.lengths_ns),
        longest_run_events=tally.runs.most_events,
    )
