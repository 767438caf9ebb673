"""What of a kernel a VM is booted with, in digests: rebuilt under the same name, it is another."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xenperf.live import kernel_image, kernel_modules, qemu


@dataclass(frozen=True, slots=True)
class Identity:
    """SHA-256 digests, in hexadecimal."""

    image: str
    modules: Mapping[str, str]
    """Of each module that some VM loads, unpacked, by the name of its file."""

    @property
    def digest(self) -> str:
        """One of everything."""
        lines = [f"{digest} {name}\n" for name, digest in sorted(self.modules.items())]
        return hashlib.sha256("".join([f"{self.image}\n", *lines]).encode()).hexdigest()

    @property
    def kvm(self) -> dict[str, str]:
        """KVM's own modules; none where it is built in."""
        return {name: one for name, one in self.modules.items() if name.startswith("kvm")}


def identity(image: Path, modules: Path | None) -> Identity:
    """Return what *image* is now, with those of its modules that ``boot`` would load.

    modules
        Where they are; None: look beside the image.

    Raise ``UsageError`` for what is no kernel or no module, and ``UnavailableError`` for a module
    that cannot be read.
    """
    release = kernel_image.release(image)
    loaded = kernel_modules.needed(image, release, modules, qemu.ALL_MODULES)
    with image.open("rb") as file:
        return Identity(
            image=hashlib.file_digest(file, "sha256").hexdigest(),
            modules={name: hashlib.sha256(one).hexdigest() for name, one in loaded.items()},
        )
