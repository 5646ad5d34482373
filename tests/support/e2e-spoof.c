/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that pretends to be another one, or to have another one's sockets, one way a verb; then it connects. Prints
 * "ok", or the call that failed and the name of its errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/prctl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/support/e2e-socket.h"

static int report(const char *call)
{
    puts(call ? outcome_errno(call).text : "ok");
    fflush(stdout);
    return 0;
}

static int connect_with(int fd, const char *address, const char *port)
{
    struct peer peer;

    if (peer_parse(&peer, address, port))
        exit(2);
    if (fd < 0)
        fd = socket_open(peer.any.sa_family, SOCK_STREAM, 0);
    return report(connect(fd, &peer.any, peer.length) < 0 ? "connect" : NULL);
}

/* memfd FILE ARG...: the file's bytes, run from no file system. */
static int run_memfd(char **args)
{
    cleanup_close int file = open(args[0], O_RDONLY | O_CLOEXEC);
    int fd = (int)syscall(SYS_memfd_create, "good", 0);
    struct stat status;

    if (file < 0 || fd < 0 || fstat(file, &status) < 0 || sendfile(fd, file, NULL, status.st_size) != status.st_size)
        return report("memfd");
    fexecve(fd, args, environ);
    return report("fexecve");
}

/* Puts anonymous memory with the same bytes in place of a mapping; the code that does so is in one of them. */
static int unshare_mapping(uintptr_t start, uintptr_t end, int protection)
{
    size_t size = end - start;
    void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (copy == MAP_FAILED)
        return -1;
    memcpy(copy, (const void *)start, size); /* NOLINT(performance-no-int-to-ptr) */
    if (mprotect(copy, size, protection) < 0)
        return -1;
    return mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, start) == MAP_FAILED ? -1 : 0;
}

/* After this no page of the executable is mapped, which the kernel wants before it forgets whose they were. */
static int leave_executable(void)
{
    struct {
        uintptr_t start, end;
        int protection;
    } mappings[16];
    char own[256] = "", line[512], mode[5], path[256];
    size_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");

    if (!maps || readlink("/proc/self/exe", own, sizeof(own) - 1) < 0)
        return -1;
    while (fgets(line, sizeof(line), maps) && count < 16) {
        if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %255s", &mappings[count].start, &mappings[count].end, mode, path) !=
                4 ||
            strcmp(path, own) != 0)
            continue;
        mappings[count++].protection =
            (mode[0] == 'r' ? PROT_READ : 0) | (mode[1] == 'w' ? PROT_WRITE : 0) | (mode[2] == 'x' ? PROT_EXEC : 0);
    }
    fclose(maps);
    for (size_t i = 0; i < count; i++)
        if (unshare_mapping(mappings[i].start, mappings[i].end, mappings[i].protection) < 0)
            return -1;
    return 0;
}

static int read_own_map(struct prctl_mm_map *map)
{
    unsigned long field[53] = {0};
    char text[2048];
    FILE *stat = fopen("/proc/self/stat", "re");
    char *at = stat ? fgets(text, sizeof(text), stat) : NULL;

    if (!at)
        return -1;
    fclose(stat);
    at = strrchr(text, ')') + 2;
    for (int i = 3; i < 53 && at; i++) {
        field[i] = strtoul(at, NULL, 10);
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    *map = (struct prctl_mm_map){.start_code = field[26],
                                 .end_code = field[27],
                                 .start_data = field[45],
                                 .end_data = field[46],
                                 .start_brk = field[47],
                                 .brk = (uintptr_t)sbrk(0),
                                 .start_stack = field[28],
                                 .arg_start = field[48],
                                 .arg_end = field[49],
                                 .env_start = field[50],
                                 .env_end = field[51]};
    return 0;
}

struct disguise {
    struct prctl_mm_map map;
    int error;
};

/* In a user namespace anybody may; the memory is the parent's, who stays where it was. */
static int put_on(void *context)
{
    struct disguise *disguise = context;

    disguise->error = 0;
    if (unshare(CLONE_NEWUSER) < 0 || prctl(PR_SET_MM, PR_SET_MM_MAP, &disguise->map, sizeof(disguise->map), 0) < 0)
        disguise->error = errno;
    return 0;
}

/* exe FILE ADDRESS PORT: with /proc/self/exe set to FILE. */
static int run_exe(char **args)
{
    static char stack[65536] __attribute__((aligned(16)));
    struct disguise disguise = {.error = 1};
    char now[256] = "";
    int child;

    if (leave_executable() < 0 || read_own_map(&disguise.map) < 0)
        return report("maps");
    disguise.map.exe_fd = open(args[0], O_RDONLY | O_CLOEXEC);
    child = clone(put_on, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &disguise);
    waitpid(child, NULL, 0);
    if (disguise.error) {
        errno = disguise.error;
        return report("prctl");
    }
    if (readlink("/proc/self/exe", now, sizeof(now) - 1) < 0 || strcmp(now, args[0]) != 0)
        return report("readlink");
    return connect_with(-1, args[1], args[2]);
}

/* give FILE ADDRESS PORT: a socket made here, connected by FILE, a copy of this program. */
static int run_give(char **args)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", socket(AF_INET, SOCK_STREAM, 0));
    execl(args[0], args[0], "take", number, args[1], args[2], (char *)NULL);
    return report("execl");
}

/* Sends or takes a descriptor over a UNIX socket. */
static int pass_descriptor(int channel, int fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte = 'x';
    struct iovec data = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

    if (fd < 0) {
        if (recvmsg(channel, &message, 0) < 1)
            return -1;
        memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
        return fd;
    }
    control.header =
        (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    return sendmsg(channel, &message, 0) < 0 ? -1 : 0;
}

/* FILE, a copy of this program, runs VERB with a channel and the arguments, and passes a socket here. <0: it did not.
 */
static int socket_of(char *file, const char *verb, char **arguments)
{
    char number[16];
    int ends[2], child, fd;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        return -1;
    snprintf(number, sizeof(number), "%d", ends[1]);
    child = fork();
    if (child == 0) {
        execl(file, file, verb, number, arguments[0], arguments[1], (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    fd = pass_descriptor(ends[0], -1);
    waitpid(child, NULL, 0);
    return fd;
}

/* pass FILE ADDRESS PORT: FILE makes a socket and passes it here, where it is connected. */
static int run_pass(char **args)
{
    int fd = socket_of(args[0], "make", args + 1);

    return fd < 0 ? report("pass") : connect_with(fd, args[1], args[2]);
}

static int run_make(char **args)
{
    return pass_descriptor(atoi(args[0]), socket(AF_INET, SOCK_STREAM, 0)) < 0;
}

/* get FILE ADDRESS PORT: FILE makes a UDP socket, sends by it and passes it here, where it sends to an address again.
 */
static int run_get(char **args)
{
    int fd = socket_of(args[0], "send", args + 1);
    struct peer peer;

    if (peer_parse(&peer, args[1], args[2]))
        return 2;
    if (fd < 0)
        return report("pass");
    return report(sendto(fd, "echo\n", 5, 0, &peer.any, peer.length) < 0 ? "sendto" : NULL);
}

static int run_send(char **args)
{
    struct peer peer;

    if (peer_parse(&peer, args[1], args[2]))
        return 2;

    int fd = socket_open(peer.any.sa_family, SOCK_DGRAM, 0);

    if (sendto(fd, "echo\n", 5, 0, &peer.any, peer.length) < 0)
        fd = -1;
    return fd < 0 || pass_descriptor(atoi(args[0]), fd) < 0;
}

static int run_take(char **args)
{
    return connect_with(atoi(args[0]), args[1], args[2]);
}

/* The ring's pieces that one request needs. */
struct ring {
    int fd;
    struct io_uring_params params;
    char *rings;
    struct io_uring_sqe *entries;
};

static int open_ring(struct ring *ring, unsigned flags)
{
    memset(ring, 0, sizeof(*ring));
    ring->params.flags = flags;
    ring->fd = (int)syscall(SYS_io_uring_setup, 1, &ring->params);
    if (ring->fd < 0)
        return -1;
    ring->rings = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQ_RING);
    ring->entries = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
    return ring->rings == MAP_FAILED || (void *)ring->entries == MAP_FAILED ? -1 : 0;
}

/* uring ADDRESS PORT inline|worker: connected by the kernel, on behalf of this process. */
static int run_uring(char **args)
{
    struct ring ring;
    struct peer peer;

    if (peer_parse(&peer, args[0], args[1]))
        return 2;
    if (open_ring(&ring, 0) < 0)
        return report("io_uring_setup");

    unsigned *tail = (unsigned *)(ring.rings + ring.params.sq_off.tail);
    const struct io_uring_cqe *done = (const void *)(ring.rings + ring.params.cq_off.cqes);

    ring.entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
                                            .flags = strcmp(args[2], "worker") ? 0 : IOSQE_ASYNC,
                                            .fd = socket_open(peer.any.sa_family, SOCK_STREAM, 0),
                                            .addr = (uintptr_t)&peer.any,
                                            .off = peer.length};
    *(unsigned *)(ring.rings + ring.params.sq_off.array) = 0;
    __atomic_store_n(tail, 1, __ATOMIC_RELEASE);
    if (syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
        return report("io_uring_enter");
    errno = -done[0].res;
    return report(done[0].res < 0 ? "connect" : NULL);
}

static const struct verb {
    const char *name, *arguments;
    int least;
    int (*run)(char **args);
} verbs[] = {
    {"memfd", "FILE ARGUMENT...", 1, run_memfd},
    {"exe", "FILE ADDRESS PORT", 3, run_exe},
    {"give", "FILE ADDRESS PORT", 3, run_give},
    {"pass", "FILE ADDRESS PORT", 3, run_pass},
    {"make", "DESCRIPTOR", 1, run_make},
    {"get", "FILE ADDRESS PORT", 3, run_get},
    {"send", "DESCRIPTOR ADDRESS PORT", 3, run_send},
    {"take", "DESCRIPTOR ADDRESS PORT", 3, run_take},
    {"uring", "ADDRESS PORT inline|worker", 3, run_uring},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (!strcmp(argv[1], verbs[i].name) && argc - 2 >= verbs[i].least)
            return verbs[i].run(argv + 2);
    fprintf(stderr, "usage: e2e-spoof VERB\n");
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        fprintf(stderr, "  %s %s\n", verbs[i].name, verbs[i].arguments);
    return 2;
}
