"""A kernel image in a file: is it one, and of which release?"""

import struct
from pathlib import Path
from typing import Final

from xenperf.errors import UsageError

# Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"; the same since protocol 2.00.
_BOOT_FLAG: Final = (0x1FE, b"\x55\xaa")
_HEADER: Final = (0x202, b"HdrS")
_VERSION_POINTER: Final = 0x20E  # 16 bits; the text stands 0x200 further on
_SETUP_BYTES: Final = 0x10000
_REMEDY: Final = "give a vmlinuz, or arch/x86/boot/bzImage of a kernel tree"


def release(image: Path) -> str:
    """Return the release that *image* will report by ``uname -r``.

    Raise ``UsageError`` if *image* cannot be read or is no bzImage for x86.
    """
    try:
        with image.open("rb") as file:
            setup = file.read(_SETUP_BYTES)
    except OSError as error:
        raise UsageError(str(image), f"cannot be read: {error.strerror}", _REMEDY) from error
    for offset, magic in (_BOOT_FLAG, _HEADER):
        if setup[offset : offset + len(magic)] != magic:
            raise UsageError(str(image), "is no kernel image for x86", _REMEDY)
    (pointer,) = struct.unpack_from("<H", setup, _VERSION_POINTER)
    text = setup[pointer + 0x200 :].partition(b"\0")[0].decode("ascii", "replace")
    if not pointer or not text.split():
        raise UsageError(str(image), "does not tell its release", _REMEDY)
    return text.split()[0]
