"""The file that a measuring verb fills as it goes: whole after each worker, and resumed later."""

import datetime
import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import xenperf
from xenperf.cli import formats
from xenperf.cli.reporting import report_of, report_of_images
from xenperf.cli.request import Request
from xenperf.digest import source_digest
from xenperf.errors import UsageError, XenperfError
from xenperf.measure.session import Session
from xenperf.record import image_file
from xenperf.record.atomic import write_text
from xenperf.record.image_file import ImageSeries
from xenperf.record.recorded import Recorded, document
from xenperf.report import json_

STOPPED: Final = "stopped before its end"
INTERPRETED: Final = "NUMBA_DISABLE_JIT"
LOAD: Final = frozenset({"load_1min", "pressure_cpu", "steal_share"})
"""What may be another when measuring goes on; everything else has to be as it was."""


@dataclass(slots=True)
class Saver:
    """Writes what is there so far, each time that a worker has finished."""

    path: str | None
    """None: nothing is written."""

    begun: Recorded
    """What the file says apart from the session."""

    nr_saved: int = 0
    """How many finished workers the file has by this saver's doing."""

    def __call__(self, session: Session) -> None:
        """Save *session* as one that was stopped: if this process is killed now, it was."""
        if self.path is not None:
            stopped = replace(session, cut_short=session.cut_short or STOPPED)
            self.write(replace(self.begun, session=stopped))

    def write(self, recorded: Recorded) -> None:
        """Write *recorded* to the file.

        Where the disk fails after the first time, the file keeps what was written before, and the
        error says how to go on.
        """
        assert self.path is not None
        try:
            save(self.path, recorded)
        except UsageError as error:
            if not self.nr_saved:
                raise
            raise to_go_on(error, self.path, f"{self.nr_saved} finished workers") from error
        self.nr_saved = recorded.session.nr_finished


def to_go_on(error: UsageError, path: str, kept: str) -> XenperfError:
    """Return *error*, which kept *path* from being written again, with what it still holds."""
    remedy = f"{error.remedy}, then xenperf resume {shlex.quote(path)}"
    return XenperfError(path, f"{error.reason}; it holds {kept}", remedy)


def save(path: str, recorded: Recorded | ImageSeries) -> None:
    """Write *recorded* with its report to *path*, whole or not at all."""
    if isinstance(recorded, ImageSeries):
        text = image_file.document(recorded, json_.content(report_of_images(recorded)))
    else:
        text = document(recorded, json_.content(report_of(recorded)))
    write_text(path, text)


def file_of(request: Request) -> str | None:
    """Return the file that is to be filled; None where the report is no JSON or goes nowhere."""
    chosen = formats.chosen(request.format, request.path)
    return request.path if chosen.name == formats.JSON else None


def sources() -> str:
    """Return the digest of what is measured: the running sources, versions and settings."""
    return source_digest(Path(xenperf.__file__).parent, os.environ.get(INTERPRETED, ""))


def now() -> str:
    """Return the moment as ISO 8601, with the offset from UTC."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")
