import errno
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.fake_boots import Boots, Kernel
from tests.live.fake_kernels import image_bytes
from xenperf.cli import images
from xenperf.cli.main import main
from xenperf.measure import environment
from xenperf.record import atomic


@dataclass(frozen=True, slots=True)
class Result:
    """What one command line did."""

    code: int
    out: str
    err: str


Invoke = Callable[..., Result]


@pytest.fixture
def invoke() -> Invoke:
    """Run the command line in this process."""

    def run(*argv: str) -> Result:
        out, err = io.StringIO(), io.StringIO()
        code = main(argv, out, err)
        return Result(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine be what it is now, its load included."""
    found = environment.describe()
    monkeypatch.setattr(environment, "describe", lambda: found)


@pytest.fixture
def series(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Any, Boots]]:
    """Run the verb over kernels given by name, on boots that need no emulator."""

    def run(
        kernels: dict[str, Kernel],
        *words: str,
        interrupts_at: int | None = None,
        on_boot: Callable[[int], None] = lambda nr: None,
        counted: bool = True,
    ) -> tuple[Any, Boots]:
        boots = Boots(kernels, interrupts_at=interrupts_at, on_boot=on_boot)
        monkeypatch.setattr(images.live, "boot", boots)
        named = []
        for name in kernels:
            (tmp_path / name).write_bytes(image_bytes() + name.encode())
            named += ["--kernel", f"{name}={tmp_path / name}"]
        clock = ["--icount"] if counted else []
        return invoke("series", *named, *clock, *words), boots

    return run


@pytest.fixture
def fill_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the disk be full once a result file has been written so many times."""

    def begin(nr_writes: int) -> None:
        fsync, left = os.fsync, [1 + 2 * nr_writes]  # the trial beforehand; then a file, a folder

        def until_full(descriptor: int) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            fsync(descriptor)

        monkeypatch.setattr(atomic.os, "fsync", until_full)

    return begin
