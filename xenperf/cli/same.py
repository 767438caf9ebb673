"""Whether what was begun can go on here: machine, kernel and sources have to be what they were."""

from collections.abc import Mapping

from xenperf.cli.saving import LOAD, sources
from xenperf.errors import UsageError
from xenperf.record.recorded import Plain

Environments = tuple[Mapping[str, Plain], Mapping[str, Plain]]


def check_conditions(file: str, command: str, then_and_now: Environments, measured: str) -> None:
    """Raise ``UsageError`` if going on would mix two machines, kernels or sources.

    measured
        The digest of the sources that *file* was begun with, by *command*.
    """
    reason = "cannot be resumed"
    remedy = f"measure from the start: {command}"
    then, now = then_and_now
    for name in sorted((then.keys() | now.keys()) - LOAD):
        was, found = then.get(name), now.get(name)
        if was != found:
            raise UsageError(file, f"{reason}: {name} was {was}, now it is {found}", remedy)
    if measured != sources():
        raise UsageError(file, f"{reason}: sources or compiler settings have changed", remedy)
