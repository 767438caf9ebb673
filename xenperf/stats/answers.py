"""A case that two kernels of a series answered differently."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """One case by one activation, and the two kernels between which its answer changed."""

    case: str
    activation: str
    sides: tuple[str, str]
    before: str
    after: str
    was_right: bool
    is_right: bool

    @property
    def what(self) -> str:
        """What became of it, seen from what either kernel is expected to answer."""
        if self.was_right == self.is_right:
            return "right on both" if self.is_right else "still wrong"
        return "now right" if self.is_right else "now wrong"

    @property
    def is_worse(self) -> bool:
        """Tell whether a kernel that was right was followed by one that is not."""
        return self.was_right and not self.is_right
