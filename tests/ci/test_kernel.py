"""``.ci/kernel``, with an apt and a dpkg that do as each test tells them."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "kernel"
RELEASE = "6.99.1-amd64"
IMAGE = f"linux-image-{RELEASE}"
TARGETS = "Debian main oldname-updates http://x/u\nDebian main oldname http://x/debian\n"

APT_GET = """#!/bin/sh
case "$*" in
    indextargets*) printf '{targets}' ;;
    *update) [ ! -e "{here}/offline" ] ;;
    *download*) touch one.deb; echo "$*" >>"{here}/downloads" ;;
esac
"""
APT_CACHE = f"""#!/bin/sh
case "$*" in
    *depends\\ linux-image-amd64) echo '  Depends: {IMAGE}' ;;
    *) echo '  Depends: kmod' ;;
esac
"""
DPKG = """#!/bin/sh
mkdir -p "$3/{place}" "$3/lib/modules"
touch "$3/{place}/vmlinuz-{release}" "$3/lib/modules/{module}"
echo '{symbol}' >"$3/lib/modules/kvm.ko"
"""
XEN = "kvm_xen_hvm_evtchn_send"


def _dpkg(module: str = "9p.ko.xz", symbol: str = XEN, place: str = "boot") -> str:
    return DPKG.format(release=RELEASE, module=module, symbol=symbol, place=place)


@dataclass(frozen=True, slots=True)
class Bench:
    """A PATH with programs of the test's own before the system's, and the script's folder."""

    here: Path

    @property
    def kernels(self) -> Path:
        return self.here / "kernels"

    def add(self, name: str, text: str) -> None:
        path = self.here / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(SCRIPT), *words],
            env={"PATH": f"{self.here}/bin:{os.environ['PATH']}", "XENPERF_KERNELS": self.kernels},
            cwd=self.here,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.add("qemu-system-x86_64", "")
    made.add("apt-get", APT_GET.format(targets=TARGETS.replace("\n", "\\n"), here=tmp_path))
    made.add("apt-cache", APT_CACHE)
    made.add("dpkg", _dpkg())
    return made


def test_the_image_is_unpacked_once_and_named_every_time(bench: Bench) -> None:
    image = f"{bench.kernels}/{IMAGE}/boot/vmlinuz-{RELEASE}\n"
    assert [bench.run().stdout for _ in range(2)] == [image, image]
    assert len((bench.here / "downloads").read_text().splitlines()) == 1
    assert {path.name for path in bench.kernels.iterdir()} == {"image", IMAGE}


def test_packages_in_parts_are_put_together(bench: Bench) -> None:
    parts = ("linux-image", "linux-modules", "linux-binary")
    needed = [f"  Depends: {part}-{RELEASE}" for part in parts[1:]]
    echoes = "\n".join(f"echo '{line}'" for line in ("  Depends: kmod", *needed))
    bench.add("apt-cache", APT_CACHE.replace("echo '  Depends: kmod'", echoes))
    bench.add("dpkg", _dpkg(place=f"usr/lib/modules/{RELEASE}"))
    assert Path(bench.run().stdout.strip()).parent.name == RELEASE
    (line,) = (bench.here / "downloads").read_text().splitlines()
    assert all(f"{part}-{RELEASE}" in line for part in parts)


def test_an_image_that_has_gone_is_fetched_again(bench: Bench) -> None:
    Path(bench.run().stdout.strip()).unlink()
    assert Path(bench.run().stdout.strip()).is_file()


@pytest.mark.parametrize(("module", "symbol"), [("9p.ko.xz", "kvm_set_irq"), ("other.ko", XEN)])
def test_a_kernel_that_will_not_do_is_not_taken(bench: Bench, module: str, symbol: str) -> None:
    bench.add("dpkg", _dpkg(module=module, symbol=symbol))
    done = bench.run()
    assert (done.returncode, done.stdout) == (3, "")
    assert "oldname-backports: no kernel that will do" in done.stderr
    assert "docs/kernels.md" in done.stderr.splitlines()[-1]
    assert list(bench.kernels.iterdir()) == []


def test_a_kernel_without_hva_is_not_taken(bench: Bench) -> None:
    bench.add("apt-cache", APT_CACHE.replace(IMAGE, "linux-image-6.1.0-50-amd64"))
    assert bench.run().returncode == 3
    assert not (bench.here / "downloads").exists()


def test_a_kernel_without_xen_is_asked_for_and_kept_apart(bench: Bench) -> None:
    old = "linux-image-6.1.0-50-amd64"
    bench.add("apt-cache", APT_CACHE.replace(IMAGE, old))
    bench.add("dpkg", _dpkg(symbol="kvm_set_irq"))
    image = f"{bench.kernels}/{old}/boot/vmlinuz-{RELEASE}\n"
    assert [bench.run("--without-xen").stdout for _ in range(2)] == [image, image]
    assert {path.name for path in bench.kernels.iterdir()} == {"image-without-xen", old}
    assert bench.run().returncode == 3  # it is no answer to the other question


def test_where_every_kernel_has_xen_none_is_without(bench: Bench) -> None:
    done = bench.run("--without-xen")
    assert (done.returncode, done.stdout) == (3, "")
    assert "the kernel of oldname will not do" in done.stderr.splitlines()[-1]


def test_another_argument_is_misuse(bench: Bench) -> None:
    done = bench.run("--nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown argument --nonsense" in done.stderr


def test_offline_it_says_so_and_leaves_nothing(bench: Bench) -> None:
    (bench.here / "offline").touch()
    assert bench.run().returncode == 3
    assert list(bench.kernels.iterdir()) == []


def test_another_distribution_is_told_where_to_read_on(bench: Bench) -> None:
    bench.add("apt-get", "#!/bin/sh\necho 'Other main name http://x/other'\n")
    done = bench.run()
    assert done.returncode == 3
    assert "no Debian archive among apt's sources; see docs/kernels.md" in done.stderr
