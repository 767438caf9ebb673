"""The evidence for counts that repeat: what the table says of boots that do and that do not."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from tests.cli.fake_boots import SEND, Kernel, recorded
from xenperf.errors import UsageError

TOOL = Path(__file__).parents[2] / "bench" / "evidence" / "icount.py"


@pytest.fixture
def tool() -> ModuleType:
    found = importlib.util.spec_from_file_location("icount", TOOL)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def written(folder: Path, *boots: Kernel) -> list[str]:
    """Write what each boot of one image recorded."""
    paths = []
    for nr, kernel in enumerate(boots):
        paths.append(str(folder / f"boot{nr}.json"))
        Path(paths[-1]).write_text(recorded("p", kernel, nr))
    return paths


def test_boots_that_agree_meet_the_goal(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool.main(written(tmp_path, Kernel(), Kernel(), Kernel())) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"| {SEND} | gpa | 1000 | none | 6 of 6 | none |" in lines
    assert f"| {SEND} | hva | 990 | none | 6 of 6 | none |" in lines


def test_one_instruction_more_in_one_boot_misses_it(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool.main(written(tmp_path, Kernel(), Kernel(gpa=1001))) == 1
    assert f"| {SEND} | gpa | 1000 | 1000 to 1001 (0.10 %) | 2 of 4 |" in capsys.readouterr().out


def test_what_sleeps_may_lie_apart(tool: ModuleType) -> None:
    slots = tool.Repeated("slots.overlay_cycle", "gpa", ((1000.0,), (1019.0,)))
    assert slots.spread <= slots.goal == 0.02
    send = tool.Repeated("send.masked", "gpa", ((1000.0, 1000.0), (1000.0, 9.0)))
    assert (send.medians, send.alike, send.goal) == ([1000.0, 9.0], 3, 0.0)


def test_times_and_other_kernels_are_refused(tool: ModuleType, tmp_path: Path) -> None:
    timed = written(tmp_path, Kernel(metric="cpu_time"), Kernel(metric="cpu_time"))
    with pytest.raises(UsageError, match="was timed, not counted"):
        tool.main(timed)
    with pytest.raises(UsageError, match="two or more"):
        tool.main(timed[:1])
    first, second = written(tmp_path, Kernel(), Kernel())
    content = json.loads(Path(second).read_text())
    content["environment"]["kernel"] = "6.99-other"
    Path(second).write_text(json.dumps(content))
    with pytest.raises(UsageError, match="of different kernels"):
        tool.main([first, second])
