"""Copies of the checkout, each with one fault; the checkout itself is never edited."""

import builtins
import dis
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from types import CodeType
from typing import Final

from tests.mutation.fault import Fault

COPIED: Final = ("xenperf", "tests", "pyproject.toml")
_NOT_COPIED: Final = shutil.ignore_patterns("__pycache__", "*.pyc")
_MODULE_NAMES: Final = {"__name__", "__file__", "__doc__", "__package__", "__spec__"}


def check(fault: Fault, root: Path) -> str:
    """Return the file's source with *fault*; ``MisfitError`` if it does not fit or cannot run.

    A fault that breaks the import, or names what the module does not know, would be noticed by any
    test, and so say nothing about them.
    """
    path = root / fault.file
    if not path.is_file():
        raise fault.misfit(f"{fault.file} does not exist")
    missing = [test for test in fault.tests if not (root / test.partition("::")[0]).exists()]
    if missing:
        raise fault.misfit(f"{missing[0]} does not exist")
    source = fault.planted_in(path.read_text(encoding="utf-8"))
    try:
        code = compile(source, fault.file, "exec")
    except SyntaxError as error:
        raise fault.misfit(f"{fault.file} becomes no Python: {error}") from None
    unknown = sorted(_globals_read(code) - _names_made(code) - _MODULE_NAMES - set(dir(builtins)))
    if unknown:
        raise fault.misfit(f"{fault.file} does not know {', '.join(unknown)}")
    return source


@contextmanager
def snapshot_of(root: Path) -> Iterator[Path]:
    """Give a copy of the checkout at *root* as it is now; gone afterwards."""
    with _new_folder() as folder:
        for name in COPIED:
            if (root / name).is_dir():
                shutil.copytree(root / name, folder / name, ignore=_NOT_COPIED)
            else:
                shutil.copy2(root / name, folder / name)
        yield folder


@contextmanager
def planted(snapshot: Path, fault: Fault | None) -> Iterator[Path]:
    """Give a copy of *snapshot* with *fault*, or as it is; gone afterwards.

    What Python has compiled there comes along, as all times are kept, but not of the changed file.
    """
    with _new_folder() as folder:
        shutil.copytree(snapshot, folder, dirs_exist_ok=True)
        if fault is not None:
            path = folder / fault.file
            path.write_text(check(fault, snapshot), encoding="utf-8")
            for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
                compiled.unlink()
        yield folder


@contextmanager
def _new_folder() -> Iterator[Path]:
    folder = Path(mkdtemp(prefix="xenperf-mutation-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)


def _globals_read(code: CodeType) -> set[str]:
    """Return the names that functions look up in their module."""
    return {
        str(step.argval)
        for each in _codes(code)
        for step in dis.get_instructions(each)
        if step.opname == "LOAD_GLOBAL"
    }


def _names_made(code: CodeType) -> set[str]:
    """Return the names that the module's own statements bind."""
    return {str(s.argval) for s in dis.get_instructions(code) if s.opname == "STORE_NAME"}
