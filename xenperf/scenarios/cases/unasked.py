"""Cases that cannot be put to any back end yet, each with the reason."""

from typing import Final

from xenperf.scenarios.cases.case import Unasked

UNASKED: Final = (
    Unasked("send.149_priority", "the send of a back end always has the one priority KVM takes"),
    Unasked("shadow.35_exit_at_once", "a back end enters the guest; it cannot turn back at once"),
    Unasked("ports.62_bad_pointer", "the guest of a back end makes no call with a bad pointer"),
    Unasked("notifier.70_page_dropped", "a back end replaces or unmaps a page; it drops none"),
    Unasked("notifier.81_after_walk", "needs two actors at once, as xenperf explore has them"),
    Unasked("notifier.82_unrelated_range", "needs two actors at once, as xenperf explore has them"),
    Unasked("process.78_forked", "a VM of a back end is used by the process that made it"),
)
