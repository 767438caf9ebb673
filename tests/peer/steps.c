/* Timed loops over single steps and over a vCPU's: xenperf/model/kernels/{steps,vcpus}.py */
#include "peer.h"

LOOP(loop_read_lock)
{
	for (u64 i = 0; i < n; i++) {
		read_lock(&vm->shinfo);
		read_unlock(&vm->shinfo);
	}
	return n;
}

LOOP(loop_write_lock)
{
	for (u64 i = 0; i < n; i++) {
		write_lock(&vm->shinfo);
		write_unlock(&vm->shinfo);
	}
	return n;
}

LOOP(loop_srcu)
{
	u64 seen = 0;

	for (u64 i = 0; i < n; i++) {
		u64 idx = srcu_read_lock(vm, cpu);

		seen += active_set(vm) != NULL;
		srcu_read_unlock(cpu, idx);
	}
	return seen;
}

LOOP(loop_set_pending)
{
	u64 shared_info = load(&vm->shinfo.khva);
	u32 *ports = (u32 *)a;
	u64 new = 0;
	u64 place = 0;

	for (u64 i = 0; i < n; i++) {
		u64 port;

		if (place == b)
			place = 0;
		port = load(&ports[place]);
		if (!test_and_set_bit(shared_info + PENDING, port))
			new += !test_bit(shared_info + MASK64, port);
		clear_bit(shared_info + PENDING, port);
		place++;
	}
	return new;
}

LOOP(loop_scan_pending)
{
	u64 nr_words = (is_long_mode(vm) ? NR_PORTS64 : NR_PORTS32) / 64;
	guest_u64 *pending = (guest_u64 *)(load(&vm->shinfo.khva) + PENDING);
	guest_u64 *mask = pending + nr_words;
	u64 good = 0;

	for (u64 i = 0; i < n; i++) {
		u64 ports = 0;

		for (u64 word = 0; word < nr_words; word++) {
			u64 left = load(&pending[word]) & ~load(&mask[word]);

			for (; left; left &= left - 1)
				ports ^= (word << 6) + __builtin_ctzll(left);
		}
		good += ports == c;
	}
	return good;
}

LOOP(loop_walk)
{
	u64 present = 0;

	for (u64 i = 0; i < n; i++)
		present += walk(vm, a + ((i & b) << PAGE_SHIFT)) & ENTRY_PRESENT;
	return present;
}

LOOP(loop_merge)
{
	struct vcpu *vcpu = load(&vm->vcpus);
	u64 vcpu_info = load(&vcpu->vcpu_info.khva);
	bool long_mode = is_long_mode(vm);
	u64 merged = 0;

	for (u64 i = 0; i < n; i++) {
		u64 bit = 1ull << (i & 31);
		u64 idx;

		store(&vcpu->shadow_sel, bit);
		idx = srcu_read_lock(vm, cpu);
		inject_pending_events(vm, cpu, vcpu);
		srcu_read_unlock(cpu, idx);
		merged += take_selector(vcpu_info, long_mode) == bit;
	}
	return merged;
}

LOOP(loop_has_interrupt)
{
	struct vcpu *vcpu = load(&vm->vcpus);
	u64 hits = 0;

	for (u64 i = 0; i < n; i++)
		hits += has_interrupt(vm, cpu, vcpu) == c;
	return hits;
}
