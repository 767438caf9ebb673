import gzip
from pathlib import Path

import pytest

from tests.live.fake_kernels import RELEASE, make_image, module_bytes
from xenperf.errors import UsageError
from xenperf.live.identity import Identity, identity


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return an image with KVM's modules beside it, and one that no VM loads."""
    path = make_image(tmp_path / "boot")
    modules = tmp_path / "lib/modules" / RELEASE
    modules.mkdir(parents=True)
    (modules / "kvm-amd.ko").write_bytes(module_bytes(["kvm"]))
    for name in ("kvm", "9p", "sound"):
        (modules / f"{name}.ko").write_bytes(module_bytes())
    return path


def modules_of(image: Path) -> Path:
    return image.parents[1] / "lib/modules" / RELEASE


def changed(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"rebuilt")


def test_it_names_what_a_vm_may_load(image: Path) -> None:
    found = identity(image, None)
    assert found.modules.keys() == {"9p.ko", "kvm.ko", "kvm_amd.ko"}
    assert found.kvm.keys() == {"kvm.ko", "kvm_amd.ko"}
    assert found == identity(image, modules_of(image))


@pytest.mark.parametrize("name", ["kvm-amd.ko", "kvm.ko", "9p.ko"])
def test_a_rebuilt_module_makes_another_kernel(image: Path, name: str) -> None:
    before = identity(image, None)
    changed(modules_of(image) / name)
    after = identity(image, None)
    assert (after == before, after.digest == before.digest) == (False, False)
    assert after.image == before.image


def test_a_rebuilt_image_makes_another_kernel(image: Path) -> None:
    before = identity(image, None)
    changed(image)
    after = identity(image, None)
    assert (after.modules, after.digest == before.digest) == (before.modules, False)


def test_what_no_vm_loads_and_how_it_is_packed_make_no_difference(image: Path) -> None:
    before = identity(image, None)
    changed(modules_of(image) / "sound.ko")
    plain = modules_of(image) / "kvm.ko"
    (modules_of(image) / "kvm.ko.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert identity(image, None) == before


def test_what_is_built_in_is_in_the_image(tmp_path: Path) -> None:
    found = identity(make_image(tmp_path), None)
    assert (found.modules, found.kvm) == ({}, {})


def test_modules_that_change_places_change_the_digest() -> None:
    one = Identity("i", {"kvm.ko": "a", "9p.ko": "b"})
    assert one.digest == Identity("i", {"9p.ko": "b", "kvm.ko": "a"}).digest
    assert one.digest != Identity("i", {"kvm.ko": "b", "9p.ko": "a"}).digest


def test_a_folder_without_modules_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no kernel module"):
        identity(make_image(tmp_path / "boot"), tmp_path)
