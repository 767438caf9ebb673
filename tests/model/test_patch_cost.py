"""A switch is decided when the code is compiled: what a patch is not there for costs nothing."""

import ast
import re
import shutil
from pathlib import Path

import pytest

import xenperf
from xenperf.copies import ModelCopy, load_copy
from xenperf.jit import INTERPRETED, numba
from xenperf.model.patches import GPA_HVA, GPA_ONLY, KERNELS, PATCHES

RUNNING = Path(xenperf.__file__).parent
SWITCHES = {name.upper().replace("-", "_"): name for name in PATCHES}


class Resolved(ast.NodeTransformer):
    """Leaves of a source what a kernel with *names* keeps of it: no switch is left in a step."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in SWITCHES and isinstance(node.ctx, ast.Load):
            return ast.Constant(SWITCHES[node.id] in self.names)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant):
            return ast.Constant(not node.operand.value)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        decides = isinstance(node.op, ast.Or)
        left = [one for one in node.values if not isinstance(one, ast.Constant)]
        fixed = [one.value for one in node.values if isinstance(one, ast.Constant)]
        if decides in fixed or not left:
            return ast.Constant(decides if decides in fixed else not decides)
        return left[0] if len(left) == 1 else ast.BoolOp(node.op, left)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return (node.body if node.test.value else node.orelse) or [ast.Pass()]
        return node


def resolved(folder: Path, names: frozenset[str]) -> Path:
    """Return a copy of the package whose steps were written for the one kernel."""
    package = folder / "xenperf"
    shutil.copytree(RUNNING, package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (package / "model").rglob("*.py"):
        tree = ast.parse(path.read_text())
        if path.name != "patches.py" and SWITCHES.keys() & {
            node.id for node in ast.walk(tree) if isinstance(node, ast.Name)
        }:
            path.write_text(ast.unparse(ast.fix_missing_locations(Resolved(names).visit(tree))))
    return package


def instructions(copy: ModelCopy, name: str) -> list[str]:
    """Return the machine code of the kernel *name* without the names of symbols and labels."""
    jit = copy.module("xenperf.jit")
    kernel = jit.registry[name]
    signature = numba.types.uint64(*[numba.types.uint64] * kernel.nr_arguments)
    (code,) = jit._entry_point(kernel.func, signature).inspect_asm().values()
    lines = (line.split("#")[0].strip() for line in code.splitlines())
    kept = [line for line in lines if line and not line.startswith(".") and not line.endswith(":")]
    return [re.sub(r"_Z\S+|\.L\w+|-?\d{6,}|\w+\.\d+", "@", line) for line in kept]


@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled: NUMBA_DISABLE_JIT is set")
@pytest.mark.slow
@pytest.mark.parametrize("kernel", [GPA_ONLY, GPA_HVA])
def test_the_machine_code_is_that_of_sources_without_switches(tmp_path: Path, kernel: str) -> None:
    names = KERNELS[kernel]
    plain = load_copy(resolved(tmp_path, names), switches=names)
    switched = load_copy(switches=names)
    for name in ("send_ports", "loop_check", "invalidate_start"):
        found = instructions(switched, name)
        assert len(found) > 50
        assert found == instructions(plain, name), name


@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled: NUMBA_DISABLE_JIT is set")
def test_two_kernels_differ_in_their_machine_code() -> None:
    copies = [load_copy(switches=KERNELS[kernel]) for kernel in (GPA_ONLY, GPA_HVA)]
    codes = [instructions(copy, "send_ports") for copy in copies]
    assert codes[0] != codes[1]
