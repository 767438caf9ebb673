/* The patches of xenperf/model/patches.py, each 0 or 1; by default those of the merged kernel. */
#ifndef PEER_SWITCHES_H
#define PEER_SWITCHES_H

#ifndef DIRTY_UNDER_LOCK
#define DIRTY_UNDER_LOCK 1
#define OFFSET_IN_UHVA 1
#define HVA_ACTIVATION 1
#define CONTENT_LOOP 1
#define CLOCK_ON_MODE 1
#define SHINFO_HVA 1
#define VCPU_INFO_HVA 1
#define READ_LOCK_FIRST 1
#define VCPU_INFO_COPIED 1
#define ACTIVATE_LOCKED 1
#define NO_XEN_LOCK 1
#define ATOMIC_OVERLAY 0
#endif

#endif
