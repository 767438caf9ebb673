"""The limits that verdicts go by, as figures and as marks on an axis of ratios."""

from xml.etree.ElementTree import Element

from xenperf.report.html.marks import box, rules
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


def limits(report: Report, axis: Linear, reach: tuple[float, float]) -> list[Element]:
    """Return band, margin and 1 as far as the upright *axis* holds them, lying over *reach*."""
    low, high = (axis.at(ratio) for ratio in ratios_at(report, "band"))
    margins = [axis.at(ratio) for ratio in ratios_at(report, "margin") if axis.holds(ratio)]
    one = [axis.at(1.0)] if axis.holds(1.0) else []
    found = [
        box(reach, (low, high), "band") if low != high else None,
        rules(margins, reach, "margin", lying=True),
        rules(one, reach, "one", lying=True),
    ]
    return [mark for mark in found if mark is not None]
