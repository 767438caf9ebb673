"""Whether figures measured here can be trusted, and what can be had here; changes nothing."""

from xenperf.measure import probe_machine, probe_time, probe_tools
from xenperf.measure.probe_fact import Fact, Read, read_file


def facts(read: Read = read_file) -> list[Fact]:
    """Return everything found, in an order to be read; takes up to five seconds."""
    return [*probe_machine.facts(read), *probe_time.facts(read), *probe_tools.facts()]
