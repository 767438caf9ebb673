import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Evaluate = Callable[[str, Mapping[str, str]], dict[str, int]]
Fields = Mapping[str, tuple[int, int]]
LayOut = Callable[[str, Mapping[str, Fields]], dict[str, tuple[int, Fields]]]


@pytest.fixture
def evaluate_c(tmp_path: Path) -> Evaluate:
    """Return a function that evaluates constant C expressions after some declarations."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: neither gcc nor cc is on the PATH")

    def evaluate(declarations: str, expressions: Mapping[str, str]) -> dict[str, int]:
        source = tmp_path / "evaluate.c"
        prints = "\n".join(
            f'printf("%s %llu\\n", "{name}", (unsigned long long)({expression}));'
            for name, expression in expressions.items()
        )
        source.write_text(
            "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <sys/ioctl.h>\n"
            f"{declarations}\nint main(void) {{\n{prints}\nreturn 0; }}\n"
        )
        program = tmp_path / "evaluate"
        subprocess.run([compiler, "-std=gnu11", "-o", program, source], check=True)
        output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
        return {name: int(number) for name, number in map(str.split, output.splitlines())}

    return evaluate


@pytest.fixture
def lay_out_c(evaluate_c: Evaluate) -> LayOut:
    """Return a function that asks the compiler for sizes and for offset and size of each field."""

    def lay_out(declarations: str, structs: Mapping[str, Fields]) -> dict[str, tuple[int, Fields]]:
        expressions = {}
        for name, fields in structs.items():
            expressions[f"{name}.size"] = f"sizeof(struct {name})"
            for field in fields:
                expressions[f"{name}.{field}.at"] = f"offsetof(struct {name}, {field})"
                expressions[f"{name}.{field}.size"] = f"sizeof(((struct {name} *)0)->{field})"
        found = evaluate_c(declarations, expressions)
        return {
            name: (
                found[f"{name}.size"],
                {f: (found[f"{name}.{f}.at"], found[f"{name}.{f}.size"]) for f in fields},
            )
            for name, fields in structs.items()
        }

    return lay_out
