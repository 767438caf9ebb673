"""How far a run is, on a terminal: a bar that leaves nothing behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, TypeAlias

from xenperf.measure.count_process import Step
from xenperf.measure.session import Progress

Show: TypeAlias = Callable[[int, int, str], None]
"""Takes how much is done, of how much, and what is being done now."""


@contextmanager
def bar(err: TextIO) -> Iterator[Show]:
    """Show a bar on *err* while the block runs; nothing if that is no terminal."""
    if not err.isatty():
        yield lambda done, total, doing: None
        return
    from rich.console import Console  # here: only a terminal needs them
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    console = Console(file=err)
    with Bar(*columns, console=console, transient=True, redirect_stdout=False) as drawn:
        task = drawn.add_task("start", total=None)

        def show(done: int, total: int, doing: str) -> None:
            drawn.update(task, completed=done, total=total, description=doing)

        yield show


@contextmanager
def of_workers(err: TextIO) -> Iterator[Callable[[Progress], None]]:
    """Show a bar that tells which worker measures what."""
    with bar(err) as show:
        yield lambda progress: show(progress.done, progress.total, worded(progress))


def worded(progress: Progress) -> str:
    """Return what the run is busy with now."""
    return f"{progress.doing}, worker {progress.worker_idx + 1} of {progress.nr_workers}"


@contextmanager
def counting(err: TextIO) -> Iterator[Callable[[Step], None]]:
    """Show a bar that tells what is being counted."""
    with bar(err) as show:
        yield lambda step: show(step.done, step.total, step.doing)
