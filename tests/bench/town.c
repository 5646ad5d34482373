/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/town.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/record.h"
#include "lib/cleanup.h"
#include "tests/bench/bench.h"
#include "tests/bench/chain.h"
#include "tests/bpf/sandbox.h"

#define TOWN_CPU 0
#define READY_S 10
#define TCX_S 5 /* policyd does it by and by */

static const struct {
    const char *name;
    bool is_server, is_judged;
} plan[TOWN_PODS] = {
    [TOWN_SERVER] = {"server", true, false},       [TOWN_SERVER_JUDGED] = {"server-judged", true, true},
    [TOWN_PLAIN] = {"client-plain", false, false}, [TOWN_RULES] = {"client-rules", false, true},
    [TOWN_NAMES] = {"client-names", false, true},  [TOWN_TOLD] = {"client-told", false, true},
};

static struct pod_here {
    struct node_pod pod;
    struct chain chain;
    struct peer peer;
    char address[16];
    __u32 slot, epoch;
} pods[TOWN_PODS];

static struct node node;
static struct datapath datapath;
static bool has_asked_names;

/* --- profiles ----------------------------------------------------------------------------------------------------- */

static void write_head(FILE *out, enum town_pod pod, const char *action)
{
    char path[256] = "";

    if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
        bench_fail("/proc/self/exe: %s", strerror(errno));
    fprintf(out,
            "apiVersion: v1\n"
            "kind: Pod\n"
            "metadata: {name: %s, labels: {app: %s}}\n"
            "---\n"
            "apiVersion: securityprobe.datadoghq.com/v1\n"
            "kind: SecurityProfile\n"
            "metadata: {name: %s}\n"
            "spec:\n"
            "  labelSelector: {matchLabels: {app: %s}}\n"
            "  actions: [%s]\n"
            "  default:\n" /* what kernels say: ARP, and the node's bridge which groups it is in */
            "    ingress: {cidr4: [10.77.0.1/32], l3: {protocols: [ipv4, arp]}, l4: {protocols: [igmp]}}\n"
            "    egress: {l3: {protocols: [arp]}}\n"
            "  processes:\n"
            "  - path: %s\n"
            "    network:\n"
            "      %s:\n"
            "        cidr4: [10.77.0.0/24]\n"
            "        l3: {protocols: [ipv4]}\n"
            "        l4: {protocolPorts: [{protocol: udp, port: 53}, {protocol: tcp, port: %d}, {protocol: tcp, port: "
            "%d}]}\n",
            plan[pod].name, plan[pod].name, plan[pod].name, plan[pod].name, action, path,
            plan[pod].is_server ? "ingress" : "egress", PEER_ECHO_PORT, PEER_HTTP_PORT);
}

static void write_names(FILE *out, const char *const *names)
{
    fprintf(out, "        l7:\n"
                 "          protocols: [dns, http]\n"
                 "          http: [{method: GET, uri: " PEER_TARGET "}]\n"
                 "          dns: [nobody.example.internal");
    for (; names && *names; names++)
        fprintf(out, ", %s", *names);
    fprintf(out, "]\n");
}

static void write_fqdns(FILE *out, const char *const *names)
{
    fprintf(out, "        fqdns: [nobody.example.internal");
    for (; names && *names; names++)
        fprintf(out, ", %s", *names);
    fprintf(out, "]\n");
}

static void publish(enum town_pod pod, const char *const *names)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        bench_fail("out of memory");
    write_head(out, pod, pod == TOWN_TOLD ? "alert" : "enforce");
    if (pod == TOWN_NAMES)
        write_fqdns(out, names);
    if (pod == TOWN_NAMES || pod == TOWN_TOLD)
        write_names(out, pod == TOWN_NAMES ? names : NULL);
    fclose(out);
    node_write(&node, plan[pod].name, text);
    node_publish(&node, plan[pod].name);
    free(text);
}

/* --- pods --------------------------------------------------------------------------------------------------------- */

static bool is_ready(const void *context)
{
    const struct pod_here *here = context;
    __u64 word = datapath.states[here->slot];

    return (word & POD_STATE_MASK) == POD_READY && pod_word_policy(word) && datapath.revisions[pod_word_policy(word)];
}

static void find_attachment(const struct pod_here *here, struct attachment *attachment)
{
    struct attachment_key key = {.ifname = "eth0"};

    memcpy(key.container_id, here->pod.name, strlen(here->pod.name));
    if (record_find(&datapath, &key, attachment))
        bench_fail("pod %s is not recorded", here->pod.name);
}

/* tcx is what is measured. */
static bool is_promoted(const void *context)
{
    struct attachment attachment;

    find_attachment(context, &attachment);
    return attachment.flags == ATTACHED_TCX;
}

static void wait_for_profile(struct pod_here *here)
{
    struct attachment attachment;

    find_attachment(here, &attachment);
    here->slot = attachment.slot;
    here->epoch = attachment.epoch;
    if (!node_wait(is_ready, here, READY_S))
        bench_fail("pod %s is not judged by its profile", here->pod.name);
    if (!node_wait(is_promoted, here, TCX_S))
        bench_section("pod %s is attached by clsact", here->pod.name); /* Linux before 6.6 */
}

/* Its kernel would report the groups it is in to all others (MLD), which no profile here allows. */
static void silence_ipv6(const struct node_pod *pod)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        node_pod_enter(pod);

        int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);

        _exit(fd < 0 ? errno != ENOENT : write(fd, "1", 1) != 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status)
        bench_fail("pod %s: IPv6 cannot be disabled", pod->name);
}

static void add_pod(enum town_pod pod)
{
    struct pod_here *here = &pods[pod];
    char gateway[16];

    node_pod_make(&node, plan[pod].name, &here->pod);
    silence_ipv6(&here->pod);
    here->chain = (struct chain){.node = &node, .pod = &here->pod, .has_nsp = plan[pod].is_judged};
    chain_add(&here->chain);
    chain_addresses(&here->chain, here->address, gateway);
    if (plan[pod].is_judged)
        wait_for_profile(here);
    if (plan[pod].is_server)
        peer_start_server(&here->pod, TOWN_CPU, &here->peer);
    else
        peer_start_client(&here->pod, TOWN_CPU, pods[pod == TOWN_PLAIN ? TOWN_SERVER : TOWN_SERVER_JUDGED].address,
                          &here->peer);
}

void town_start(const char *const *names)
{
    node_start(&node);
    node.tells_all = true;
    for (int pod = 0; pod < TOWN_PODS; pod++) {
        if (plan[pod].is_judged)
            publish(pod, names);
    }
    node_start_policyd(&node);
    node_open_pins(&datapath);
    for (int pod = 0; pod < TOWN_PODS; pod++)
        add_pod(pod);
}

void town_stop(void)
{
    for (int pod = 0; pod < TOWN_PODS; pod++) {
        if (pods[pod].peer.pid > 0)
            peer_stop(&pods[pod].peer);
    }
    node_stop(&node);
    sandbox_leave();
}

double town_ask(enum town_pod client, enum peer_work work, unsigned int count, const char *name)
{
    has_asked_names |= client == TOWN_NAMES && (work == PEER_DNS || work == PEER_DNS_FRESH);
    return peer_ask(&pods[client].peer, work, count, name);
}

/* --- what was counted --------------------------------------------------------------------------------------------- */

static unsigned long count_packets(const struct pod_here *here)
{
    int cpus = libbpf_num_possible_cpus();
    cleanup_free struct traffic *each = calloc((size_t)cpus, sizeof(*each));
    unsigned long sum = 0;

    if (!each || bpf_map_lookup_elem(datapath.maps[MAP_TRAFFIC], &here->slot, each))
        bench_fail("nsp_traffic: %s", strerror(errno));
    for (int i = 0; i < cpus; i++)
        sum += each[i].packets[EGRESS] + each[i].packets[INGRESS];
    return sum;
}

static unsigned int count_learnt(const struct pod_here *here)
{
    struct learnt_key key, *before = NULL;
    unsigned int count = 0;
    __u32 id;

    if (bpf_map_lookup_elem(datapath.maps[MAP_LEARNT], &here->slot, &id))
        return 0;

    cleanup_close int table = bpf_map_get_fd_by_id(id);

    while (table >= 0 && bpf_map_get_next_key(table, before, &key) == 0 && ++count < NSP_LEARNT_MAX)
        before = &key;
    return count;
}

struct town_counts town_count(enum town_pod pod)
{
    const struct pod_here *here = &pods[pod];
    struct town_counts counts = {.packets = count_packets(here), .learnt = count_learnt(here)};
    struct pod_tally tally;

    if (bpf_map_lookup_elem(datapath.maps[MAP_TALLIES], &here->slot, &tally))
        bench_fail("nsp_tallies: %s", strerror(errno));
    for (int i = 0; i < DIRECTIONS * VERDICTS * REASONS; i++) {
        int direction = i / (VERDICTS * REASONS), verdict = i / REASONS % VERDICTS, reason = i % REASONS;
        const struct tally *one = &tally.tallies[direction][verdict][reason];

        counts.violations += one->seen;
        counts.reported += one->reported;
        if (one->seen && (direction != EGRESS || verdict != VERDICT_AUDIT || reason != REASON_DNS_NAME)) {
            counts.unlike += one->seen;
            printf("pod %s: %llu times direction %d, verdict %d, reason %d\n", plan[pod].name, one->seen, direction,
                   verdict, reason);
        }
    }
    return counts;
}

double town_check(unsigned long queries)
{
    for (int pod = 0; pod < TOWN_PODS; pod++) {
        struct town_counts counts = plan[pod].is_judged ? town_count(pod) : (struct town_counts){.packets = 1};

        if (!counts.packets)
            bench_fail("pod %s: none of its packets was judged", plan[pod].name);
        if (counts.unlike || (pod != TOWN_TOLD && counts.violations))
            bench_fail("pod %s: %lu violations where all is allowed", plan[pod].name, counts.violations);
    }
    if (has_asked_names && !town_count(TOWN_NAMES).learnt)
        bench_fail("pod %s has learnt no address", plan[TOWN_NAMES].name);

    struct town_counts told = town_count(TOWN_TOLD);

    if (told.violations != queries)
        bench_fail("pod %s: of %lu queries %lu were violations", plan[TOWN_TOLD].name, queries, told.violations);
    return queries ? (double)told.reported / (double)queries : 0;
}
