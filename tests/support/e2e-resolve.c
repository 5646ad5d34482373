/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that asks a resolver and connects to what it is told, one verb a run. Prints the answer or "ok", or the
 * call that failed and the name of its errno. Nothing of libc's resolver is in the way, so each query is what the test
 * says.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/support/e2e-socket.h"

#define MESSAGE_SIZE 65536
#define HEADER_SIZE 12
#define TYPE_A 1
#define TYPE_AAAA 28
#define TYPE_OPT 41
#define MANY_NAMES 200
#define HOLD_INTERVAL_MS 20

struct message {
    size_t length;
    unsigned char bytes[MESSAGE_SIZE];
};

/* What an answer says: its addresses as text, in order. */
struct answer {
    bool is_truncated;
    int rcode, count;
    char first[INET6_ADDRSTRLEN];
    char all[4096];
};

static void put16(unsigned char *at, unsigned value)
{
    at[0] = value >> 8;
    at[1] = value;
}

static unsigned get16(const unsigned char *at)
{
    return at[0] << 8 | at[1];
}

/* EDNS: how much the asker takes at once; 0: as in 1987. */
static void make_query(struct message *query, const char *name, unsigned type, unsigned edns)
{
    unsigned char *at = query->bytes + HEADER_SIZE, *length;

    memset(query->bytes, 0, HEADER_SIZE);
    put16(query->bytes, (unsigned)random());
    query->bytes[2] = 1; /* recursion desired */
    put16(query->bytes + 4, 1);
    while (*name) {
        length = at++;
        for (*length = 0; *name && *name != '.'; ++*length)
            *at++ = *name++;
        name += *name == '.';
    }
    *at++ = 0;
    put16(at, type);
    put16(at + 2, 1);
    at += 4;
    if (edns) {
        put16(query->bytes + 10, 1);
        memset(at, 0, 11);
        put16(at + 1, TYPE_OPT);
        put16(at + 3, edns);
        at += 11;
    }
    query->length = at - query->bytes;
}

static const unsigned char *skip_name(const unsigned char *at, const unsigned char *end)
{
    while (at < end && *at && *at < 0xc0)
        at += *at + 1;
    return at < end && *at ? at + 2 : at + 1;
}

static void add_address(struct answer *answer, unsigned type, const unsigned char *data)
{
    char text[INET6_ADDRSTRLEN];
    size_t used = strlen(answer->all);

    if (!inet_ntop(type == TYPE_A ? AF_INET : AF_INET6, data, text, sizeof(text)))
        return;
    if (answer->count++ == 0)
        memcpy(answer->first, text, sizeof(text));
    if (used + strlen(text) + 2 < sizeof(answer->all))
        snprintf(answer->all + used, sizeof(answer->all) - used, "%s%s", used ? " " : "", text);
}

static void read_answer(const struct message *message, struct answer *answer)
{
    const unsigned char *at = message->bytes + HEADER_SIZE, *end = message->bytes + message->length;
    unsigned records = get16(message->bytes + 6);

    memset(answer, 0, sizeof(*answer));
    answer->is_truncated = message->bytes[2] & 2;
    answer->rcode = message->bytes[3] & 15;
    at = skip_name(at, end) + 4;
    for (; records && at < end; records--) {
        at = skip_name(at, end);
        if (end - at < 10 || end - at - 10 < get16(at + 8))
            return;
        if (get16(at) == TYPE_A || get16(at) == TYPE_AAAA)
            add_address(answer, get16(at), at + 10);
        at += 10 + get16(at + 8);
    }
}

static int open_to(const char *address, const char *port, int type, const char **call)
{
    struct peer peer;
    int fd;

    if (peer_parse(&peer, address, port))
        exit(2);
    *call = "socket";
    fd = socket_open(peer.any.sa_family, type, 0);
    if (fd < 0)
        return -1;
    *call = "connect";
    if (connect(fd, &peer.any, peer.length) == 0)
        return fd;
    close(fd);
    return -1;
}

static struct outcome ask_udp(const char *server, const struct message *query, struct message *reply)
{
    const char *call;
    cleanup_close int fd = open_to(server, "53", SOCK_DGRAM, &call);
    ssize_t n;

    if (fd < 0)
        return outcome_errno(call);
    if (send(fd, query->bytes, query->length, 0) < 0)
        return outcome_errno("send");
    /* As libc does: what is no answer to this query is not looked at. */
    do
        n = recv(fd, reply->bytes, sizeof(reply->bytes), 0);
    while (n >= 0 && (n < HEADER_SIZE || memcmp(reply->bytes, query->bytes, 2) != 0));
    if (n < 0)
        return outcome_errno("recv");
    reply->length = n;
    return outcome_ok();
}

static struct outcome ask_tcp(const char *server, const struct message *query, struct message *reply)
{
    const char *call;
    cleanup_close int fd = open_to(server, "53", SOCK_STREAM, &call);
    unsigned char length[2];

    if (fd < 0)
        return outcome_errno(call);
    put16(length, query->length);
    if (send(fd, length, 2, MSG_NOSIGNAL | MSG_MORE) < 0 || send(fd, query->bytes, query->length, MSG_NOSIGNAL) < 0)
        return outcome_errno("send");
    if (recv(fd, length, 2, MSG_WAITALL) != 2)
        return outcome_errno("recv");
    reply->length = get16(length);
    if (recv(fd, reply->bytes, reply->length, MSG_WAITALL) != (ssize_t)reply->length)
        return outcome_errno("recv");
    return outcome_ok();
}

/* As libc does: by UDP, and by TCP when the answer is truncated. */
static struct outcome ask(const char *server, const char *name, unsigned type, unsigned edns, struct answer *answer)
{
    static struct message query, reply;
    struct outcome outcome;

    make_query(&query, name, type, edns);
    outcome = ask_udp(server, &query, &reply);
    if (strcmp(outcome.text, "ok") != 0)
        return outcome;
    read_answer(&reply, answer);
    if (!answer->is_truncated)
        return outcome;
    outcome = ask_tcp(server, &query, &reply);
    if (strcmp(outcome.text, "ok") == 0)
        read_answer(&reply, answer);
    return outcome;
}

static struct outcome knock(const char *address, const char *port)
{
    const struct linger abort = {.l_onoff = 1};
    const char *call;
    cleanup_close int fd = open_to(address, port, SOCK_STREAM, &call);

    if (fd < 0)
        return outcome_errno(call);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)); /* no TIME_WAIT: ports come back */
    return outcome_ok();
}

static struct outcome reach(const char *server, const char *name, const char *port, struct answer *answer)
{
    struct outcome outcome = ask(server, name, TYPE_A, 0, answer);

    if (strcmp(outcome.text, "ok") != 0)
        return outcome;
    if (answer->count == 0) {
        snprintf(outcome.text, sizeof(outcome.text), "rcode %d", answer->rcode);
        return outcome;
    }
    return knock(answer->first, port);
}

/* A connection to where the name leads, used until it ends. */
static int hold(const char *server, const char *name, const char *port)
{
    static struct answer answer;
    struct outcome outcome = ask(server, name, TYPE_A, 0, &answer);
    const char *call = outcome.text;
    char text[16];
    ssize_t n;

    if (answer.count == 0)
        return puts("no answer") < 0;

    cleanup_close int fd = open_to(answer.first, port, SOCK_STREAM, &call);

    for (bool first = true; fd >= 0; first = false) {
        call = "send";
        if (send(fd, "echo\n", 5, MSG_NOSIGNAL) < 0)
            break;
        call = "recv";
        n = recv(fd, text, sizeof(text), 0);
        if (n <= 0)
            break;
        if (first)
            puts("holding");
        fflush(stdout);
        poll(NULL, 0, HOLD_INTERVAL_MS); /* the pace of its traffic */
    }
    puts(outcome_errno(call).text);
    return 0;
}

static int print_answer(const struct outcome *outcome, const struct answer *answer)
{
    if (strcmp(outcome->text, "ok") != 0)
        puts(outcome->text);
    else if (answer->count)
        puts(answer->all);
    else
        printf("rcode %d\n", answer->rcode);
    return 0;
}

/* Resolves and connects, over and over; says each outcome that is not "ok" as often as it differs from the last one. */
static int many(const char *server, const char *port, unsigned long count)
{
    static struct answer answer;
    char name[64], last[64] = "ok";
    unsigned long refused = 0;

    for (unsigned long i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "rot.n%lu.odd", i % MANY_NAMES);

        struct outcome outcome = reach(server, name, port, &answer);

        refused += strcmp(outcome.text, "ok") != 0;
        if (strcmp(outcome.text, last) != 0)
            printf("run %lu, %s, %s: %s\n", i, name, answer.first, outcome.text);
        memcpy(last, outcome.text, sizeof(last));
    }
    printf("runs=%lu unexpected=%lu\n", count, refused);
    return 0;
}

static int print_usage(void)
{
    fprintf(stderr, "usage: e2e-resolve ask SERVER NAME A|AAAA|TYPE [EDNS-SIZE] | tcp SERVER NAME\n"
                    "       e2e-resolve reach SERVER NAME PORT | connect ADDRESS PORT | many SERVER PORT COUNT\n"
                    "       e2e-resolve hold SERVER NAME PORT\n");
    return 2;
}

static unsigned type_number(const char *text)
{
    if (!strcmp(text, "A"))
        return TYPE_A;
    return !strcmp(text, "AAAA") ? TYPE_AAAA : strtoul(text, NULL, 10);
}

static struct outcome ask_by_tcp(const char *server, const char *name, struct answer *answer)
{
    static struct message query, reply;
    struct outcome outcome;

    make_query(&query, name, TYPE_A, 0);
    outcome = ask_tcp(server, &query, &reply);
    if (strcmp(outcome.text, "ok") == 0)
        read_answer(&reply, answer);
    return outcome;
}

int main(int argc, char **argv)
{
    static struct answer answer;
    const char *verb = argc > 1 ? argv[1] : "";
    struct outcome outcome;

    srandom(getpid());
    if ((argc == 5 || argc == 6) && !strcmp(verb, "ask")) {
        unsigned edns = argc == 6 ? strtoul(argv[5], NULL, 10) : 0;

        outcome = ask(argv[2], argv[3], type_number(argv[4]), edns, &answer);
        return print_answer(&outcome, &answer);
    }
    if (argc == 4 && !strcmp(verb, "tcp")) {
        outcome = ask_by_tcp(argv[2], argv[3], &answer);
        return print_answer(&outcome, &answer);
    }
    if (argc == 5 && !strcmp(verb, "reach")) {
        puts(reach(argv[2], argv[3], argv[4], &answer).text);
        return 0;
    }
    if (argc == 4 && !strcmp(verb, "connect")) {
        puts(knock(argv[2], argv[3]).text);
        return 0;
    }
    if (argc == 5 && !strcmp(verb, "hold"))
        return hold(argv[2], argv[3], argv[4]);
    if (argc == 5 && !strcmp(verb, "many"))
        return many(argv[2], argv[3], strtoul(argv[4], NULL, 10));
    return print_usage();
}
