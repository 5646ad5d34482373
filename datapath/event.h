/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tell user space: counters that always add up, and an event where the pod's token bucket and the ring have room.
 * Enforcement never depends on either. The reader is woken only when it has said that it sleeps (control.reader_idle):
 * a wake-up costs 5 µs, an entry without one 26 ns.
 */
#ifndef NSP_DATAPATH_EVENT_H
#define NSP_DATAPATH_EVENT_H

#include "datapath/inspect.h"

static __always_inline struct tally *event_tally(struct pod_tally *pod, const struct inspection *in)
{
    __u32 direction = in->direction & 1;
    __u32 verdict = in->verdict;
    __u32 reason = in->reason;

    if (verdict >= VERDICTS)
        verdict = VERDICT_UNKNOWN;
    if (reason >= REASONS)
        reason = REASON_NONE;
    return &pod->tallies[direction][verdict][reason];
}

/* Counts a violation that is known already (the same flow again) or that nobody wants an event of. */
static __always_inline void event_suppress(const struct inspection *in)
{
    __u32 slot = in->slot;
    struct pod_tally *pod = bpf_map_lookup_elem(&nsp_tallies, &slot);

    if (!pod)
        return;

    struct tally *tally = event_tally(pod, in);

    __sync_fetch_and_add(&tally->seen, 1);
    __sync_fetch_and_add(&tally->suppressed, 1);
}

/* Generic cell rate: true if one more event fits. `bucket` holds the time at which the bucket would be full again. */
static __always_inline bool take_token(__u64 *bucket, const struct control *control, __u64 now)
{
    __u64 before = *(volatile __u64 *)bucket;
    __u64 from = before > now ? before : now;

    if (!control->event_interval_ns)
        return true;
    if (from - now > control->event_burst_ns)
        return false;
    if (__sync_val_compare_and_swap(bucket, before, from + control->event_interval_ns) == before)
        return true;
    /* Another CPU took one. Tokens may overdraw by as many as there are CPUs, which is better than a silent event. */
    __sync_fetch_and_add(bucket, control->event_interval_ns);
    return true;
}

static __always_inline void fill_event(struct event *event, const struct inspection *in, __u64 now)
{
    const struct flow_key *flow = &in->packet.flow;
    const struct owner_copy *owner = &in->owner;

    event->time_ns = now;
    event->revision = in->revision;
    event->socket_cookie = in->cookie;
    event->slot = in->slot;
    event->epoch = flow->epoch;
    event->policy = in->policy;
    event->ifindex = in->ifindex;
    event->direction = in->direction;
    event->verdict = in->verdict;
    event->reason = in->reason;
    event->hook = in->hook;
    event->flags = in->flags | (owner->is_known ? EVENT_HAS_PROCESS : 0);
    if (in->verdict != VERDICT_DROPPED)
        event->flags &= ~EVENT_RESET;
    event->protocol = flow->protocol;
    event->tcp_flags = in->packet.tcp_flags;
    event->profile = in->profile;
    event->process = in->process;
    event->ethertype = in->packet.ethertype;
    event->local_port_be = flow->local_port_be;
    event->remote_port_be = flow->remote_port_be;
    __builtin_memcpy(event->local, flow->local, 16);
    __builtin_memcpy(event->remote, flow->remote, 16);
    if (owner->is_known) {
        event->cgroup_id = owner->cgroup_id;
        event->pid = owner->pid;
        event->uid = owner->uid;
        __builtin_memcpy(event->path, owner->path, 16);
        __builtin_memcpy(event->comm, owner->comm, 16);
    } else {
        event->cgroup_id = 0;
        event->pid = 0;
        event->uid = 0;
        __builtin_memset(event->path, 0, 16);
        __builtin_memset(event->comm, 0, 16);
    }
}

/* Counts the violation and reports it. A verdict of FORWARDED is no violation; IGNORED is only counted. */
SUBPROGRAM int event_report(const struct inspection *in)
{
    __u32 slot = in->slot, zero = 0;
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &zero);
    struct pod_tally *pod = bpf_map_lookup_elem(&nsp_tallies, &slot);

    if (in->verdict == VERDICT_FORWARDED || !control || !pod)
        return 0;
    if (in->verdict == VERDICT_IGNORED) {
        event_suppress(in);
        return 0;
    }

    __u64 now = bpf_ktime_get_coarse_ns(); /* 13 ns; the exact time, 31 ns, is for what is told */
    struct tally *tally = event_tally(pod, in);

    __sync_fetch_and_add(&tally->seen, 1);
    if (!take_token(&pod->bucket_ns, control, now)) {
        __sync_fetch_and_add(&tally->suppressed, 1);
        return 0;
    }

    struct event *event = bpf_ringbuf_reserve(&nsp_events, sizeof(*event), 0);

    if (!event) {
        __sync_fetch_and_add(&tally->lost, 1);
        return 0;
    }
    fill_event(event, in, bpf_ktime_get_ns());
    bpf_ringbuf_submit(event, *(const volatile __u32 *)&control->reader_idle ? 0 : BPF_RB_NO_WAKEUP);
    __sync_fetch_and_add(&tally->reported, 1);
    return 0;
}

/* A pod that is not READY. True: it is open meanwhile. What no process sent is counted without an event. */
static __always_inline bool event_pending(struct inspection *in, int access)
{
    in->verdict = access == POD_ACCESS_AUDIT ? VERDICT_AUDIT : VERDICT_DROPPED;
    in->reason = REASON_PENDING;
    if (in->owner.is_known)
        event_report(in);
    else
        event_suppress(in);
    return access == POD_ACCESS_AUDIT;
}

#endif
