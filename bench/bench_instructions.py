"""Instructions of one operation, counted under Valgrind: exact, on a busy machine too.

A few costs, to stay within seconds; ``xenperf run --count instructions`` counts them all.
"""

try:
    from xenperf.errors import UnavailableError, XenperfError
    from xenperf.hypervisor import Activation
    from xenperf.measure.count_plan import CountPlan
    from xenperf.measure.instructions import count
except ImportError as missing:  # a commit from before this room
    WHY_NOT = str(missing)
else:
    WHY_NOT = None

from .common import ACTIVATIONS, picked

NAMES = (
    *("send.delivered", "send.after_slot_change", "gpc.refresh_stale", "gpc.refresh_invalid"),
    *("shinfo.activate_again", "lock.read"),
)


def setup_cache():
    """Count everything in one process under Valgrind, after a rehearsal that compiles."""
    if WHY_NOT is not None:
        return {"lacks": f"this commit cannot count instructions: {WHY_NOT}"}
    try:
        counts = count(_plan())
    except UnavailableError as error:  # no Valgrind, no folder for compiled code
        return {"lacks": str(error)}
    except XenperfError as error:
        return {"failed": str(error)}
    found = {}
    for name in NAMES:
        by = {each: counts.tallies.get((name, Activation(each))) for each in ACTIVATIONS}
        found[name] = {each: tally.mean for each, tally in by.items() if tally is not None}
        if name in counts.invalid:
            found[name] = {"failed": f"{name}: {counts.invalid[name]}"}
    return found


setup_cache.timeout = 300


def _plan():
    """Return the plan of both activations: a list of pairs, where older commits have names."""
    made = getattr(CountPlan, "of", CountPlan)
    return made(NAMES, runs=1)


class Instructions:
    """Of one operation, its share of the loop included."""

    version = "1"
    params = (NAMES, ACTIVATIONS)
    param_names = ("benchmark", "activation")
    unit = "instructions"

    def track_instructions(self, found, benchmark, activation):
        return picked(found, benchmark, activation)
