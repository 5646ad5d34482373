/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/prog_case.h"

#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <bpf/bpf.h>

#include "tests/bench/prog_names.h"
#include "tests/bpf/sandbox.h"

#define NEXT 0xffffffff /* TC_ACT_UNSPEC, TCX_NEXT */
#define DROP 2
#define REDIRECT 7
#define ALLOW 1
#define BATCH 5000 /* events of 144 bytes: the ring of 1 MiB has room for 7281 */
#define READER_CPU 1
#define HOUR_NS 3600000000000ULL
#define NAME(test, world) (test)->name, (test)->grows ? (world)->datapath.directory : ""

bool prog_case_is_batch(const struct prog_case *test)
{
    return test->telling == TELL_ROOM || test->telling == TELL_READER;
}

bool prog_case_is_received(const struct prog_case *test)
{
    return test->wrapper == WRAPPER_RECEIVE || test->wrapper == WRAPPER_ANSWER;
}

static enum world_program first_program(const struct prog_case *test)
{
    static const enum world_program programs[WRAPPERS] = {
        [WRAPPER_KEEP] = WORLD_KEEP,     [WRAPPER_FORGET] = WORLD_FORGET, [WRAPPER_RECEIVE] = WORLD_RECEIVE,
        [WRAPPER_ANSWER] = WORLD_ANSWER, [WRAPPER_FIRST] = WORLD_FIRST,   [WRAPPER_NEXT] = WORLD_NEXT,
    };

    if (test->wrapper != WRAPPER_NONE)
        return programs[test->wrapper];
    return test->target == TARGET_PARSE ? WORLD_PARSE : WORLD_EMPTY;
}

static int target_fd(const struct prog_case *test, const struct world *world)
{
    switch (test->target) {
    case TARGET_FROM_POD:
        return world->datapath.programs[PROGRAM_FROM_POD];
    case TARGET_TO_POD:
        return world->datapath.programs[PROGRAM_TO_POD];
    case TARGET_INGRESS:
        return world->datapath.programs[PROGRAM_INGRESS];
    default:
        return world->programs[prog_case_is_received(test) ? WORLD_EMPTY_IN : WORLD_EMPTY];
    }
}

/* The program to start, with the wrapper pointed at the target. */
static int program_fd(const struct prog_case *test, const struct world *world)
{
    int array = prog_case_is_received(test) ? world->next_cgroup : world->next_tc;
    int fd = target_fd(test, world);
    __u32 zero = 0;

    if (test->wrapper == WRAPPER_NONE)
        return test->target >= TARGET_FROM_POD ? fd : world->programs[first_program(test)];
    if (bpf_map_update_elem(array, &zero, &fd, BPF_ANY))
        bench_fail("%s: cannot be called from its wrapper: %s", test->name, strerror(errno));
    return world->programs[first_program(test)];
}

static __u32 expected_return(const struct prog_case *test)
{
    if (test->target == TARGET_INGRESS || prog_case_is_received(test))
        return test->verdict == VERDICT_DROPPED ? 0 : ALLOW;
    if (test->target < TARGET_FROM_POD)
        return EMPTY_TC;
    if (test->verdict != VERDICT_DROPPED)
        return NEXT;
    return test->packet.payload == PAYLOAD_REQUEST ? REDIRECT : DROP; /* a RST goes back into the pod */
}

static void own(const struct prog_case *test, const struct world *world)
{
    bool is_tcp = test->packet.kind == PACKET_DATA || test->packet.kind == PACKET_SYN;

    world_own(world, test->binary, is_tcp ? IPPROTO_TCP : IPPROTO_UDP, is_tcp ? SOCK_STREAM : SOCK_DGRAM);
    world->owner->sequence = PACKET_SEQUENCE;
    if (test->wrapper == WRAPPER_ANSWER)
        prog_names_expect(test, world);
}

/* One system call: a fresh socket, `repeat` packets. Returns seconds of CPU time. */
static double run(const struct prog_case *test, const struct world *world, int fd, unsigned int repeat)
{
    unsigned char frame[PACKET_MAX];
    struct __sk_buff context = {.ifindex = sandbox.host_ifindex};
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)packet_build(&test->packet, frame),
                .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = (int)repeat);

    own(test, world);

    double start = bench_thread_seconds();
    int rc = bpf_prog_test_run_opts(fd, &options);
    double seconds = bench_thread_seconds() - start;

    if (rc)
        bench_fail("%s: %s", test->name, strerror(-rc));
    if (options.retval != expected_return(test))
        bench_fail("%s %s: the program returned %d, not %d", NAME(test, world), (int)options.retval,
                   (int)expected_return(test));
    return seconds;
}

double prog_case_send(const struct prog_case *test, const struct world *world)
{
    return run(test, world, program_fd(test, world), 1);
}

/* The same request with another method must be refused. */
static void check_is_judged(const struct prog_case *test, const struct world *world)
{
    struct prog_case other = *test;

    other.packet.method = "PUT";
    other.verdict = VERDICT_DROPPED;
    other.reason = REASON_HTTP_REQUEST;
    prog_case_send(&other, world);
    world_forget_refusal(world);
}

static void set_telling(const struct prog_case *test, const struct world *world)
{
    struct control *control = world->datapath.control;

    control->event_interval_ns = test->telling == TELL_SELDOM ? HOUR_NS : 0;
    control->event_burst_ns = 0;
    control->reader_idle = 0;
    reader_drain(&world->datapath);
}

static void check(const struct prog_case *test, const struct world *world, const struct tally *before,
                  unsigned long runs)
{
    struct tally after = world_tally(world, test->direction, test->verdict, test->reason);
    unsigned long seen = after.seen - before->seen, reported = after.reported - before->reported;
    unsigned long suppressed = after.suppressed - before->suppressed, lost = after.lost - before->lost;
    unsigned long meant = test->telling == TELL_SELDOM ? suppressed : test->telling == TELL_FULL ? lost : reported;

    /* A flow's first refusal may be told. */
    if (seen == runs && seen == reported + suppressed + lost && meant + 1 >= runs)
        return;
    bench_fail("%s %s: of %lu runs %lu were seen: %lu reported, %lu suppressed, %lu lost", NAME(test, world), runs,
               seen, reported, suppressed, lost);
}

static void check_passed(const struct prog_case *test, const struct world *world, const struct traffic *before,
                         unsigned long runs)
{
    int direction = test->target == TARGET_TO_POD ? INGRESS : EGRESS;
    struct traffic after = world_traffic(world);

    if (after.packets[direction] - before->packets[direction] != runs)
        bench_fail("%s %s: of %lu packets %llu passed", NAME(test, world), runs,
                   after.packets[direction] - before->packets[direction]);
}

/* With a reader every batch begins with it asleep, and it must have read all when it sleeps again. */
static double run_batches(const struct prog_case *test, const struct world *world, int fd, unsigned int batches)
{
    struct reader reader;
    unsigned long read = 0;
    double seconds = 0;

    if (test->telling == TELL_READER)
        reader_start(&reader, &world->datapath, READER_CPU);
    for (unsigned int i = 0; i < batches; i++) {
        if (test->telling == TELL_READER)
            reader_settle(&reader, (unsigned long)i * BATCH);
        seconds += run(test, world, fd, BATCH);
        if (test->telling != TELL_READER)
            read += reader_drain(&world->datapath);
    }
    if (test->telling == TELL_READER) {
        reader_settle(&reader, (unsigned long)batches * BATCH);
        read = reader.count;
        reader_stop(&reader);
    }
    if (test->target >= TARGET_FROM_POD && read != (unsigned long)batches * BATCH)
        bench_fail("%s %s: %lu events were read, not %u", NAME(test, world), read, batches * BATCH);
    return seconds;
}

/* What must have happened before, and whether what is allowed is judged at all. */
static void prepare(const struct prog_case *test, const struct world *world)
{
    if (test->is_named)
        prog_names_teach(test, world);
    else if (test->wrapper == WRAPPER_ANSWER)
        prog_names_ask(test, world);
    if (test->target >= TARGET_FROM_POD && test->packet.payload == PAYLOAD_REQUEST && !test->packet.method)
        check_is_judged(test, world);
    program_fd(test, world);
}

double prog_case_run(const struct prog_case *test, const struct world *world, unsigned int runs)
{
    bool is_batch = prog_case_is_batch(test), is_judged = test->target >= TARGET_FROM_POD;
    unsigned int batches = runs / BATCH ? runs / BATCH : 1;
    int fd = program_fd(test, world);
    struct traffic passed;
    double seconds;

    set_telling(test, world);
    if (test->telling == TELL_FULL)
        run(test, world, fd, 2 * BATCH);

    struct tally before = world_tally(world, test->direction, test->verdict, test->reason);

    runs = is_batch ? batches * BATCH : runs;
    prepare(test, world);
    passed = world_traffic(world);
    seconds = is_batch ? run_batches(test, world, fd, batches) : run(test, world, fd, runs);
    if (is_judged && test->verdict != VERDICT_FORWARDED)
        check(test, world, &before, runs);
    else if (is_judged && test->target != TARGET_INGRESS)
        check_passed(test, world, &passed, runs);
    if (is_judged && test->packet.payload == PAYLOAD_ANSWER)
        prog_names_check_learnt(test, world);
    if (is_judged && test->packet.payload == PAYLOAD_QUERY && test->verdict == VERDICT_FORWARDED)
        prog_names_check_asked(test, world);
    return seconds * 1e9 / runs;
}
