"""Why a VM gave no answer: one line each."""

from pathlib import Path
from typing import Final

from xenperf.errors import UnavailableError
from xenperf.live import qemu
from xenperf.live.console import Console

_SEE: Final = "see its last lines above"


def crashed(seen: Console) -> bool:
    """Tell whether the kernel died or hangs; else the emulator refused, or time was up."""
    return seen.silent_s is not None or (seen.ended and seen.status == 0 and seen.told is None)


def death(seen: Console) -> str:
    """Return how the kernel died, in a few words."""
    if seen.silent_s is not None:
        return f"the kernel hangs (no sign of life for {seen.silent_s:g} s)"
    if seen.cause is None:
        return "the VM ended without an answer"
    return f"the kernel died ({', '.join(filter(None, (seen.cause, seen.place)))})"


def unanswered(image: Path, seen: Console, nr_boots: int, *, hardware: bool) -> UnavailableError:
    """Return why *image* gave no answer in *nr_boots* boots, the last of which is *seen*."""
    if seen.told is not None:
        reason, _, remedy = seen.told.partition("; ")
        return UnavailableError(str(image), reason, remedy or None)
    if seen.status != 0:
        reason = seen.last[-1] if seen.last else f"ended with status {seen.status}"
        others = "use --accel tcg" if hardware else "install another version"
        remedy = f"give it what it lacks, or {others}"
        return UnavailableError(qemu.PROGRAM, reason.removeprefix(f"{qemu.PROGRAM}: "), remedy)
    often = f" in each of {nr_boots} boots" if nr_boots > 1 else ""
    remedy = f"{_SEE}; the image may be broken, or made for another machine"
    return UnavailableError(str(image), f"{death(seen)}{often}", remedy)


def too_late(image: Path, timeout_s: int, has_begun: bool) -> UnavailableError:
    """Return the words for a VM that was still running when time was up."""
    doing = "the command was still running" if has_begun else "the command had not begun"
    reason = f"no answer within {timeout_s} s, {doing}"
    return UnavailableError(str(image), reason, f"{_SEE}, or give more --timeout")
