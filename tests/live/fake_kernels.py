"""Images and modules that look like a kernel's, and emulators that do as they are told."""

import struct
from collections.abc import Sequence
from pathlib import Path

RELEASE = "6.99.1-test"

FAKE_QEMU = """#!/bin/sh
for word in "$@"; do
    case $word in
        local,id=xenperf-out,*) out=${{word#*path=}}; out=${{out%%,security*}} ;;
    esac
done
echo "[    0.000000] Linux version {release}"
{body}
"""

ANSWERING = """
printf 'said\\n' >"$out/stdout"
printf 'complained\\n' >"$out/stderr"
echo {code} >"$out/exit"
"""


def image_bytes(release: str = RELEASE) -> bytes:
    """Return the start of a bzImage (Documentation/arch/x86/boot.rst), written out by hand."""
    setup = bytearray(0x1000)
    setup[0x1FE:0x200] = b"\x55\xaa"
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", setup, 0x20E, 0x600)
    text = f"{release} (someone@somewhere) #1 SMP\0".encode()
    setup[0x800 : 0x800 + len(text)] = text
    return bytes(setup)


def make_image(folder: Path, release: str = RELEASE) -> Path:
    """Write an image and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"vmlinuz-{release}"
    path.write_bytes(image_bytes(release))
    return path


def module_bytes(depends: Sequence[str] = ()) -> bytes:
    """Return what stands around the names of a module's dependencies."""
    return b"\x7fELF\0license=GPL\0depends=" + ",".join(depends).encode() + b"\0name=it\0"


def make_qemu(folder: Path, body: str) -> Path:
    """Write an emulator for the PATH that runs *body*, a shell script that knows ``$out``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "qemu-system-x86_64"
    path.write_text(FAKE_QEMU.format(body=body, release=RELEASE))
    path.chmod(0o755)
    return path
