/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one packet through one shipped program and says what became of it. */
#ifndef NSP_TESTS_BPF_RUN_H
#define NSP_TESTS_BPF_RUN_H

#include <stdbool.h>

#include "tests/bpf/packets.h"
#include "tests/bpf/world.h"

#define RUN_EVENTS_MAX 4

enum run_program {
    RUN_FROM_POD,
    RUN_TO_POD,
    RUN_INGRESS, /* cgroup_skb */
};

struct outcome {
    bool is_refused; /* by the kernel, before any program ran: too short a frame */
    bool passes;
    bool is_reset;        /* answered with a RST, or turned into one */
    struct change change; /* counted since */
    int events;
    struct event event;                  /* the last one */
    struct event all[RUN_EVENTS_MAX];    /* the first ones, in order */
    char texts[RUN_EVENTS_MAX][128 + 1]; /* of those, where they have one */
};

/* Packets to the pod come in by this device; 0: the node itself sends them. Stays until it is set again. */
void run_come_from(__u32 ifindex);
/* What they wear as skb->mark where they run by BPF_PROG_TEST_RUN. Stays until it is set again. */
void run_mark(__u32 mark);

/* Beside a started world. */
void run_start(struct world *world);
void run_stop(void);

/*
 * owner NULL: no socket owns the packet. From the pod such a packet is sent for real, through the veth; all others
 * run by BPF_PROG_TEST_RUN.
 */
struct outcome run_packet(struct world *world, enum run_program program, const struct owner *owner, const __u8 *frame,
                          size_t length);
/* The same of a described packet. */
struct outcome run_spec(struct world *world, enum run_program program, const struct owner *owner,
                        const struct packet_spec *spec);

/*
 * Sends it many times for real, as what no socket owns: RUN_FROM_POD out of the pod's end of the veth, RUN_TO_POD out
 * of the host's. Returns how many came out behind our programs, within a second.
 */
int run_flood(enum run_program program, const __u8 *frame, size_t length, __u32 times);
/* The same packet over and over through nsp_from_pod, by BPF_PROG_TEST_RUN: the nanoseconds of each. */
__u32 run_storm(struct world *world, const __u8 *frame, size_t length, __u32 times);
/* Reads the events that are there; returns how many. */
int run_read_events(void);

/* A tc program, not ours to close, that counts what a flood from the pod counts and lets nothing go further. */
int run_observer(void);

#endif
