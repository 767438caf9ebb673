"""Where a kernel tells about itself: places that several rooms look at."""

from pathlib import Path
from typing import Final

CLOCK_SOURCE: Final = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
"""What the kernel takes its time from: ``tsc``, ``hpet``, ``kvm-clock`` ..."""
