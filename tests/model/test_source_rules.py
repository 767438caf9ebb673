"""What the model's steps may be made of: words, in their source and in what they compile to."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import xenperf
from xenperf.jit import INTERPRETED

MODEL = Path(xenperf.__file__).parent / "model"
MARKS = {"op", "kernel", "jit.op", "jit.kernel"}
WORD_TYPES = {"U8", "U16", "U32", "U64"}


def violations(source: str) -> list[str]:
    """Return what no step may contain, as ``line: what is wrong``."""
    steps = [node for node in ast.walk(ast.parse(source)) if _is_step(node)]
    return [f"{line}: {wrong}" for step in steps for line, wrong in _wrong_in(step)]


def _is_step(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef):
        return False
    return any(ast.unparse(mark) in MARKS for mark in node.decorator_list)


def _wrong_in(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Look at the whole of *node* but annotations, docstrings and ``U64(2)``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.arguments | ast.Expr) and not _may_compute(child):
            continue
        if isinstance(node, ast.FunctionDef) and child is node.returns:
            continue
        wrong = _wrong(child)
        if wrong:
            yield child.lineno, wrong  # type: ignore[attr-defined]
        if not _is_word(child):
            yield from _wrong_in(child)


def _may_compute(node: ast.arguments | ast.Expr) -> bool:
    return isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)


def _is_word(node: ast.AST) -> bool:
    """Tell whether *node* is a literal that has its width written before it."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return False
    return node.func.id in WORD_TYPES and all(isinstance(arg, ast.Constant) for arg in node.args)


def _wrong(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=bool()):
            return None
        case ast.Constant(value=value):
            return f"literal {value!r}; give it a name and a width"
        case ast.Subscript():
            return f"subscript {ast.unparse(node)}; go through words"
        case ast.BinOp(op=ast.Div() | ast.Pow()) | ast.AugAssign(op=ast.Div() | ast.Pow()):
            return f"{ast.unparse(node)} is no word"
        case ast.Raise() | ast.Try() | ast.With() | ast.ListComp() | ast.List() | ast.Dict():
            return f"{type(node).__name__}; a step neither raises nor allocates"
    return None


def _step_files() -> list[Path]:
    return [
        path
        for path in sorted(MODEL.rglob("*.py"))
        if any(map(_is_step, ast.walk(ast.parse(path.read_text()))))
    ]


def test_there_are_steps_to_look_at() -> None:
    names = {path.relative_to(MODEL).as_posix() for path in _step_files()}
    assert {"evtchn.py", "locks.py", "pfncache.py", "kernels/sending.py"} <= names


@pytest.mark.parametrize("path", _step_files(), ids=lambda path: path.relative_to(MODEL).as_posix())
def test_steps_are_made_of_words(path: Path) -> None:
    assert violations(path.read_text()) == []


STEP = (
    '@op\ndef step(word: "Annotated[int, 1]", n: int = 0) -> list[int]:\n    """Do 1."""\n    {}\n'
)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("return word + 1", "literal 1; give it a name and a width"),
        ("return word * 1.5", "literal 1.5; give it a name and a width"),
        ("return U64(word + 1)", "literal 1; give it a name and a width"),
        ("word += 2", "literal 2; give it a name and a width"),
        ("store64(word, 3)", "literal 3; give it a name and a width"),
        ("return PORTS[word]", "subscript PORTS[word]; go through words"),
        ("PORTS[word] = word", "subscript PORTS[word]; go through words"),
        ("return word / word", "word / word is no word"),
        ("word /= word", "word /= word is no word"),
        ("raise ValueError(word)", "Raise; a step neither raises nor allocates"),
        ("return [word]", "List; a step neither raises nor allocates"),
    ],
)
def test_a_planted_fault_is_named(line: str, wrong: str) -> None:
    for mark in ("@op", "@kernel", "@jit.kernel"):
        assert violations(STEP.format(line).replace("@op", mark)) == [f"4: {wrong}"]


@pytest.mark.parametrize("line", ["return word + U64(1)", "return True", "load64(word)", "pass"])
def test_what_the_rules_allow_passes(line: str) -> None:
    assert violations(STEP.format(line)) == []
    assert violations(STEP.format("return PORTS[1] / 2").replace("@op", "@other")) == []


LOOK_INTO = """
import importlib, json, pkgutil, re, sys
from xenperf import jit
from xenperf.model import kernels
for module in pkgutil.iter_modules(kernels.__path__):
    importlib.import_module(f"{kernels.__name__}.{module.name}")
assert jit.CACHE_DIR is None, "what comes from a cache cannot be looked into"
floats = re.compile(r"\\b(half|float|double|fadd|fmul|uitofp|fptoui|sitofp|fptosi)\\b")
half = int(sys.argv[1])
told = {}
for kernel in list(jit.registry.values())[half::2]:
    (signature,) = kernel.entry.nopython_signatures
    code = kernel.entry.inspect_llvm(kernel.entry.signatures[0])
    types = sorted({str(one) for one in (signature.return_type, *signature.args)})
    told[kernel.name] = [types, sorted(set(floats.findall(code))), len(code) > 500]
print(json.dumps(told))
"""


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled: NUMBA_DISABLE_JIT is set")
def test_every_kernel_takes_returns_and_computes_unsigned_words(tmp_path: Path) -> None:
    """Compiled without a cache, in two processes that take half of the kernels each."""
    no_cache = tmp_path / "file"
    no_cache.touch()
    env = os.environ | {
        "XENPERF_CACHE_DIR": str(no_cache),
        "PYTHONPATH": str(Path(xenperf.__file__).parents[1]),
    }
    halves = [
        subprocess.Popen(
            [sys.executable, "-c", LOOK_INTO, str(half)],
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for half in (0, 1)
    ]
    told: dict[str, list[object]] = {}
    for process in halves:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        told |= json.loads(out)
    assert "loop_send" in told
    assert told == {name: [["uint64"], [], True] for name in told}
