/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/reader.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "tests/bench/bench.h"

#define LOOK_AGAIN_MS 10
#define SETTLE_S 10

static int take(void *context, void *data, size_t size)
{
    unsigned long *count = context;

    (void)data;
    if (size == sizeof(struct event))
        __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    return 0;
}

static void set_idle(const struct reader *reader, __u32 is_idle)
{
    __atomic_store_n(&reader->datapath->control->reader_idle, is_idle, __ATOMIC_SEQ_CST);
}

/* False: it shall stop. */
static bool wait_for(struct reader *reader, bool is_asleep)
{
    struct pollfd fds[] = {{.fd = reader->stop_fd, .events = POLLIN},
                           {.fd = ring_buffer__epoll_fd(reader->ring), .events = POLLIN}};

    __atomic_store_n(&reader->is_asleep, is_asleep, __ATOMIC_SEQ_CST);
    poll(fds, is_asleep ? 2 : 1, is_asleep ? -1 : LOOK_AGAIN_MS);
    __atomic_store_n(&reader->is_asleep, false, __ATOMIC_SEQ_CST);
    return !(fds[0].revents & POLLIN);
}

static void *look_and_sleep(void *context)
{
    struct reader *reader = context;
    int empty_looks = 0;

    while (true) {
        int found = ring_buffer__consume(reader->ring);

        empty_looks = found > 0 ? 0 : empty_looks + 1;
        if (empty_looks < 2)
            set_idle(reader, empty_looks == 1);
        if (!wait_for(reader, empty_looks >= 2))
            return NULL;
        if (empty_looks >= 2)
            empty_looks = 0;
    }
}

static void pin(pthread_t thread, int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_setaffinity_np(thread, sizeof(set), &set); /* with one CPU it shares that one */
}

void reader_start(struct reader *reader, const struct datapath *datapath, int cpu)
{
    *reader = (struct reader){.datapath = datapath};
    reader->ring = ring_buffer__new(datapath->maps[MAP_EVENTS], take, &reader->count, NULL);
    reader->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (!reader->ring || reader->stop_fd < 0 || pthread_create(&reader->thread, NULL, look_and_sleep, reader))
        bench_fail("no reader of events: %s", strerror(errno));
    pin(reader->thread, cpu);
}

void reader_stop(struct reader *reader)
{
    if (eventfd_write(reader->stop_fd, 1) || pthread_join(reader->thread, NULL))
        bench_fail("the reader of events does not stop: %s", strerror(errno));
    set_idle(reader, 0);
    ring_buffer__free(reader->ring);
    close(reader->stop_fd);
}

void reader_settle(struct reader *reader, unsigned long count)
{
    double deadline = bench_seconds() + SETTLE_S;

    while (__atomic_load_n(&reader->count, __ATOMIC_SEQ_CST) != count ||
           !__atomic_load_n(&reader->is_asleep, __ATOMIC_SEQ_CST)) {
        if (bench_seconds() > deadline)
            bench_fail("of %lu events %lu were read", count, reader->count);
        sched_yield();
    }
}

unsigned long reader_drain(const struct datapath *datapath)
{
    unsigned long count = 0;
    struct ring_buffer *ring = ring_buffer__new(datapath->maps[MAP_EVENTS], take, &count, NULL);

    if (!ring)
        bench_fail("no reader of events: %s", strerror(errno));
    ring_buffer__consume(ring);
    ring_buffer__free(ring);
    return count;
}
