"""The file that a measuring verb fills as it goes: whole after each worker, and resumed later."""

import datetime
import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import xenperf
from xenperf.cli import formats
from xenperf.cli.reporting import report_of
from xenperf.cli.request import Request
from xenperf.digest import source_digest
from xenperf.errors import UsageError, XenperfError
from xenperf.measure.session import Session
from xenperf.record.atomic import write_text
from xenperf.record.recorded import Recorded
from xenperf.record.saved import Saved, document
from xenperf.report import json_

STOPPED: Final = "stopped before its end"
INTERPRETED: Final = "NUMBA_DISABLE_JIT"
LOAD: Final = frozenset({"load_1min", "pressure_cpu", "steal_share"})
"""What may be another when measuring goes on; everything else has to be as it was."""


@dataclass(slots=True)
class Filled:
    """A file that is written again and again, with more in it each time."""

    path: str
    what: str
    """What there is more of, in the plural."""

    nr_saved: int = 0
    """How many of these the file has by our doing."""

    def write(self, saved: Saved, nr_finished: int) -> None:
        """Write *saved* to the file.

        Where the disk fails after the first time, the file keeps what was written before, and the
        error says how to go on.
        """
        try:
            save(self.path, saved)
        except UsageError as error:
            if not self.nr_saved:
                raise
            reason = f"{error.reason}; it holds {self.nr_saved} {self.what}"
            remedy = f"{error.remedy}, then xenperf resume {shlex.quote(self.path)}"
            raise XenperfError(self.path, reason, remedy) from error
        self.nr_saved = nr_finished


class Saver:
    """Writes what is there so far, each time that a worker has finished."""

    def __init__(self, path: str | None, begun: Recorded) -> None:
        """Fill *path*, or nothing; *begun* is what the file says apart from the session."""
        self.path = path
        self._begun = begun
        self._file = None if path is None else Filled(path, "finished workers")

    def __call__(self, session: Session) -> None:
        """Save *session* as one that was stopped: if this process is killed now, it was."""
        if self.path is not None:
            stopped = replace(session, cut_short=session.cut_short or STOPPED)
            self.write(replace(self._begun, session=stopped))

    def write(self, recorded: Recorded) -> None:
        """Write *recorded* to the file, of which there is one."""
        assert self._file is not None
        self._file.write(recorded, recorded.session.nr_finished)


def save(path: str, saved: Saved) -> None:
    """Write *saved* with its report to *path*, whole or not at all."""
    write_text(path, document(saved, json_.content(report_of(saved))))


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
