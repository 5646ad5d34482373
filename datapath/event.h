/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tell user space: counters that always add up, and an event where the pod's token bucket and the ring have room.
 * Enforcement never depends on either. The reader is woken only when it has said that it sleeps (control.reader_idle):
 * a wake-up costs 5 µs, an entry without one 26 ns.
 */
#ifndef NSP_DATAPATH_EVENT_H
#define NSP_DATAPATH_EVENT_H

#include "datapath/asked.h"
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

static __always_inline void fill_process(struct event *event, const struct owner_copy *owner)
{
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
    event->latency_ns = 0;
    event->ttl = 0;
    event->query_type = 0;
    event->text_length = 0;
    event->kind = EVENT_VIOLATION;
    event->application = APPLICATION_NONE;
    event->rcode = 0;
    event->addresses = 0;
    event->reserved = 0;
    __builtin_memcpy(event->local, flow->local, 16);
    __builtin_memcpy(event->remote, flow->remote, 16);
    fill_process(event, owner);
}
/* Takes a token and counts who goes without. */
static __always_inline bool may_tell(struct pod_tally *pod, struct tally *tally, const struct control *control)
{
    __sync_fetch_and_add(&tally->seen, 1);
    if (take_token(&pod->bucket_ns, control, bpf_ktime_get_coarse_ns())) /* 13 ns; the exact time is for the event */
        return true;
    __sync_fetch_and_add(&tally->suppressed, 1);
    return false;
}

static __always_inline void event_send(void *event, struct tally *tally, const struct control *control)
{
    bpf_ringbuf_submit(event, *(const volatile __u32 *)&control->reader_idle ? 0 : BPF_RB_NO_WAKEUP);
    __sync_fetch_and_add(&tally->reported, 1);
}

/* The violations of each profile: by verdict, those in shadow too. Counted when judged, not again for each packet. */
static __always_inline void count_share(const struct inspection *in)
{
    __u32 place = in->policy * NSP_PARTS_MAX + (in->profile & (NSP_PARTS_MAX - 1));
    struct share *share = bpf_map_lookup_elem(&nsp_shares, &place);
    __u32 verdict = in->verdict;

    if (in->policy && share && verdict < VERDICTS)
        __sync_fetch_and_add(&share->violations[verdict], 1);
}

/* What was asked for, as people write it; returns the bytes written. Sets EVENT_TEXT_CUT where there is more. */
static __always_inline __u32 write_text(struct long_event *event, const struct asked *asked)
{
    if (asked->name) {
        __u32 length = asked->name->length & (NSP_NAME_SIZE - 1);

        bpf_probe_read_kernel(event->text, length, asked->name->text + NSP_NAME_SIZE - length);
        return length;
    }
    if (asked->request) {
        const __u32 most = NSP_EVENT_TEXT_MAX - NSP_METHOD_MAX - 1;
        __u32 method = asked->request->method_length, uri = asked->request->uri_length;

        if (method > NSP_METHOD_MAX)
            method = NSP_METHOD_MAX;
        if (uri > most) {
            uri = most;
            event->event.flags |= EVENT_TEXT_CUT;
        }
        bpf_probe_read_kernel(event->text, NSP_METHOD_MAX, asked->request->method);
        event->text[method] = ' ';
        bpf_probe_read_kernel(event->text + method + 1, uri, asked->request->uri);
        return method + 1 + uri;
    }
    return 0;
}

static __always_inline void fill_long(struct long_event *event, const struct inspection *in, const struct asked *asked)
{
    fill_event(&event->event, in, bpf_ktime_get_ns());
    event->event.flags |= EVENT_LONG;
    event->event.application = asked->application;
    event->event.query_type = asked->query_type;
    event->event.text_length = write_text(event, asked);
}

/* One side's violation, counted and told. asked: NULL, or what the flow carried. */
static __always_inline void report_side(const struct inspection *in, const struct asked *asked)
{
    __u32 slot = in->slot, zero = 0;
    const struct control *control = bpf_map_lookup_elem(&nsp_control, &zero);
    struct pod_tally *pod = bpf_map_lookup_elem(&nsp_tallies, &slot);
    void *event;

    count_share(in);
    if (!control || !pod)
        return;
    if (in->verdict == VERDICT_IGNORED) {
        event_suppress(in);
        return;
    }

    struct tally *tally = event_tally(pod, in);

    if (!may_tell(pod, tally, control))
        return;
    if (asked) {
        event = bpf_ringbuf_reserve(&nsp_events, sizeof(struct long_event), 0);
        if (event)
            fill_long(event, in, asked);
    } else {
        event = bpf_ringbuf_reserve(&nsp_events, sizeof(struct event), 0);
        if (event)
            fill_event(event, in, bpf_ktime_get_ns());
    }
    if (event)
        event_send(event, tally, control);
    else
        __sync_fetch_and_add(&tally->lost, 1);
}

SUBPROGRAM int report_flow(const struct inspection *in)
{
    report_side(in, NULL);
    return 0;
}

SUBPROGRAM int report_asked(const struct inspection *in, const struct asked *asked)
{
    report_side(in, asked);
    return 0;
}

/* Reports as what a milder side says; the caller puts back what it was. */
static __always_inline void report_as(struct inspection *in, __u8 verdict, struct said said, const struct asked *asked)
{
    if (!said.reason)
        return;
    in->verdict = verdict;
    in->reason = said.reason;
    in->profile = said.profile;
    in->process = said.process;
    if (asked)
        report_asked(in, asked);
    else
        report_flow(in);
}

static __always_inline void report_milder(struct inspection *in, const struct asked *asked)
{
    const struct said said = {.reason = in->reason, .profile = in->profile, .process = in->process};
    __u8 verdict = in->verdict;

    report_as(in, VERDICT_AUDIT, in->shadow, asked);
    report_as(in, VERDICT_IGNORED, in->ignored, asked);
    in->verdict = verdict;
    in->reason = said.reason;
    in->profile = said.profile;
    in->process = said.process;
}

/*
 * Counts the violation and reports it, and beside it that of the milder sides. A verdict of FORWARDED is no violation;
 * IGNORED is only counted.
 */
SUBPROGRAM int event_report(struct inspection *in)
{
    if (in->verdict == VERDICT_FORWARDED)
        return 0;
    report_flow(in);
    report_milder(in, NULL);
    return 0;
}

/* The same of what a flow carried. */
SUBPROGRAM int event_report_asked(struct inspection *in, const struct asked *asked)
{
    if (in->verdict == VERDICT_FORWARDED)
        return 0;
    report_asked(in, asked);
    report_milder(in, asked);
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
