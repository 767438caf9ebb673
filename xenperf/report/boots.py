"""What a report says of its method where instructions were counted, or images were booted."""

from typing import Final

from xenperf.report.model import Report

COUNTED: Final = "counted"
"""The setting that is there where a machine's clock counts instructions, one a nanosecond."""

BOOTS: Final = "boots"
"""The setting that says how many boots there were to be of all images together."""

TITLE: Final = "kernel images step by step, each cost by GPA and by HVA"
_COUNTS: Final = "instructions, by a clock that counts them: medians of single requests"
_TIMES: Final = "thread CPU time, and wall time of what sleeps"
_RANGE: Final = "in place of an interval stands the range of what the boots found"
_LIMITS: Final = "0.1 % where counts vary, by any where they do not (slots: 2 %; notifier: 3 %)"


def clock(report: Report) -> str:
    """Return what the figures of the costs are."""
    if COUNTED not in report.settings:
        return "thread CPU time" if BOOTS not in report.settings else _TIMES
    return _COUNTS


def method(report: Report, grade: str) -> str | None:
    """Return how it was measured, *grade* in words; None where times of one machine were taken."""
    chosen = report.settings
    if BOOTS in chosen:
        order = chosen.get("order")
        turns = "" if order is None or isinstance(order, str | int | float) else "; ".join(order)
        return (
            f"a VM for each side, {chosen['each']} boots of each image in balanced order: grade "
            f"{report.grade}; {clock(report)}; seed {chosen['seed']}; order: {turns}"
        )
    if COUNTED not in chosen:
        return None
    workers = "1 worker" if report.nr_workers == 1 else f"{report.nr_workers} workers"
    return f"{grade}; {_COUNTS}; {workers} x {chosen['rounds']} rounds; seed {chosen['seed']}"


def judgement(report: Report) -> str | None:
    """Return what verdicts on counts mean; None where times are judged."""
    if COUNTED not in report.settings:
        return None
    unit = "boots" if BOOTS in report.settings else "rounds"
    return (
        f"slower or faster: more or fewer instructions, by more than {_LIMITS} and by more than "
        f"three times what the {unit} of one side lie apart; same: within that limit; "
        f"{_RANGE.replace('boots', unit)}"
    )
