"""The limits that verdicts go by, as figures and as marks on an axis of ratios."""

from xml.etree.ElementTree import Element

from xenperf.report.html.marks import box, line
from xenperf.report.html.scale import Linear
from xenperf.report.model import Report
from xenperf.stats.verdict import DEFAULT


def limit(report: Report, name: str) -> float:
    """Return ``margin``, ``band`` or ``alpha`` of *report*, or the usual one."""
    value = report.settings.get(name)
    return float(value) if isinstance(value, int | float) else float(getattr(DEFAULT, name))


def ratios_at(report: Report, name: str) -> tuple[float, float]:
    """Return the ratios at which ``margin`` or ``band`` ends: the same distance either way."""
    end = 1.0 + limit(report, name)
    return 1.0 / end, end


def limits(
    report: Report, axis: Linear, reach: tuple[float, float], *, upright: bool = False
) -> list[Element]:
    """Return band, margin and 1 as far as *axis* holds them, drawn across it over *reach*.

    upright
        The axis runs upwards, so the marks lie.
    """
    ends = (axis.at(ratios_at(report, "band")[0]), axis.at(ratios_at(report, "band")[1]))
    marks = [box(reach, ends, "band") if upright else box(ends, reach, "band")]
    for kind, ratios in (("margin", ratios_at(report, "margin")), ("one", (1.0,))):
        for ratio in filter(axis.holds, ratios):
            at = (axis.at(ratio),) * 2
            marks.append(line(reach, at, kind) if upright else line(at, reach, kind))
    return marks
