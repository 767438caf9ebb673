"""``--instructions``: what a measuring verb counts, once it has timed, to show beside the times."""

from dataclasses import replace
from typing import Final

from xenperf.cli import progress
from xenperf.cli.request import Request
from xenperf.cli.streams import Streams
from xenperf.errors import MeasurementError, UnavailableError
from xenperf.measure.beside import Instructions, count
from xenperf.measure.count_plan import DEFAULT_RUNS
from xenperf.measure.session import INTERRUPTED
from xenperf.record.recorded import Recorded

QUICK_RUNS: Final = 1


def asked(request: Request) -> Instructions | None:
    """Return what is to be counted; None if nothing is."""
    if not request.instructions:
        return None
    return Instructions(QUICK_RUNS if request.quick else DEFAULT_RUNS)


def counted(recorded: Recorded, streams: Streams) -> Recorded:
    """Return *recorded* with its instructions, where they are due and its times are whole.

    Times need no Valgrind: where nothing can be counted, the record says why and keeps them. A
    Ctrl-C makes it one that was interrupted, to be resumed.
    """
    due = recorded.instructions
    if due is None or not due.is_due or recorded.session.cut_short is not None:
        return recorded
    try:
        with progress.counting(streams.err) as listen:
            found = count(recorded.session, due, listen)
    except (MeasurementError, UnavailableError) as refusal:
        found = replace(due, missing=str(refusal))
    except KeyboardInterrupt:
        return replace(recorded, session=replace(recorded.session, cut_short=INTERRUPTED))
    return replace(recorded, instructions=found)
