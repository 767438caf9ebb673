"""Draws what becomes of events during a break-apart, from a report of ``xenperf run``.

    xenperf run --only break_apart --format json | python docs/draw_break_apart.py

writes ``docs/break_apart.svg``. Needs matplotlib (extra ``docs``).
"""

import json
import sys
from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.figure import Figure

TARGET = Path(__file__).with_name("break_apart.svg")
FATES = ("delivered", "refused", "wrong_page")
COLOURS = {"delivered": "#4c9f70", "refused": "#c8553d", "wrong_page": "#e0a030"}
LABELS = {"delivered": "delivered", "refused": "refused (EFAULT)", "wrong_page": "in guest RAM"}


def fates(rows: list[dict[str, Any]], activation: str) -> dict[str, dict[str, int]]:
    """Return, by phase, how many sends met each fate."""
    phases: dict[str, dict[str, int]] = {}
    for row in rows:
        phase = row["benchmark"].partition(".")[2]
        sends = int(row["unit"].split()[1])
        found = phases.setdefault(phase, {"delivered": sends})
        found[row["metric"]] = int(row[activation])
        found["delivered"] -= int(row[activation])
    return phases


def draw(report: dict[str, Any]) -> None:
    """Draw one strip of stacked bars per activation, phase by phase."""
    rows = [row for row in report["rows"] if row["benchmark"].startswith("break_apart.")]
    rcParams["svg.fonttype"] = "none"  # text stays text: small, and can be searched
    rcParams["svg.hashsalt"] = "xenperf"  # the same report gives the same bytes
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    strips = figure.subplots(2, 1, sharex=True)
    for strip, activation in zip(strips, ("gpa", "hva"), strict=True):
        phases = fates(rows, activation)
        bottom = [0] * len(phases)
        for fate in FATES:
            heights = [found[fate] for found in phases.values()]
            strip.bar(
                range(len(phases)), heights, 0.9, bottom, color=COLOURS[fate], label=LABELS[fate]
            )
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
        strip.set_ylabel(f"sends by {activation.upper()}")
        strip.spines[["top", "right"]].set_visible(False)
        names = [name.replace("_", "\n") for name in phases]
        strip.set_xticks(range(len(phases)), names, fontsize=8)
    strips[0].legend(
        ncols=3, fontsize=8, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1)
    )
    figure.savefig(TARGET, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    draw(json.load(sys.stdin))
