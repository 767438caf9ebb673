import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from xenperf.cli.main import main


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
