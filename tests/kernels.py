"""What tests of a real kernel do where there is none that can be asked."""

import contextlib
import os
from collections.abc import Iterator

import pytest

from xenperf.errors import UnavailableError


@contextlib.contextmanager
def skipped_if_unavailable() -> Iterator[None]:
    """Skip the test with the reason why there is no kernel; fail it where one is demanded."""
    try:
        yield
    except UnavailableError as error:
        if os.environ.get("XENPERF_LIVE") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
