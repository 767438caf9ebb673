import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from xenperf import jit
from xenperf.copies import ModelCopy, load_copy

JIT_ONLY = ("xenperf.jit",)
RUNNING = Path(jit.__file__).parent


def _package_in_use() -> tuple[dict[str, object], list[str], object]:
    modules = {name: module for name, module in sys.modules.items() if name.startswith("xenperf")}
    return modules, list(sys.path), jit.numba.config.DISABLE_JIT


def _checkout(folder: Path, **replaced: tuple[str, str]) -> Path:
    """Return a copy of the package's folder; *replaced*: by module of the model, old and new."""
    package = folder / "xenperf"
    shutil.copytree(RUNNING, package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (old, new) in replaced.items():
        path = package / "model" / f"{name.replace('__', '/')}.py"
        content = path.read_text(encoding="utf-8")
        assert old in content
        path.write_text(content.replace(old, new), encoding="utf-8")
    return package


def _init_cache(copy: ModelCopy) -> int:
    cache = np.zeros(8, np.uint64)
    return int(copy.module("xenperf.jit").registry["init_cache"](cache.ctypes.data))


def test_a_copy_has_its_own_modules_and_registry() -> None:
    copy = load_copy()
    assert copy.module("xenperf.jit") is not jit
    assert copy.module("xenperf.jit").registry is not jit.registry
    assert copy.module("xenperf.jit").DIGEST == jit.DIGEST
    assert {"loop_send", "loop_walk"} <= set(copy.module("xenperf.jit").registry)


def test_modules_come_when_they_are_asked_for_and_stay() -> None:
    copy = load_copy(modules=())
    layout = copy.module("xenperf.model.layout")
    assert copy.module("xenperf.model.layout") is layout
    assert copy.module("xenperf.model.state").VM is layout.VM


def test_nothing_of_a_copy_stays_behind() -> None:
    before = _package_in_use()
    load_copy(modules=JIT_ONLY)
    load_copy(modules=JIT_ONLY, interpreted=True)
    assert _package_in_use() == before


@pytest.mark.parametrize("interpreted", [False, True])
def test_nothing_stays_behind_of_a_copy_that_cannot_be_imported(
    tmp_path: Path, interpreted: bool
) -> None:
    source = _checkout(tmp_path, constants=("from typing import Final", "raise OSError('planted')"))
    before = _package_in_use()
    with pytest.raises(OSError, match="planted"):
        load_copy(source, interpreted=interpreted)
    assert _package_in_use() == before
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        load_copy(modules=("xenperf.nowhere",), interpreted=interpreted)
    assert _package_in_use() == before


def test_an_interpreted_copy_is_plain_python_beside_the_running_one() -> None:
    was = jit.INTERPRETED
    copy = load_copy(interpreted=True)
    kernel = copy.module("xenperf.jit").registry["init_cache"]
    assert copy.module("xenperf.jit").INTERPRETED
    assert copy.module("xenperf.words").load64.__module__ == "xenperf.words.interpreted"
    assert not hasattr(kernel.entry, "signatures")
    assert was is jit.INTERPRETED
    assert _init_cache(copy) == 0


def test_another_checkout_has_its_own_switches_and_cache_key(tmp_path: Path) -> None:
    switched = ('Final = "read-lock-first" in CHOSEN', "Final = False")
    copy = load_copy(_checkout(tmp_path, patches=switched))
    assert copy.module("xenperf.model.patches").READ_LOCK_FIRST is False
    assert load_copy().module("xenperf.model.patches").READ_LOCK_FIRST is True
    assert copy.module("xenperf.jit").DIGEST != jit.DIGEST


def test_copies_in_one_process_run_their_own_code_also_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their kernels have the same names down to the machine code's symbols."""
    monkeypatch.setenv("XENPERF_CACHE_DIR", str(tmp_path / "cache"))
    sources = [
        _checkout(
            tmp_path / str(answer),
            kernels__control=("init(gpc)\n    return ZERO", f"init(gpc)\n    return U64({answer})"),
        )
        for answer in (11, 12)
    ]
    for _ in range(2):  # compiled first, loaded then
        copies = [
            load_copy(source, modules=("xenperf.model.kernels.control",)) for source in sources
        ]
        for copy in copies:
            copy.module("xenperf.jit").registry["init_cache"].compile()
        assert [_init_cache(copy) for copy in copies] == [11, 12]


def test_a_folder_that_is_not_the_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no xenperf package"):
        load_copy(tmp_path)


def test_modules_of_others_are_refused() -> None:
    with pytest.raises(ValueError, match="module numpy: not of this package"):
        load_copy(modules=("numpy",))
