"""Every schedule of two operations, counted: exact, and the same on every machine."""

try:
    from xenperf.explore.pair import Pair
    from xenperf.explore.tap import Tap
    from xenperf.hypervisor import Activation
    from xenperf.model.patches import KERNELS
except ImportError as missing:  # a commit from before this room, or no greenlet
    WHY_NOT = str(missing)
else:
    WHY_NOT = None

from .common import ACTIVATIONS, picked

NR_PREEMPTIONS = 2
MERGED = "gpa-hva"  # the kernel that a tap is of when nothing is said
CHANGES = ("delete", "move", "break_apart")
SOURCES = ("irqfd", "inject", "timer", "guest_send", "poll")
PAIRS = (
    *((MERGED, "send", change) for change in CHANGES),
    ("atomic", "send", "overlay_at_once"),
    *((MERGED, source, "break_apart") for source in SOURCES),
)


def setup_cache():
    """Explore every pair by both activations, once for all the classes here."""
    if WHY_NOT is not None:
        return {"lacks": f"this commit cannot explore: {WHY_NOT}"}
    found = {}
    for kernel, first, second in PAIRS:
        found[f"{first} {second}"] = {
            activation: explored(kernel, (first, second), activation) for activation in ACTIVATIONS
        }
    return found


def explored(kernel, names, activation):
    """Return the counts of one pair, or why there are none."""
    try:
        tap = Tap() if kernel == MERGED else Tap(patches=KERNELS[kernel])
        with Pair(*names, Activation(activation), tap) as pair:
            found = pair.explore(NR_PREEMPTIONS)
    except (KeyError, TypeError) as missing:  # no such kernel or operation at this commit
        return {"lacks": f"this commit cannot explore {kernel}: {missing}"}
    counts = {name: getattr(found, name, None) for name in ("nr_refused_sends", "nr_lost_events")}
    counts |= {"nr_schedules": found.nr_schedules, "nr_violations": len(found.violations)}
    return {name: count for name, count in counts.items() if count is not None}


setup_cache.timeout = 300


class _Schedules:
    """Counts over all schedules of two operations. A leaf sets its version."""

    param_names = ("against", "activation")
    unit = "schedules"

    def names(self, against):
        """Return the two operations."""
        return "send", against

    def count(self, found, against, activation, count):
        """Return one count of a pair."""
        return picked(found, " ".join(self.names(against)), activation, count)

    def track_schedules(self, found, against, activation):
        return self.count(found, against, activation, "nr_schedules")

    def track_violations(self, found, against, activation):
        return self.count(found, against, activation, "nr_violations")


class _Sends(_Schedules):
    """Those of a send."""

    def track_refused_sends(self, found, against, activation):
        return self.count(found, against, activation, "nr_refused_sends")


class Schedules(_Sends):
    """A send while memslots change."""

    version = "2"
    params = (CHANGES, ACTIVATIONS)


class AtomicSchedules(_Sends):
    """A send while the wished atomic update lays the overlay."""

    version = "2"
    params = (("overlay_at_once",), ACTIVATIONS)


class UntoldSchedules(_Schedules):
    """Events that nobody is told the fate of, and the guest's calls, while the overlay is laid."""

    version = "2"
    params = (SOURCES, ACTIVATIONS)

    def names(self, against):
        return against, "break_apart"

    def track_lost_events(self, found, against, activation):
        return self.count(found, against, activation, "nr_lost_events")
