/* SPDX-License-Identifier: Apache-2.0 */
/* Events as JSON: see event_json.h. Key names are those of flow.proto and tetragon.proto where these have one. */
#include "policyd/event_json.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/cidr.h"
#include "policyd/event_l7.h"
#include "policyd/words.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_ARP_FRAME 0x0806

void event_json_time(__s64 time_ns, char text[EVENT_JSON_TIME_SIZE])
{
    time_t seconds = time_ns / 1000000000;
    struct tm utc;
    size_t used;

    gmtime_r(&seconds, &utc);
    used = strftime(text, EVENT_JSON_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + used, EVENT_JSON_TIME_SIZE - used, ".%09lldZ", (long long)(time_ns % 1000000000));
}

static bool is_zero(const __u8 address[16])
{
    static const __u8 zero[16];

    return memcmp(address, zero, sizeof(zero)) == 0;
}

static bool is_ipv4(const __u8 address[16])
{
    static const __u8 prefix[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(address, prefix, sizeof(prefix)) == 0;
}

/* The one who opened the flow is its source. At connect() the pod's own address and port are not chosen yet. */
static json_t *make_addresses(const struct event *event)
{
    const char *local_side = event->direction == EGRESS ? "source" : "destination";
    const char *remote_side = event->direction == EGRESS ? "destination" : "source";
    char local[CIDR_TEXT_SIZE], remote[CIDR_TEXT_SIZE];
    json_t *addresses;

    if (is_zero(event->local) && is_zero(event->remote))
        return NULL;
    cidr_format_address(event->local, local);
    cidr_format_address(event->remote, remote);
    addresses = json_object();
    if (!is_zero(event->local))
        json_object_set_new(addresses, local_side, json_string(local));
    if (!is_zero(event->remote))
        json_object_set_new(addresses, remote_side, json_string(remote));
    json_object_set_new(addresses, "ipVersion",
                        json_string(is_ipv4(is_zero(event->remote) ? event->local : event->remote) ? "IPv4" : "IPv6"));
    return addresses;
}

static json_t *make_tcp_flags(__u8 flags)
{
    static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
    json_t *object = json_object();

    for (int i = 0; i < 8; i++) {
        if (flags & (1 << i))
            json_object_set_new(object, names[i], json_true());
    }
    return object;
}

static const char *l4_name(__u8 protocol)
{
    switch (protocol) {
    case IPPROTO_TCP:
        return "TCP";
    case IPPROTO_UDP:
        return "UDP";
    case IPPROTO_SCTP:
        return "SCTP";
    case IPPROTO_ICMP:
        return "ICMPv4";
    case IPPROTO_ICMPV6:
        return "ICMPv6";
    default:
        return NULL;
    }
}

static void set_port(json_t *layer, const char *key, __u16 port_be)
{
    if (port_be)
        json_object_set_new(layer, key, json_integer(ntohs(port_be)));
}

static json_t *make_l4(const struct event *event)
{
    bool is_egress = event->direction == EGRESS;
    const char *name = l4_name(event->protocol);
    json_t *layer;

    if (!name)
        return NULL;
    layer = json_object();
    if (strncmp(name, "ICMP", 4) != 0) {
        set_port(layer, "source_port", is_egress ? event->local_port_be : event->remote_port_be);
        set_port(layer, "destination_port", is_egress ? event->remote_port_be : event->local_port_be);
    }
    if (event->protocol == IPPROTO_TCP && event->tcp_flags)
        json_object_set_new(layer, "flags", make_tcp_flags(event->tcp_flags));
    return json_pack("{s:o}", name, layer);
}

static json_t *make_pod(const struct event_context *context)
{
    json_t *labels, *pod;

    if (!context->pod_name)
        return NULL;
    pod = json_pack("{s:s*,s:s}", "namespace", context->namespace_, "pod_name", context->pod_name);
    labels = json_array();
    for (size_t i = 0; context->labels && i < context->labels->count; i++)
        json_array_append_new(
            labels, json_sprintf("k8s:%s=%s", context->labels->items[i].key, context->labels->items[i].value));
    json_object_set_new(pod, "labels", labels);
    return pod;
}

static const char *attack_of(__u8 reason)
{
    switch (reason) {
    case REASON_ARP_SPOOFING:
        return "arp-spoofing";
    case REASON_ND_SPOOFING:
        return "nd-spoofing";
    case REASON_IP_SPOOFING:
        return "ip-spoofing";
    case REASON_RAW_SOCKET_ATTACK:
        return "raw-socket";
    default:
        return NULL;
    }
}

/* Which rule refused; empty where no rule speaks of such a flow. */
static json_t *make_rule_labels(const struct event *event)
{
    const char *direction = event->direction == INGRESS ? "ingress" : "egress";

    if (attack_of(event->reason))
        return json_pack("[o]", json_sprintf("rule=attacks.%s", attack_of(event->reason)));
    if (event->reason == REASON_NOT_IMAGE && event->process != 0xffff)
        return json_pack("[o]", json_sprintf("rule=processes[%u].imageOnly", event->process));
    if (event->process != 0xffff)
        return json_pack("[o]", json_sprintf("rule=processes[%u].%s", event->process, direction));
    if (!(event->flags & EVENT_HAS_PROCESS) && event->reason != REASON_NO_DEFAULT)
        return json_pack("[o]", json_sprintf("rule=default.%s", direction));
    return json_array();
}

static json_t *make_deniers(const struct event *event, const struct event_context *context)
{
    const char *slash = context->profile ? strchr(context->profile, '/') : NULL;

    if (!slash)
        return NULL;
    return json_pack("[{s:s,s:o,s:s,s:I,s:o}]", "name", slash + 1, "namespace",
                     json_stringn(context->profile, (size_t)(slash - context->profile)), "kind", "SecurityProfile",
                     "revision", (json_int_t)event->revision, "labels", make_rule_labels(event));
}

/* A profile whose `trace-dns` wanted to be told; it says nothing of who allowed it. */
static json_t *make_tracer(const struct event_context *context)
{
    const char *slash = context->profile ? strchr(context->profile, '/') : NULL;

    if (!slash)
        return NULL;
    return json_pack("[{s:s,s:o,s:s}]", "name", slash + 1, "namespace",
                     json_stringn(context->profile, (size_t)(slash - context->profile)), "kind", "SecurityProfile");
}

static void set_layers(json_t *flow, const struct event *event)
{
    json_t *addresses = make_addresses(event), *l4 = make_l4(event);

    if (addresses)
        json_object_set_new(flow, "IP", addresses);
    if (l4)
        json_object_set_new(flow, "l4", l4);
    else if (event->protocol)
        json_object_set_new(flow, "ip_protocol", json_integer(event->protocol));
    if (event->ethertype == ETHERTYPE_ARP_FRAME)
        json_object_set_new(flow, "ethertype", json_string("arp"));
    else if (event->ethertype && event->ethertype != ETHERTYPE_IPV4 && event->ethertype != ETHERTYPE_IPV6)
        json_object_set_new(flow, "ethertype", json_sprintf("0x%04x", event->ethertype));
}

/* What a flow is about: of its headers, or of what it carries. */
static void set_application(json_t *flow, const struct event *event, const struct event_context *context)
{
    json_t *l7 = event_l7_json(event, context->asked);

    if (context->destination_names)
        json_object_set(flow, "destination_names", context->destination_names);
    if (l7)
        json_object_set_new(flow, "l7", l7);
    json_object_set_new(flow, "Type", json_string(l7 ? "L7" : "L3_L4"));
}

static json_t *make_flow(const struct event *event, const struct event_context *context, const char *time)
{
    json_t *flow = json_pack("{s:s,s:s}", "time", time, "verdict", words_verdict(event->verdict));
    json_t *pod = make_pod(context);
    bool is_violation = event->kind == EVENT_VIOLATION;
    json_t *profiles = is_violation ? make_deniers(event, context) : make_tracer(context);
    bool is_ingress = event->direction == INGRESS;

    if (event->verdict == VERDICT_DROPPED)
        json_object_set_new(flow, "drop_reason_desc", json_string(words_drop_reason(event->reason)));
    set_layers(flow, event);
    if (pod)
        json_object_set_new(flow, is_ingress ? "destination" : "source", pod);
    set_application(flow, event, context);
    json_object_set_new(flow, "traffic_direction", json_string(words_direction(event->direction)));
    json_object_set_new(flow, "is_reply", json_boolean(event_l7_is_answer(event)));
    if (event->socket_cookie)
        json_object_set_new(flow, "socket_cookie", json_integer((json_int_t)event->socket_cookie));
    if (event->cgroup_id)
        json_object_set_new(flow, "cgroup_id", json_integer((json_int_t)event->cgroup_id));
    if (profiles && !is_violation)
        json_object_set_new(flow, "traced_by", profiles);
    else if (profiles)
        json_object_set_new(flow, is_ingress ? "ingress_denied_by" : "egress_denied_by", profiles);
    return flow;
}

/* Bytes of the kernel's that may be no text at all. */
static json_t *make_text(const char *bytes, size_t size)
{
    char text[NSP_PATH_MAX + 1];
    size_t length = strnlen(bytes, size < NSP_PATH_MAX ? size : NSP_PATH_MAX);

    for (size_t i = 0; i < length; i++)
        text[i] = bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes[i] : '?';
    return json_stringn(text, length);
}

static json_t *make_process(const struct event *event, const struct event_context *context)
{
    json_t *process;

    if (!(event->flags & EVENT_HAS_PROCESS))
        return NULL;
    process = json_pack("{s:I,s:I,s:o}", "pid", (json_int_t)event->pid, "uid", (json_int_t)event->uid, "comm",
                        make_text(event->comm, sizeof(event->comm)));
    if (context->binary) {
        json_t *binary = json_string(context->binary);

        json_object_set_new(process, "binary", binary ? binary : make_text(context->binary, strlen(context->binary)));
    }
    /* The kernel tells only of what it refused for this. */
    if (event->reason == REASON_NOT_IMAGE)
        json_object_set_new(process, "binary_properties", json_pack("{s:b}", "upper_layer", 1));
    if (context->pod_name)
        json_object_set_new(process, "pod",
                            json_pack("{s:s*,s:s}", "namespace", context->namespace_, "name", context->pod_name));
    return process;
}

/* What the program met. */
static const char *effect_of(const struct event *event)
{
    if (event->verdict != VERDICT_DROPPED)
        return "none";
    if (event->hook <= HOOK_BIND)
        return "EPERM";
    return event->flags & EVENT_RESET ? "ECONNRESET" : "drop";
}

static const char *action_of(const struct event *event)
{
    if (event->kind != EVENT_VIOLATION)
        return "trace-dns";
    return event->verdict == VERDICT_DROPPED ? "enforce" : "alert";
}

json_t *event_json(const struct event *event, const struct event_context *context)
{
    char time[EVENT_JSON_TIME_SIZE];
    json_t *process = make_process(event, context), *object;

    event_json_time((__s64)event->time_ns + context->clock_offset_ns, time);
    object = json_pack("{s:o}", "flow", make_flow(event, context, time));
    if (process)
        json_object_set_new(object, "process", process);
    if (event->reason != REASON_PENDING)
        json_object_set_new(object, "action", json_string(action_of(event)));
    json_object_set_new(object, "reason", json_string(words_reason(event->reason)));
    json_object_set_new(object, "hook", json_string(words_hook(event->hook)));
    json_object_set_new(object, "effect", json_string(effect_of(event)));
    json_object_set_new(object, "live_flow", json_boolean(event->flags & EVENT_LIVE_FLOW));
    if (context->node_name)
        json_object_set_new(object, "node_name", json_string(context->node_name));
    json_object_set_new(object, "time", json_string(time));
    return object;
}
