/* Two threads that start a loop at the same moment, each with its own clocks. */
#include <time.h>

#include "peer.h"

typedef u64 loop_function(u64 vm, u64 cpu, u64 n, u64 a, u64 b, u64 c);

struct arguments {
	u64 vm, cpu, n, a, b, c;
};

struct stamps {
	u64 start_ns;
	u64 end_ns;
	u64 cpu_ns;
	u64 result;
};

static u64 now_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * NS_PER_SEC + time.tv_nsec;
}

/* Waits until nr_threads have come here; arrived starts at 0. */
void run_together(loop_function *loop, const struct arguments *with, u64 *arrived, u64 nr_threads,
		  struct stamps *stamps)
{
	u64 turns = 0;
	u64 cpu_ns;

	fetch_add(arrived, 1);
	while (load_acquire(arrived) < nr_threads)
		turns = wait_a_turn(turns);
	cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
	stamps->start_ns = now_ns(CLOCK_MONOTONIC);
	stamps->result = loop(with->vm, with->cpu, with->n, with->a, with->b, with->c);
	stamps->end_ns = now_ns(CLOCK_MONOTONIC);
	stamps->cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
}
