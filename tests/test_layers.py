"""The rooms of the package import only upwards; the checker runs on any source tree."""

import ast
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# In import order: a room imports itself and the rooms before it.
ROOMS = (
    *("units", "errors", "abi", "stats", "switches", "digest", "shares", "jit", "words"),
    *("memory", "mappings", "sources", "hypervisor", "racing", "copies", "model", "explore"),
    "live",
    *("backends", "vmm", "scenarios", "measure", "record", "report", "cli"),
)
COMPILED = frozenset({"jit", "words", "model", "explore"})

# What the order would allow and the design forbids, wherever in a file it stands.
NEVER = {
    "model": frozenset({"live"}),
    "live": frozenset({"model"}),
    "vmm": frozenset({"model", "live"}),
    "scenarios": frozenset({"model", "live"}),
    "report": frozenset(ROOMS) - {"units", "errors", "stats", "report"},
}
# What may be imported only when it is needed, inside a function.
LAZILY = {"backends": COMPILED | {"live"}, "measure": COMPILED}

# A module that few may import: who, by room or by path within the package.
OWNERS = {
    "numba": frozenset({"jit", "words"}),
    "llvmlite": frozenset({"jit", "words"}),
    "fcntl": frozenset({"live/ioctls.py"}),
    "mmap": frozenset({"memory.py", "mappings.py"}),
}
FOREIGN_CALL_TABLE = "foreign.py"  # a table of addresses for compiled code: it may import numba
EXITS = frozenset({"print", "exit", "quit", "sys.exit"})


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module, and whether it waits until a function runs."""

    module: str
    line: int
    lazy: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    @property
    def room(self) -> str | None:
        """The room of this package that is imported, if any."""
        parts = self.module.split(".")
        is_room = parts[0] == "xenperf" and len(parts) > 1 and parts[1] in ROOMS
        return parts[1] if is_room else None


def violations(root: Path) -> list[str]:
    """Return what breaks the rules under *root*, as ``file:line: what is wrong``."""
    return [
        f"{path.relative_to(root)}:{line}: {wrong}"
        for path in sorted((root / "xenperf").rglob("*.py"))
        for line, wrong in _file_violations(path, path.relative_to(root / "xenperf"))
    ]


def _file_violations(path: Path, within: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    room = _room_of(within)
    if room not in (*ROOMS, "xenperf"):
        yield 1, f"unknown room {room}: give it its place in the order"
        return
    for found in _imports(tree):
        wrong = _room_violation(room, found) or _owner_violation(room, within, found)
        if wrong:
            yield found.line, wrong
    if room != "cli":
        yield from _exits(tree)


def _room_of(within: Path) -> str:
    name = within.parts[0].removesuffix(".py")
    return {"__init__": "xenperf", "__main__": "cli"}.get(name, name)


def _room_violation(room: str, found: Import) -> str | None:
    if found.module.startswith("."):
        return "relative import; write the whole name"
    if found.top in ("bench", "tests"):
        return f"{room} imports {found.top}; it is the other way round"
    if room == "xenperf":
        return None if found.module == "__future__" else f"xenperf imports {found.module}"
    if found.room is None or found.room == room:
        return None
    if found.room in NEVER.get(room, ()):
        return f"{room} must not import {found.room}"
    if found.room in LAZILY.get(room, ()) and not found.lazy:
        return f"{room} may import {found.room} only inside a function"
    if ROOMS.index(found.room) > ROOMS.index(room):
        return f"{room} imports {found.room}, a room below it"
    return None


def _owner_violation(room: str, within: Path, found: Import) -> str | None:
    owners = OWNERS.get(found.top)
    if owners is None or room in owners or within.as_posix() in owners:
        return None
    if room == "cli" and found.lazy:
        return None
    numba_free = ("abi", "stats", "report", "memory")
    if found.top == "numba" and within.name == FOREIGN_CALL_TABLE and room not in numba_free:
        return None
    return f"{room} imports {found.top}; only {', '.join(sorted(owners))} may"


def _imports(tree: ast.AST, lazy: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt | ast.expr):
            yield from (Import(module, node.lineno, lazy) for module in _modules(node))
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _imports(node, lazy or is_function)


def _modules(node: ast.stmt | ast.expr) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(level=level) if level:
            return ["." * level]
        case ast.ImportFrom(module="xenperf", names=names):
            return [f"xenperf.{alias.name}" for alias in names]
        case ast.ImportFrom(module=str(module)):
            return [module]
        case ast.Call(func=function, args=[ast.Constant(value=str(module)), *_]):
            by_name = ("import_module", "importlib.import_module", "__import__")
            return [module] if ast.unparse(function) in by_name else []
    return []


def _exits(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in EXITS:
            yield node.lineno, f"{ast.unparse(node.func)}() outside cli"
        elif isinstance(node, ast.Raise) and "SystemExit" in ast.unparse(node):
            yield node.lineno, "SystemExit outside cli"


def test_the_package_keeps_its_layers() -> None:
    assert violations(ROOT) == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return the root of a copy of the package, to plant things in."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "xenperf", tmp_path / "xenperf", ignore=ignored)
    return tmp_path


def _plant(root: Path, name: str, source: str) -> list[str]:
    path = root / "xenperf" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'"""Planted."""\n\n{source}\n')
    return [found for found in violations(root) if found.startswith(f"xenperf/{name}:")]


@pytest.mark.parametrize(
    ("name", "source", "wrong"),
    [
        ("units.py", "import xenperf.errors", "units imports errors, a room below it"),
        ("abi/planted.py", "from xenperf.stats import x", "abi imports stats, a room below it"),
        ("hypervisor.py", "from xenperf import model", "hypervisor imports model, a room below it"),
        ("record/planted.py", "def f(): import xenperf.cli", "record imports cli, a room below it"),
        ("stats/planted.py", "import bench.common", "stats imports bench; it is the other way"),
        ("stats/planted.py", "from tests import tools", "stats imports tests; it is the other way"),
        ("stats/planted.py", "from . import x", "relative import; write the whole name"),
        ("planted.py", "pass", "unknown room planted: give it its place in the order"),
        ("__init__.py", "import numpy", "xenperf imports numpy"),
        ("model/planted.py", "import xenperf.live", "model must not import live"),
        ("live/planted.py", "from xenperf.model import x", "live must not import model"),
        ("live/planted.py", "def f(): from xenperf.model import x", "live must not import model"),
        ("vmm/planted.py", "import xenperf.model.evtchn", "vmm must not import model"),
        ("vmm/planted.py", "import xenperf.live", "vmm must not import live"),
        ("scenarios/planted.py", "from xenperf import live", "scenarios must not import live"),
        ("scenarios/planted.py", "import xenperf.model", "scenarios must not import model"),
        ("report/planted.py", "import xenperf.abi", "report must not import abi"),
        ("report/planted.py", "import xenperf.record", "report must not import record"),
        ("report/planted.py", "import numba", "report imports numba; only jit, words may"),
        ("report/foreign.py", "import numba", "report imports numba; only jit, words may"),
        ("abi/planted.py", "import numba.types", "abi imports numba; only jit, words may"),
        ("stats/planted.py", "from numba import njit", "stats imports numba; only jit, words may"),
        ("memory.py", "import numba", "memory imports numba; only jit, words may"),
        ("model/planted.py", "import numba", "model imports numba; only jit, words may"),
        ("cli/planted.py", "import numba", "cli imports numba; only jit, words may"),
        ("live/planted.py", "import fcntl", "live imports fcntl; only live/ioctls.py may"),
        ("live/planted.py", "import mmap", "live imports mmap; only mappings.py, memory.py may"),
        (
            "backends.py",
            "import xenperf.model",
            "backends may import model only inside a function",
        ),
        (
            "measure/planted.py",
            "import xenperf.jit",
            "measure may import jit only inside a function",
        ),
        (
            "vmm/planted.py",
            "def f(): importlib.import_module('xenperf.live.guest')",
            "vmm must not import live",
        ),
        ("stats/planted.py", "print(1)", "print() outside cli"),
        ("stats/planted.py", "sys.exit(1)", "sys.exit() outside cli"),
        ("stats/planted.py", "raise SystemExit(1)", "SystemExit outside cli"),
    ],
)
def test_a_planted_fault_is_named_with_file_and_line(
    tree: Path, name: str, source: str, wrong: str
) -> None:
    (found,) = _plant(tree, name, source)
    assert found.startswith(f"xenperf/{name}:{1 if 'unknown' in wrong else 3}: {wrong}")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("__init__.py", "from __future__ import annotations"),
        ("__main__.py", "from xenperf.cli.main import console\nimport sys\nsys.exit(console())"),
        ("jit.py", "import numba"),
        ("words/planted.py", "from llvmlite import ir\nfrom numba import types"),
        ("model/foreign.py", "import numba"),
        ("memory.py", "import mmap"),
        ("mappings.py", "import mmap"),
        ("live/ioctls.py", "import fcntl"),
        ("backends.py", "def f():\n    import xenperf.live\n    from xenperf import model"),
        ("measure/planted.py", "import xenperf.scenarios\ndef f(): import xenperf.model"),
        ("report/planted.py", "from xenperf import __version__, errors, stats, units"),
        ("cli/planted.py", "def f():\n    import fcntl, numba, xenperf.live\n    print(1)"),
    ],
)
def test_what_the_rules_allow_passes(tree: Path, name: str, source: str) -> None:
    assert _plant(tree, name, source) == []


def test_rooms_not_built_yet_are_no_fault(tmp_path: Path) -> None:
    assert _plant(tmp_path, "units.py", "") == []
