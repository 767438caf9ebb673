/* The model's kernels in C, as natural C does the same steps: the measure of the compiled model.
 *
 * One entry point per kernel of xenperf/model/kernels, of the same name: unsigned 64-bit words in,
 * one out, over the very memory that the model uses. The peer is written from the model.
 */
#ifndef PEER_H
#define PEER_H

#include "atomic_update.h"
#include "slot_update.h"
#include "timer.h"

#define UNUSED __attribute__((unused))

/* n operations; a, b and c are explained by each loop of the model. */
#define LOOP(name)                                                                              \
	u64 name(u64 vm_khva, u64 cpu_khva, u64 n, u64 a, u64 b, u64 c);                        \
	static inline u64 name##_over(struct vm *vm UNUSED, struct cpu *cpu UNUSED, u64 n,      \
				      u64 a UNUSED, u64 b UNUSED, u64 c UNUSED);                \
	u64 name(u64 vm_khva, u64 cpu_khva, u64 n, u64 a, u64 b, u64 c)                         \
	{                                                                                       \
		return name##_over((struct vm *)vm_khva, (struct cpu *)cpu_khva, n, a, b, c);   \
	}                                                                                       \
	static inline u64 name##_over(struct vm *vm UNUSED, struct cpu *cpu UNUSED, u64 n,      \
				      u64 a UNUSED, u64 b UNUSED, u64 c UNUSED)

#endif
