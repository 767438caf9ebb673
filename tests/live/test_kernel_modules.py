import gzip
import lzma
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.fake_kernels import RELEASE, make_image, module_bytes
from xenperf.errors import UnavailableError, UsageError
from xenperf.live import kernel_modules

INSTALLED = f"lib/modules/{RELEASE}"


def _add(folder: Path, name: str, content: bytes = module_bytes()) -> Path:
    path = folder / "kernel" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("image", "modules"),
    [
        ("boot", INSTALLED),
        ("boot", f"usr/{INSTALLED}"),
        (".", INSTALLED),
        (f"usr/{INSTALLED}", f"usr/{INSTALLED}"),
        (INSTALLED, INSTALLED),
    ],
)
def test_modules_are_found_beside_the_image(tmp_path: Path, image: str, modules: str) -> None:
    path = make_image(tmp_path / image)
    _add(tmp_path / modules, "kvm.ko")
    assert kernel_modules.find(path, RELEASE, None) == tmp_path / modules


def test_modules_are_found_through_a_link(tmp_path: Path) -> None:
    image = make_image(tmp_path / "boot")
    _add(tmp_path / INSTALLED, "kvm.ko")
    link = tmp_path / "elsewhere/vmlinuz"
    link.parent.mkdir()
    link.symlink_to(image)
    assert kernel_modules.find(link, RELEASE, None) == tmp_path / INSTALLED


def test_the_tree_that_a_kernel_was_built_in_holds_its_modules(tmp_path: Path) -> None:
    image = make_image(tmp_path / "arch/x86/boot")
    _add(tmp_path / "arch/x86/kvm", "kvm.ko")
    assert kernel_modules.find(image, RELEASE, None) is None  # it may be any folder
    (tmp_path / "modules.order").touch()
    assert kernel_modules.find(image, RELEASE, None) == tmp_path


def test_modules_of_another_release_are_not_taken(tmp_path: Path) -> None:
    image = make_image(tmp_path / "boot")
    _add(tmp_path / "lib/modules/6.98.0", "kvm.ko")
    assert kernel_modules.find(image, RELEASE, None) is None


@pytest.mark.parametrize("within", ["", INSTALLED, f"usr/{INSTALLED}", RELEASE])
def test_the_folder_given_may_hold_them_at_any_usual_place(tmp_path: Path, within: str) -> None:
    image, given = make_image(tmp_path / "boot"), tmp_path / "given"
    _add(given / within, "kvm.ko")
    found = kernel_modules.find(image, RELEASE, given)
    assert found is not None
    assert (found / "kernel/kvm.ko").exists() or found == given


def test_a_folder_given_without_modules_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no kernel module"):
        kernel_modules.find(make_image(tmp_path), RELEASE, tmp_path / "none")


def test_dependencies_come_first_and_each_once(tmp_path: Path) -> None:
    _add(tmp_path, "fs/9p.ko", module_bytes(["9pnet", "netfs"]))
    _add(tmp_path, "net/9pnet.ko")
    _add(tmp_path, "net/9pnet_virtio.ko", module_bytes(["9pnet"]))
    _add(tmp_path, "fs/netfs.ko")
    _add(tmp_path, "other.ko", b"not asked for, and not read")
    loaded = kernel_modules.load(tmp_path, ["9pnet_virtio", "9p"])
    assert list(loaded) == ["9pnet.ko", "9pnet_virtio.ko", "netfs.ko", "9p.ko"]
    assert loaded["9p.ko"] == module_bytes(["9pnet", "netfs"])


def test_a_dash_in_a_name_is_an_underscore(tmp_path: Path) -> None:
    _add(tmp_path, "kvm-amd.ko", module_bytes(["irq-bypass"]))
    _add(tmp_path, "irq_bypass.ko")
    assert list(kernel_modules.load(tmp_path, ["kvm_amd"])) == ["irq_bypass.ko", "kvm_amd.ko"]


def test_what_is_not_there_is_left_out_as_it_may_be_built_in(tmp_path: Path) -> None:
    _add(tmp_path, "9p.ko", module_bytes(["built_in"]))
    assert list(kernel_modules.load(tmp_path, ["virtio_pci", "9p"])) == ["9p.ko"]


@pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_packed_modules_are_unpacked(
    tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    _add(tmp_path, f"kvm.ko{ending}", pack(module_bytes(["irqbypass"])))
    _add(tmp_path, f"irqbypass.ko{ending}", pack(module_bytes()))
    loaded = kernel_modules.load(tmp_path, ["kvm"])
    assert loaded == {"irqbypass.ko": module_bytes(), "kvm.ko": module_bytes(["irqbypass"])}


@pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not installed")
def test_modules_packed_with_zstd_are_unpacked(tmp_path: Path) -> None:
    packed = subprocess.run(["zstd", "-c"], input=module_bytes(), capture_output=True, check=True)
    _add(tmp_path, "kvm.ko.zst", packed.stdout)
    assert kernel_modules.load(tmp_path, ["kvm"]) == {"kvm.ko": module_bytes()}
    _add(tmp_path, "kvm.ko.zst", b"damaged")
    with pytest.raises(UnavailableError, match="cannot be read"):
        kernel_modules.load(tmp_path, ["kvm"])


def test_without_zstd_the_remedy_is_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _add(tmp_path, "kvm.ko.zst", b"")
    with pytest.raises(UnavailableError, match="install zstd"):
        kernel_modules.load(tmp_path, ["kvm"])


@pytest.mark.parametrize("ending", ["", ".gz", ".xz"])
@pytest.mark.parametrize("content", [b"", b"damaged", gzip.compress(b"x" * 999, mtime=0)[:20]])
def test_a_damaged_module_is_named(tmp_path: Path, ending: str, content: bytes) -> None:
    path = _add(tmp_path, f"kvm.ko{ending}", content)
    with pytest.raises(UnavailableError, match="cannot be read") as caught:
        kernel_modules.load(tmp_path, ["kvm"])
    assert caught.value.thing == str(path)
