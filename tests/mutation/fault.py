"""A fault: what is planted where, which rule of KVM it breaks, and who should notice."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from xenperf.errors import UsageError

ROOT: Final = Path(__file__).parents[2]
FAULTS: Final = Path(__file__).parent / "faults"
KINDS: Final = (
    *("dropped lock", "missing fence", "missing wait", "swapped order", "split atomic"),
    *("wrong bit", "wrong place", "wrong generation", "off by one", "missing range check"),
    *("missing test", "missing step", "wrong answer"),
)


class MisfitError(UsageError):
    """A fault that cannot be planted as it is written; the line names its file and the fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One change that makes the model wrong."""

    name: str
    """The file of faults and a few words, such as ``locks/srcu-one-pass``."""

    file: str
    """What is changed, from the root of the checkout."""

    kind: str
    rule: str
    """The rule of KVM that no longer holds, in one sentence."""

    edits: tuple[tuple[str, str], ...]
    """Texts that occur exactly once, each with what takes its place."""

    tests: tuple[str, ...]
    """Those that should notice, as pytest takes them; they run first."""

    survives: str = ""
    """Why no test notices, where that is known."""

    def planted_in(self, source: str) -> str:
        """Return *source* with the fault; ``MisfitError`` where it does not fit."""
        for text, replacement in self.edits:
            found = source.count(text)
            if found != 1:
                raise self.misfit(f"{self.file} has {_shown(text)} {found} times, not once")
            source = source.replace(text, replacement)
        return source

    def misfit(self, reason: str) -> MisfitError:
        """Return the error that says why this fault cannot be planted."""
        return MisfitError(f"fault {self.name}", reason, "bring the fault up to date")


def load(folder: Path = FAULTS) -> list[Fault]:
    """Return every fault of the TOML files in *folder*, in order; ``MisfitError`` for a bad one."""
    faults = [fault for path in sorted(folder.glob("*.toml")) for fault in _read(path)]
    names = [fault.name for fault in faults]
    for name in names:
        if names.count(name) > 1:
            raise MisfitError(f"fault {name}", "there are two of that name", "rename one")
    return faults


def _read(path: Path) -> Iterator[Fault]:
    """Yield the faults of one file; what stands before the first holds for all of them."""
    content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    common = {name: content[name] for name in ("file", "tests") if name in content}
    for entry in content["fault"]:
        fields = {**common, **entry, "name": f"{path.stem}/{entry.get('name', '?')}"}
        try:
            fault = Fault(
                **{
                    **fields,
                    "edits": tuple((text, other) for text, other in fields.get("edits", ())),
                    "tests": tuple(fields.get("tests", ())),
                }
            )
        except (TypeError, ValueError) as error:
            raise MisfitError(f"fault {fields['name']}", f"{path.name}: {error}") from None
        _check(fault)
        yield fault


def _check(fault: Fault) -> None:
    if fault.kind not in KINDS:
        raise fault.misfit(f"{fault.kind!r} is no kind: {', '.join(KINDS)}")
    if not (fault.rule and fault.edits and fault.tests):
        raise fault.misfit("it needs a rule, edits and tests")
    if any(text == replacement for text, replacement in fault.edits):
        raise fault.misfit("an edit changes nothing")


def chosen(faults: Sequence[Fault], names: Sequence[str]) -> list[Fault]:
    """Return the faults whose names match one of the globs *names*; without any, all."""
    matching = [f for f in faults if not names or any(fnmatchcase(f.name, name) for name in names)]
    if not matching:
        raise UsageError("--only", f"no fault is called {' or '.join(names)}", "see --list")
    return matching


def _shown(text: str) -> str:
    first = text.strip().partition("\n")[0]
    return repr(first if first == text.strip() else f"{first} ...")
