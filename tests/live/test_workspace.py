import os
import signal
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from xenperf.errors import UnavailableError
from xenperf.live.workspace import room, workspace


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have temporary files go where the test can see them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_folder_is_private_and_gone_afterwards(temporary: Path) -> None:
    with workspace() as work:
        assert stat.S_IMODE(work.stat().st_mode) == 0o700
        (work / "file").touch()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_is_like_ctrl_c_inside_and_as_before_outside(
    temporary: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), workspace():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before
    assert list(temporary.iterdir()) == []


def test_another_thread_may_have_one_too(temporary: Path) -> None:
    found: list[bool] = []

    def use() -> None:
        with workspace() as work:
            found.append(work.is_dir())

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert found == [True]


def test_no_room_is_told_with_the_folder_and_the_remedy(temporary: Path) -> None:
    with pytest.raises(UnavailableError) as caught, room(temporary / "out"):
        raise OSError(28, "No space left on device")
    assert str(caught.value) == (
        f"{temporary}: no temporary files: No space left on device; "
        "free some space, or set TMPDIR to another folder"
    )
