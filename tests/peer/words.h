/* Shared words: relaxed unless the name says more, as in the model. */
#ifndef PEER_WORDS_H
#define PEER_WORDS_H

#include <sched.h>
#include <stdbool.h>

#include "layout.h"

#define STEP static inline __attribute__((always_inline))
#define SLOW_PATH static __attribute__((noinline))
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define load(word) __atomic_load_n((word), __ATOMIC_RELAXED)
#define load_acquire(word) __atomic_load_n((word), __ATOMIC_ACQUIRE)
#define store(word, value) __atomic_store_n((word), (value), __ATOMIC_RELAXED)
#define store_release(word, value) __atomic_store_n((word), (value), __ATOMIC_RELEASE)
#define fetch_add(word, value) __atomic_fetch_add((word), (value), __ATOMIC_SEQ_CST)
#define fetch_or(word, value) __atomic_fetch_or((word), (value), __ATOMIC_SEQ_CST)
#define fetch_and(word, value) __atomic_fetch_and((word), (value), __ATOMIC_SEQ_CST)
#define exchange(word, value) __atomic_exchange_n((word), (value), __ATOMIC_SEQ_CST)
#define full_barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define read_barrier() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define write_barrier() __atomic_thread_fence(__ATOMIC_RELEASE)

STEP bool compare_exchange_acquire32(u32 *word, u32 expected, u32 value)
{
	return __atomic_compare_exchange_n(word, &expected, value, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/* The index is masked, so that the instruction stays within the word. */
STEP bool test_and_set_bit(u64 bitmap, u64 bit)
{
	guest_u64 *word = (guest_u64 *)bitmap + (bit >> 6);
	bool was_set;

	__asm__ volatile("lock btsq %[bit], %[word]"
			 : [word] "+m"(*word), "=@ccc"(was_set)
			 : [bit] "r"(bit & 63)
			 : "memory");
	return was_set;
}

STEP bool test_and_set_bit32(u64 bitmap, u64 bit)
{
	guest_u32 *word = (guest_u32 *)bitmap + (bit >> 5);
	bool was_set;

	__asm__ volatile("lock btsl %[bit], %[word]"
			 : [word] "+m"(*word), "=@ccc"(was_set)
			 : [bit] "r"((u32)(bit & 31))
			 : "memory");
	return was_set;
}

STEP void clear_bit(u64 bitmap, u64 bit)
{
	fetch_and((guest_u64 *)bitmap + (bit >> 6), ~(1ull << (bit & 63)));
}

STEP u64 test_bit(u64 bitmap, u64 bit)
{
	return load((guest_u64 *)bitmap + (bit >> 6)) >> (bit & 63) & 1;
}

/* A count that only this processor writes. */
STEP void count_one(u64 *counter)
{
	store(counter, load(counter) + 1);
}

STEP u64 wait_a_turn(u64 turns)
{
	__builtin_ia32_pause();
	if ((turns & 255) == 255)
		sched_yield();
	return turns + 1;
}

#endif
