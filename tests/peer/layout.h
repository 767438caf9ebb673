/* The kernel's objects as the model lays them out; test_layout.py compares every offset. */
#ifndef PEER_LAYOUT_H
#define PEER_LAYOUT_H

#include <stdint.h>

#include "switches.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* The guest's pages are read as bytes, as 32-bit and as 64-bit words. */
typedef u32 __attribute__((may_alias)) guest_u32;
typedef u64 __attribute__((may_alias)) guest_u64;

#define NR_CPUS 8

struct gpc {
	u32 lock;
	u32 wait;
	u8 active;
	u8 valid;
	u16 list_idx;
	u32 refresh_lock;
	u64 generation;
	u64 gpa;
	u64 uhva;
	u64 khva;
	u64 pfn;
	u64 memslot;
} __attribute__((aligned(64)));

struct memslot {
	u64 base_gfn;
	u64 nr_pages;
	u64 uhva;
	u32 flags;
	u32 id;
};

struct memslots {
	u64 generation;
	u64 nr_slots;
	u64 last_used;
	struct memslot *slots;
	u64 *gfn_by_id;
	u64 reserved[3];
};

struct vcpu {
	u64 shadow_sel;
	u64 requests;
	u64 nr_kicks;
	u64 nr_injected;
	u64 nr_clock_updates;
	u8 upcall_vector;
	struct gpc vcpu_info;
	u64 timer_expires;
	u64 timer_deadline;
	u32 timer_virq;
	u32 timer_pending;
	u32 poll_evtchn;
	u32 vcpu_id;
	u64 poll_deadline;
	u64 poll_injected;
	u32 is_halted;
	u32 vcpu_idx;
	u64 reserved[9];
};

struct gsi {
	u64 counter;
	u32 type;
	u32 port;
	u32 vcpu;
	u32 is_queued;
	u64 reserved;
};

struct evtchn_port {
	u32 type;
	u32 deliver_port;
	u32 vcpu;
	u32 eventfd;
};

struct cpu {
	u64 srcu_locked[2];
	u64 srcu_unlocked[2];
	u64 nr_refreshes;
	u64 nr_lookups;
	u64 nr_gups;
	u64 nr_swaps;
	u64 nr_slow_sends;
	u64 nr_invalidated;
	u64 nr_warnings;
	u64 reserved[5];
};

struct vm {
	struct memslots *memslots;
	u64 generation_step;
	u64 nr_slot_ids;
	_Alignas(64) u32 slots_lock;
	u32 slots_arch_lock;
	_Alignas(64) u32 mn_invalidate_lock;
	u32 xen_lock;
	u64 mn_active_invalidate_count;
	u64 mmu_invalidate_seq;
	u64 mmu_invalidate_in_progress;
	_Alignas(64) u32 gpc_lock;
	u64 nr_gpcs;
	struct gpc **gpc_list;
	_Alignas(64) u8 long_mode;
	u8 upcall_vector;
	u64 nr_vcpus;
	struct vcpu *vcpus;
	u64 direct_map;
	u64 pgd;
	struct cpu *cpus;
	u64 **dirty_bitmaps;
	u64 wall_clock_ns;
	u64 srcu_idx;
	u32 srcu_lock;
	struct gpc shinfo;
	struct memslots set0;
	struct memslots set1;
	u64 poll_mask[16];
	u64 now_ns;
	struct gsi *gsis;
	u64 nr_gsis;
	struct evtchn_port *evtchn_ports;
	u64 *eventfds;
	u64 nr_eventfds;
	u64 reserved[34];
};

/* struct kvm_userspace_memory_region */
struct region {
	u32 slot;
	u32 flags;
	u64 guest_phys_addr;
	u64 memory_size;
	u64 userspace_addr;
};

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ull
#define PAGE_OFFSET_MASK (PAGE_SIZE - 1)
#define PAGE_MASK (~PAGE_OFFSET_MASK)

#define GPA_ERROR (~0ull)
#define HVA_ERROR (1ull << 63)
#define PFN_ERROR (0x7ffull << 52)
#define GENERATION_IN_PROGRESS (1ull << 63)
#define USER_END ((1ull << 47) - PAGE_SIZE)

#define MEMSLOT_LOG_DIRTY 1u
#define MEMSLOT_READONLY 2u
#define MEMSLOT_INVALID (1u << 16)

#define REQUEST_UNBLOCK 1ull
#define REQUEST_CLOCK_UPDATE 2ull

#define RC_ENOENT ((u64)-2)
#define RC_EWOULDBLOCK ((u64)-11)
#define RC_EFAULT ((u64)-14)
#define RC_EEXIST ((u64)-17)
#define RC_EINVAL ((u64)-22)
#define RC_ENOSYS ((u64)-38)
#define RC_ENOTCONN ((u64)-107)

/* struct shared_info and struct vcpu_info, 64-bit and compat */
#define PENDING 0x800
#define MASK64 0xa00
#define MASK32 0x880
#define WALL_CLOCK64 0xc00
#define WALL_CLOCK32 0x900
#define WALL_CLOCK_SEC_HI64 0xc0c
#define WALL_CLOCK_SEC_HI32 0x924
#define NR_PORTS64 4096
#define NR_PORTS32 1024
#define SELECTOR64 8
#define SELECTOR32 4
#define VCPU_INFO_BYTES 64
#define VCPU_INFO_TIME 0x20

#endif
