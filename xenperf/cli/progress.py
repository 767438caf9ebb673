"""How far a run is, on a terminal: a bar that leaves nothing behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from xenperf.measure.plan import Plan
from xenperf.measure.session import Progress

COMPILE = "compile"
Listener = Callable[[Progress], None]


@contextmanager
def shown(plan: Plan, err: TextIO) -> Iterator[Listener]:
    """Show a bar on *err* while the block runs; nothing if that is no terminal."""
    if not err.isatty():
        yield lambda progress: None
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
    with Bar(*columns, console=console, transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("start", total=plan.workers * len(plan.names))

        def listen(progress: Progress) -> None:
            bar.update(task, completed=progress.done, description=doing(plan, progress))

        yield listen


def doing(plan: Plan, progress: Progress) -> str:
    """Return what the run is busy with now: what follows on what was just finished."""
    worker = f"worker {progress.worker_idx + 1} of {plan.workers}"
    if progress.doing == COMPILE:
        return f"{COMPILE}, {worker}"
    nr_done = progress.done - progress.worker_idx * len(plan.names)
    name = plan.names[nr_done] if nr_done < len(plan.names) else "next worker"
    return f"{name}, {worker}"
