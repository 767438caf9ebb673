"""What the two threads of a stress run do, as compiled loops: one raises events, one churns.

Both work on one modelled VM, each as a processor of its own, and share the words of
``layout.RUN``. All code is in this one file: the compiled-code cache looks for changes there only.
"""

from typing import Final

from tests.model.steps import step
from xenperf.jit import op
from xenperf.model import activation, notifier, shinfo, slot_update, vcpu
from xenperf.model.bits import clear_bit
from xenperf.model.constants import (
    ONE,
    PAGE,
    PENDING,
    RC_EFAULT,
    RC_EINVAL,
    RC_ENOTCONN,
    REQUEST_UNBLOCK,
    SIX,
    THREE,
    TWO,
    ZERO,
)
from xenperf.model.evtchn import hvm_evtchn_send, vcpu_at
from xenperf.model.guest import take_selector
from xenperf.model.layout import U64, VCPU_REQUESTS, VM_XEN_LOCK
from xenperf.model.locks import spin_lock, spin_unlock, wait_a_turn
from xenperf.words import (
    Word,
    fetch_add64,
    fetch_or64,
    load64,
    load_acquire64,
    sched_yield,
    store64,
    store_release64,
    trailing_zeros,
)

CHANGE_SLOT, REPLACE_PAGE, SWITCH_OFF, SHINFO_ON, VCPU_INFO_ON = (U64(n) for n in range(5))
NO_FAULT, TORN_CLEAR, NO_NOTIFIER = (U64(n) for n in range(3))

# Where the words of RUN and STEP are (layout.py); a test compares.
DELIVERED, MERGED, MASKED, EFAULT, EINVAL, OTHERWISE, SENDS, CHURNED_MEANWHILE = (
    U64(8 * idx) for idx in range(8)
)
STEPS, CYCLES, SENT_MEANWHILE, STALE, FAILED, SLIPPED = (U64(64 + 8 * idx) for idx in range(6))
ARRIVED, IS_DONE = U64(128), U64(136)
NR_SENDS, MAX_SENDS, MIN_CYCLES, MIN_OVERLAP = (U64(192 + 8 * idx) for idx in range(4))
SEED, PLAN, NR_STEPS, RAISED, CONSUMED = (U64(224 + 8 * idx) for idx in range(5))
FRAMES, NR_FRAMES, VCPU_INFO, FAULT = (U64(264 + 8 * idx) for idx in range(4))
ACTION, A, B, C, CLOSED, WINDOW = (U64(8 * idx) for idx in range(6))
STEP_SHIFT: Final = SIX
NR_VALID_PORTS: Final = U64(4095)  # from port 1 on
MASKED_WORD: Final = U64(63)  # all its ports are masked, so no selector tells of them
NR_WORDS: Final = U64(64)
DRAW_SHIFT: Final = U64(33)
LEFT, RIGHT, LEFT_AGAIN = U64(13), U64(7), U64(17)  # xorshift64
YIELD_MASK: Final = U64(1023)
MAX_TURNS: Final = U64(1 << 20)  # a wait's end, should the other thread not go on
MEETING_TURNS: Final = U64(1 << 24)
LOOK_TURNS: Final = U64(20)


@op
def _count(khva: Word) -> None:
    store64(khva, load64(khva) + ONE)


@op
def _meet(run: Word) -> bool:
    """Wait until both threads are here; False if the other does not come."""
    fetch_add64(run + ARRIVED, ONE)
    turns = ZERO
    while load64(run + ARRIVED) < TWO and turns < MEETING_TURNS:
        turns = wait_a_turn(turns)
    return bool(load64(run + ARRIVED) >= TWO)


@op
def _note_outcome(run: Word, port: Word, rc: Word) -> None:
    """Count one send by what its caller was told, and a new event by its port too."""
    kind = OTHERWISE
    if rc == ONE:
        kind = DELIVERED
    elif rc == ZERO:
        kind = MERGED
    elif rc == RC_ENOTCONN:
        kind = MASKED
    elif rc == RC_EFAULT:
        kind = EFAULT
    elif rc == RC_EINVAL:
        kind = EINVAL
    _count(run + kind)
    if rc in (ONE, RC_ENOTCONN):
        _count(load64(run + RAISED) + (port << THREE))


@op
def _is_enough(run: Word, nr_sent: Word) -> bool:
    """Tell whether all is sent and the other thread has come far enough, or never will."""
    if nr_sent < load64(run + NR_SENDS):
        return False
    if nr_sent & YIELD_MASK == ZERO:
        sched_yield()
    wanted = load64(run + MIN_OVERLAP)
    is_met = (
        load64(run + CYCLES) >= load64(run + MIN_CYCLES)
        and load64(run + CHURNED_MEANWHILE) >= wanted
        and load64(run + SENT_MEANWHILE) >= wanted
    )
    return bool(is_met or nr_sent >= load64(run + MAX_SENDS))


@step
def send_events(vm: Word, cpu: Word, run: Word) -> Word:
    """Send drawn ports until told to stop; return how many sends there were."""
    nr_sent = ZERO
    if _meet(run):
        drawn = load64(run + SEED)
        while not _is_enough(run, nr_sent):
            drawn ^= drawn << LEFT
            drawn ^= drawn >> RIGHT
            drawn ^= drawn << LEFT_AGAIN
            port = ONE + (drawn >> DRAW_SHIFT) % NR_VALID_PORTS
            steps = load64(run + STEPS)
            rc = hvm_evtchn_send(vm, cpu, ZERO, port)
            if load64(run + STEPS) != steps:
                _count(run + CHURNED_MEANWHILE)
            _note_outcome(run, port, rc)
            nr_sent += ONE
            store64(run + SENDS, nr_sent)
    store_release64(run + IS_DONE, ONE)
    return nr_sent


@op
def _consume_word(run: Word, frame: Word, word: Word) -> None:
    """Clear each event of a pending word and count it, as the guest's handler does."""
    place = frame + PENDING + (word << THREE)
    left = load64(place)
    while left != ZERO:
        bit = trailing_zeros(left)
        left &= left - ONE
        if load64(run + FAULT) == TORN_CLEAR:
            store64(place, load64(place) & ~(ONE << bit))
        else:
            clear_bit(place, bit)
        _count(load64(run + CONSUMED) + (((word << SIX) + bit) << THREE))


@op
def _handle_events(vm: Word, cpu: Word, run: Word, closed: Word) -> None:
    """Enter the guest once; interrupted, it looks where the selector tells, in the open frames."""
    selector = ZERO
    if vcpu.enter_guest(vm, cpu, vcpu_at(vm, ZERO)) == ONE:
        selector = take_selector(load64(run + VCPU_INFO), True)
    selector |= ONE << MASKED_WORD
    while selector != ZERO:
        word = trailing_zeros(selector)
        selector &= selector - ONE
        frame = ZERO
        while frame < load64(run + NR_FRAMES):
            if (closed >> frame) & ONE == ZERO:
                _consume_word(run, load64(load64(run + FRAMES) + (frame << THREE)), word)
            frame += ONE


@op
def _drain(run: Word, closed: Word) -> Word:
    """Consume all events in *closed* frames, as a VMM moves them; return how many words had one."""
    nr_found = ZERO
    while closed != ZERO:
        frame = load64(load64(run + FRAMES) + (trailing_zeros(closed) << THREE))
        closed &= closed - ONE
        word = ZERO
        while word < NR_WORDS:
            if load64(frame + PENDING + (word << THREE)) != ZERO:
                _consume_word(run, frame, word)
                nr_found += ONE
            word += ONE
    return nr_found


@op
def _replace_page(vm: Word, cpu: Word, run: Word, hva: Word, entry: Word, value: Word) -> None:
    """Let the page table *entry* of *hva* hold *value*; the notifier runs before and after.

    While the range is open only the send that was under way may end: a refresh waits for its close.
    """
    if load64(run + FAULT) == NO_NOTIFIER:
        store64(entry, value)
        return
    notifier.invalidate_range_start(vm, cpu, hva, hva + PAGE)
    store64(entry, value)
    before = load64(run + SENDS)
    turns = ZERO
    while turns < LOOK_TURNS:
        turns = wait_a_turn(turns)
    if load64(run + SENDS) > before + ONE:
        _count(run + SLIPPED)
    notifier.invalidate_range_end(vm, cpu, hva, hva + PAGE)


@op
def _do_step(vm: Word, cpu: Word, run: Word, this: Word) -> Word:
    """Do what the plan's record *this* says; 0 or why it was refused."""
    action = load64(this + ACTION)
    a = load64(this + A)
    b = load64(this + B)
    rc = ZERO
    if action == CHANGE_SLOT:
        rc = slot_update.set_memory_region(vm, cpu, a)
    elif action == REPLACE_PAGE:
        _replace_page(vm, cpu, run, a, b, load64(this + C))
    elif action == SWITCH_OFF:
        spin_lock(vm + VM_XEN_LOCK)
        activation.deactivate(vm, a)
        spin_unlock(vm + VM_XEN_LOCK)
    elif action == SHINFO_ON:
        rc = shinfo.activate_shinfo(vm, cpu, a, b)
    elif action == VCPU_INFO_ON:
        rc = shinfo.activate_vcpu_info(vm, cpu, ZERO, a, b)
    return rc


@op
def _stay_in_window(run: Word, window: Word) -> None:
    """Wait for some sends and count those that lay wholly in the time since this began.

    The first one may have begun before. A send holds a full barrier, so it began after the one
    before it was seen to be done.
    """
    before = load64(run + SENDS)
    turns = ZERO
    while (
        load64(run + SENDS) < before + THREE
        and load_acquire64(run + IS_DONE) == ZERO
        and turns < MAX_TURNS
    ):
        turns = wait_a_turn(turns)
    nr_ended = load64(run + SENDS) - before
    if nr_ended > ONE:
        store64(run + window, load64(run + window) + nr_ended - ONE)


@op
def _play(vm: Word, cpu: Word, run: Word, this: Word) -> None:
    """Do one step of the plan, and take what was raised in the frames that it closed."""
    before = load64(run + SENDS)
    if _do_step(vm, cpu, run, this) != ZERO:
        _count(run + FAILED)
    if load64(run + SENDS) != before:
        _count(run + SENT_MEANWHILE)
    _count(run + STEPS)
    _drain(run, load64(this + CLOSED))
    window = load64(this + WINDOW)
    if window != ZERO:
        _stay_in_window(run, window)


@step
def churn(vm: Word, cpu: Word, run: Word) -> Word:
    """Play the plan in a cycle until the sender is done; the guest runs after every step.

    Only whole cycles, so all is back in its place; then the guest is kicked once more. Nothing may
    have come into the closed frames meanwhile. Returns how many cycles there were.
    """
    first = load64(run + PLAN)
    past = first + (load64(run + NR_STEPS) << STEP_SHIFT)
    is_last = not _meet(run)
    this = first
    while True:
        if is_last:
            this = past - (ONE << STEP_SHIFT)
            fetch_or64(vcpu_at(vm, ZERO) + VCPU_REQUESTS, REQUEST_UNBLOCK)
        else:
            _play(vm, cpu, run, this)
        closed = load64(this + CLOSED)
        _handle_events(vm, cpu, run, closed)
        store64(run + STALE, load64(run + STALE) + _drain(run, closed))
        if is_last:
            break
        this += ONE << STEP_SHIFT
        if this == past:
            this = first
            _count(run + CYCLES)
            sched_yield()  # on one processor: let there be sends while all is in its place
            is_last = load_acquire64(run + IS_DONE) != ZERO
    return load64(run + CYCLES)
