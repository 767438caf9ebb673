"""The VMM's pages in the plainest Python: an address shows a frame, or nothing."""

from dataclasses import dataclass, field

from xenperf.units import PAGE_SIZE


@dataclass
class Shown:
    """What lies behind one page of addresses."""

    frame: bytearray
    writable: bool = True


@dataclass
class Pages:
    """Frames by the address that shows them, and every frame there ever was, in order of birth.

    A frame that nothing shows any more is still there: what is written to it by mistake is seen.
    """

    shown: dict[int, Shown] = field(default_factory=dict)
    frames: list[bytearray] = field(default_factory=list)

    def show_new(self, hva: int, nr_pages: int = 1) -> None:
        """Let *nr_pages* from *hva* on show new frames, all zero."""
        for page in range(nr_pages):
            self.frames.append(bytearray(PAGE_SIZE))
            self.shown[hva + page * PAGE_SIZE] = Shown(self.frames[-1])

    def hide(self, hva: int, nr_pages: int = 1) -> None:
        """Let nothing lie behind *nr_pages* from *hva* on."""
        for page in range(nr_pages):
            self.shown.pop(hva + page * PAGE_SIZE, None)

    def for_writing(self, hva: int) -> bytearray | None:
        """Return the frame behind *hva*, if it may be written."""
        shown = self.shown.get(hva - hva % PAGE_SIZE)
        return shown.frame if shown is not None and shown.writable else None


def get_bits(frame: bytearray, at: int, nr_bytes: int) -> int:
    """Return *nr_bytes* at byte *at* as one number."""
    return int.from_bytes(frame[at : at + nr_bytes], "little")


def put_bits(frame: bytearray, at: int, nr_bytes: int, bits: int) -> None:
    """Store *bits* as *nr_bytes* at byte *at*."""
    frame[at : at + nr_bytes] = bits.to_bytes(nr_bytes, "little")


def is_set(frame: bytearray, at: int, bit: int) -> bool:
    """Tell whether *bit* of the bytes from *at* on is set."""
    return bool(frame[at + bit // 8] & 1 << bit % 8)


def set_bit(frame: bytearray, at: int, bit: int) -> bool:
    """Set *bit* of the bytes from *at* on; tell whether it was clear."""
    was_clear = not is_set(frame, at, bit)
    frame[at + bit // 8] |= 1 << bit % 8
    return was_clear
