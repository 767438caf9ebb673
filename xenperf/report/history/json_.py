"""A history as one JSON object, for programs: every figure in full."""

import json
import math

from xenperf.report.history import content
from xenperf.report.history.content import HistoryReport
from xenperf.report.model import SCHEMA, Grade
from xenperf.stats.history import Track


def render(report: HistoryReport) -> str:
    """Return the object and a newline; what was not measured is null."""
    history = report.history
    found = {
        "schema": SCHEMA,
        "kind": "history",
        "grade": str(Grade.APART),
        "machine": history.machine,
        "environment": dict(history.environment),
        "order": history.order,
        "rules": content.rules(),
        "distrust": content.doubts(report),
        "steps": [
            {"commit": one.commit, "committed_at": one.committed_at, "subject": one.subject}
            for one in history.steps
        ],
        "changes": [
            {
                "benchmark": one.track.name,
                "params": one.track.params,
                "kind": str(one.track.kind),
                "before": history.steps[one.since].commit,
                "at": history.steps[one.at].commit,
                "was": one.before,
                "is": one.after,
                "direction": one.word,
                "certainty": str(one.certainty),
            }
            for one in report.changes
        ],
        "tracks": [_track(one) for one in history.tracks] if report.in_full else [],
        "command": report.command,
    }
    return json.dumps(found, indent=2, allow_nan=False) + "\n"


def _track(track: Track) -> dict[str, object]:
    return {
        "benchmark": track.name,
        "params": track.params,
        "unit": track.unit,
        "kind": str(track.kind),
        "states": [str(one.state) for one in track.points],
        "values": [one.value if math.isfinite(one.value) else None for one in track.points],
        "versions": [one.version for one in track.points],
    }
