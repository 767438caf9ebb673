"""Faults planted in the model that the checks of events find, with a schedule that shows each."""

from pathlib import Path

import pytest

from tests.explore.planted import planted
from xenperf.explore.pair import Pair
from xenperf.explore.tap import Tap
from xenperf.hypervisor import Activation

GPA, HVA = Activation.GPA, Activation.HVA
FOUND = {
    ("activation_always_succeeds", "activate", "delete", GPA): "tells the contrary of what it left",
    ("masked_events_are_told", "send", "poll", HVA): "bits 0x2 are those of masked ports",
    ("merged_events_are_told", "send", "resend", HVA): "told the vCPU again",
    ("split_test_and_set", "send", "resend", GPA): "was new 2 times",
    ("selector_of_32_bits", "send", "send", GPA): "bits 0x4 are those of ports that nobody sent",
    ("timer_stays_set", "inject", "send", GPA): "the timer has pending 0, and expires at",
    ("poll_is_recorded_too_late", "send", "poll", HVA): "sleeps in its poll of a port",
    ("poll_is_recorded_too_late", "irqfd", "poll", GPA): "sleeps in its poll of a port",
    ("deactivation_leaves_it_active", "deactivate", "send", HVA): "was deactivated and is active",
    ("mode_switch_clears_masks", "send", "long_mode", GPA): "changed the bits at offset 0xa00",
    ("wakeup_queues_nothing", "irqfd", "invalidate", HVA): "the event of port 70 is lost by HVA",
}


@pytest.mark.parametrize("found", FOUND, ids=lambda found: f"{found[0]}-{found[3]}")
def test_a_planted_fault_is_found_and_its_schedule_shows_it_again(
    tmp_path: Path, found: tuple[str, str, str, Activation]
) -> None:
    fault, first, second, by = found
    with Pair(first, second, by, Tap(planted(tmp_path, fault))) as faulty:
        violations = faulty.explore(2).violations
        shown = [each for each in violations if FOUND[found] in each.what]
        assert shown, violations
        assert shown[0].what in faulty.replay(shown[0].schedule).violations
