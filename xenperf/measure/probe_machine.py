"""What the kernel tells about this machine, read from ``/proc`` and ``/sys``; nothing is timed."""

import os
from typing import Final

from xenperf.abi.sysfs import CLOCK_SOURCE
from xenperf.measure.environment import cpu_model, parsed_pressure
from xenperf.measure.probe_fact import NOT_VISIBLE, Fact, Grade, Read

CPUINFO: Final = "/proc/cpuinfo"
GOVERNOR: Final = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
HUGE_PAGES: Final = "/sys/kernel/mm/transparent_hugepage/"
PRESSURE: Final = "/proc/pressure/cpu"
RANDOMISED: Final = "/proc/sys/kernel/randomize_va_space"
VENDOR: Final = "/sys/class/dmi/id/sys_vendor"
PRODUCT: Final = "/sys/class/dmi/id/product_name"
SLOW_CLOCKS: Final = frozenset({"hpet", "acpi_pm", "jiffies", "refined-jiffies"})
STEADY_GOVERNORS: Final = frozenset({"performance"})
BUSY_PRESSURE: Final = 10.0  # per cent of the last ten seconds


def facts(read: Read) -> list[Fact]:
    """Return what *read* finds."""
    looked_at = (cpus, hypervisor, clock_source, governor, load, pressure, huge_pages, aslr)
    return [look(read) for look in looked_at]


def cpus(read: Read) -> Fact:
    """Return how many processors this process may use, and which they are."""
    usable, online = len(os.sched_getaffinity(0)), os.cpu_count()
    return Fact(
        "cpus",
        f"{usable} of {online}, {cpu_model(read(CPUINFO)) or 'model not told'}",
        usable,
        "on a single one the benchmark shares it with whatever else runs",
        "leave one to the rest of the system; widen a taskset or a cgroup",
        Grade.OK if usable > 1 else Grade.NOTE,
    )


def hypervisor(read: Read) -> Fact:
    """Return what this machine runs on."""
    is_guest = " hypervisor" in (read(CPUINFO) or "")
    names = [name for name in (read(VENDOR), read(PRODUCT)) if name]
    kind = "virtual machine" if is_guest else "none seen"
    return Fact(
        "hypervisor",
        ", ".join([kind, *names] if is_guest else [kind]),
        kind,
        "a host may take time away, move vCPUs and hide counters and frequencies",
        "compare within one run only; for finer figures use a bare machine",
        Grade.NOTE if is_guest else Grade.OK,
    )


def clock_source(read: Read) -> Fact:
    """Return what the kernel takes its time from."""
    found = read(str(CLOCK_SOURCE))
    return Fact(
        "clock_source",
        found or NOT_VISIBLE,
        found,
        "a source outside the processor makes each look at the clock cost a microsecond",
        "if the TSC is stable here, boot with clocksource=tsc",
        Grade.NOTE if found in SLOW_CLOCKS else Grade.OK,
    )


def governor(read: Read) -> Fact:
    """Return who chooses the frequency."""
    found = read(GOVERNOR)
    return Fact(
        "governor",
        found or NOT_VISIBLE,
        found,
        "a frequency that changes while one side runs looks like a difference",
        "choose performance if the machine is yours (cpupower frequency-set)",
        Grade.OK if found in STEADY_GOVERNORS else Grade.NOTE,
    )


def load(read: Read) -> Fact:
    """Return the load of the last minute."""
    found, usable = os.getloadavg()[0], len(os.sched_getaffinity(0))
    return Fact(
        "load",
        f"{found:.2f} on {usable} CPUs",
        round(found, 2),
        "neighbours evict caches and take the processor in the middle of a slice",
        "end what can wait, or use more --workers; counts need no quiet",
        Grade.NOTE if found > usable else Grade.OK,
    )


def pressure(read: Read) -> Fact:
    """Return how much of the last ten seconds some task waited for a processor."""
    found = parsed_pressure(read(PRESSURE))
    return Fact(
        "pressure",
        NOT_VISIBLE if found is None else f"{found:g} % of 10 s waited for a CPU",
        found,
        "who waits for a processor comes back to cold caches",
        "as for load; not visible means a kernel without PSI or with psi=0",
        Grade.NOTE if found is None or found > BUSY_PRESSURE else Grade.OK,
    )


def huge_pages(read: Read) -> Fact:
    """Return whether memory may be backed by huge pages: private, and shared as the model's is."""
    names = ("enabled", "shmem_enabled")
    found = {name: _chosen(read(f"{HUGE_PAGES}{name}")) for name in names}
    text = f"private {found['enabled']}, shared {found['shmem_enabled']}"
    return Fact(
        "huge_pages",
        text,
        text,
        "they save TLB misses, and come or not by luck; the model's pages are shared",
        "leave it, and compare only runs with the same setting",
    )


def aslr(read: Read) -> Fact:
    """Return whether addresses are drawn anew in each process."""
    found = read(RANDOMISED)
    words = {"0": "off", "1": "on, heap fixed", "2": "on"}
    return Fact(
        "aslr",
        words.get(found or "", NOT_VISIBLE),
        found,
        "addresses decide about cache conflicts; drawn anew, workers average over them",
        "leave it on: off, all workers share one layout's luck",
        Grade.NOTE if found == "0" else Grade.OK,
    )


def _chosen(text: str | None) -> str:
    """Return what stands in brackets: the choice that is in force."""
    return (text or "").partition("[")[2].partition("]")[0] or NOT_VISIBLE
