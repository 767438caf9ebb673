"""An eventfd bound to a GSI: its wakeup and its work item (virt/kvm/eventfd.c, v6.9).

Each GSI has one. Left out: interrupts, and the copy of the route that its seqcount protects.
"""

from xenperf.jit import op
from xenperf.model.constants import ONE, RC_EWOULDBLOCK, W0, W1, ZERO
from xenperf.model.layout import VM_NR_GSIS
from xenperf.model.routes import gsi_at, set_irq, set_irq_inatomic
from xenperf.model.source_layout import GSI_IS_QUEUED, GSI_SHIFT
from xenperf.words import Word, exchange32, exchange64, fetch_add64, fetch_or32, load32, load64


@op
def signal(vm: Word, cpu: Word, gsi: Word, count: Word) -> Word:
    """Add *count* to the eventfd of *gsi*, which exists, and let ``irqfd_wakeup()`` run.

    It drains the counter first of all, then tries the fast path. Of its outcomes only -EWOULDBLOCK
    has a consequence: the work item is queued, unless it is. Returns that outcome, which no writer
    is told.
    """
    record = gsi_at(vm, gsi)
    fetch_add64(record, count)
    exchange64(record, ZERO)
    rc = set_irq_inatomic(vm, cpu, record)
    if rc == RC_EWOULDBLOCK:
        fetch_or32(record + GSI_IS_QUEUED, W1)
    return rc


@op
def run_work(vm: Word, cpu: Word) -> Word:
    """Run every work item that is queued: ``irqfd_inject()``; return how many there were.

    Each raises its GSI and lowers it again; what became of that is not looked at.
    """
    done = ZERO
    gsi = ZERO
    record = gsi_at(vm, gsi)
    past = gsi_at(vm, load64(vm + VM_NR_GSIS))
    while record < past:
        queued = record + GSI_IS_QUEUED
        if load32(queued) != W0 and exchange32(queued, W0) != W0:
            set_irq(vm, cpu, gsi, ONE)
            done += ONE
        gsi += ONE
        record += ONE << GSI_SHIFT
    return done
