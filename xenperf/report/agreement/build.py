"""From what was read of the model and of a real kernel to their agreement."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xenperf.report import distrust
from xenperf.report.agreement.answers import match_cases, match_counts
from xenperf.report.agreement.costs import match_costs, orders
from xenperf.report.agreement.load import match_load
from xenperf.report.agreement.model import (
    LIVE,
    MODEL,
    NOTHING,
    Agreement,
    CasePair,
    CostPair,
    CountPair,
    LoadPair,
    Matched,
    merged,
)
from xenperf.report.agreement.reasons import Release, release_of
from xenperf.report.cases import CasesReport
from xenperf.report.header import modelled
from xenperf.report.load_model import LoadReport
from xenperf.report.model import Plain, Report

ALIKE = ("slots", "vcpus", "port", "guest_bits")
"""Settings in which two runs must not differ, or the figures are of different machines."""


@dataclass(frozen=True, slots=True)
class Given:
    """What was read: of each kind both sides or neither; ``load`` needs the runs' model."""

    files: tuple[str, ...]
    command: str
    model_run: Report | None = None
    live_run: Report | None = None
    model_cases: CasesReport | None = None
    live_cases: CasesReport | None = None
    live_load: LoadReport | None = None


def agreement(given: Given) -> Agreement:
    """Return what comes of laying all that was *given* side by side."""
    environments = {
        MODEL: _environment(given.model_run, given.model_cases),
        LIVE: _environment(given.live_run, given.live_cases, given.live_load),
    }
    release = release_of(environments[LIVE].get("kernel"))
    cases, from_cases = _cases(given, release)
    costs, from_costs = _costs(given, release)
    counts, from_counts = _counts(given, release)
    loads, from_load = _loads(given, release)
    all_found = merged((from_cases, from_costs, from_counts, from_load))
    return Agreement(
        files=given.files,
        environments=environments,
        modelled=None if given.model_run is None else modelled(given.model_run),
        remarks=tuple(_remarks(given)),
        cases=cases,
        costs=costs,
        counts=counts,
        loads=loads,
        orders=orders(costs) if costs else (),
        differences=all_found.differences,
        lone=all_found.lone,
        command=given.command,
    )


def _cases(given: Given, release: Release) -> tuple[tuple[CasePair, ...], Matched]:
    if given.model_cases is None or given.live_cases is None:
        return (), NOTHING
    return match_cases(given.model_cases, given.live_cases, release)


def _costs(given: Given, release: Release) -> tuple[tuple[CostPair, ...], Matched]:
    if given.model_run is None or given.live_run is None:
        return (), NOTHING
    return match_costs(given.model_run, given.live_run, release)


def _counts(given: Given, release: Release) -> tuple[tuple[CountPair, ...], Matched]:
    if given.model_run is None or given.live_run is None:
        return (), NOTHING
    return match_counts(given.model_run, given.live_run, release)


def _loads(given: Given, release: Release) -> tuple[tuple[LoadPair, ...], Matched]:
    if given.model_run is None or given.live_load is None:
        return (), NOTHING
    return match_load(given.model_run, given.live_load, release)


def _environment(*reports: Report | CasesReport | LoadReport | None) -> Mapping[str, Plain]:
    """Return that of the first report there is."""
    return next((report.environment for report in reports if report is not None), {})


def _remarks(given: Given) -> Iterator[str]:
    """Yield what weakens the whole: runs that differ in what they ran, and their own doubts."""
    model, live = given.model_run, given.live_run
    if model is not None and live is not None:
        yield from (
            f"different machines: {name} {model.settings.get(name)} on the model, "
            f"{live.settings.get(name)} live"
            for name in ALIKE
            if model.settings.get(name) != live.settings.get(name)
        )
    for side, report in ((MODEL, model), (LIVE, live)):
        if report is not None:
            yield from (f"{side}: {reason}" for reason in distrust.reasons(report))
