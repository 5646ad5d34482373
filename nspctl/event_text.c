/* SPDX-License-Identifier: Apache-2.0 */
/* Events as text: see event_text.h. */
#include "nspctl/event_text.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "nspctl/event_asked.h"

#define END_SIZE 400
#define TIME_SIZE 32
#define FLAGS_SIZE 64

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "-";
}

/* "Nov 24 11:12:13.456" of "2026-11-24T11:12:13.456789012Z". */
static void format_time(const json_t *event, char text[TIME_SIZE])
{
    const char *time = text_of(event, "time"), *rest;
    struct tm parts = {0}, local;
    time_t seconds;
    size_t used;

    rest = strptime(time, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest) {
        snprintf(text, TIME_SIZE, "-");
        return;
    }
    seconds = timegm(&parts);
    localtime_r(&seconds, &local);
    used = strftime(text, TIME_SIZE, "%b %e %H:%M:%S", &local);
    snprintf(text + used, TIME_SIZE - used, "%.4s", rest[0] == '.' ? rest : ".000");
}

static bool is_ingress(const json_t *flow)
{
    return strcmp(text_of(flow, "traffic_direction"), "INGRESS") == 0;
}

/* The one protocol below `l4`, or NULL. */
static const char *find_l4(const json_t *flow, const json_t **layer)
{
    void *first = json_object_iter(json_object_get(flow, "l4"));

    *layer = first ? json_object_iter_value(first) : NULL;
    return first ? json_object_iter_key(first) : NULL;
}

/* A pod by its name, anybody else by address; with its port. */
static void format_end(const json_t *flow, const char *side, char text[END_SIZE])
{
    const json_t *pod = json_object_get(flow, side), *layer, *port;
    const char *address = text_of(json_object_get(flow, "IP"), side);
    bool is_ipv6 = strchr(address, ':') != NULL;
    char number[16] = "";

    find_l4(flow, &layer);
    port = json_object_get(layer, strcmp(side, "source") == 0 ? "source_port" : "destination_port");
    if (json_is_integer(port))
        snprintf(number, sizeof(number), ":%lld", (long long)json_integer_value(port));
    if (json_object_get(pod, "pod_name"))
        snprintf(text, END_SIZE, "%s/%s%s", text_of(pod, "namespace"), text_of(pod, "pod_name"), number);
    else
        snprintf(text, END_SIZE, is_ipv6 && number[0] ? "[%s]%s" : "%s%s", address, number);
}

static void print_end(const json_t *event, const char *side, bool is_pod, FILE *to)
{
    const json_t *process = json_object_get(event, "process");
    char end[END_SIZE];

    format_end(json_object_get(event, "flow"), side, end);
    fputs(end, to);
    if (is_pod && process)
        fprintf(to, " [%s %lld]",
                json_object_get(process, "binary") ? text_of(process, "binary") : text_of(process, "comm"),
                (long long)json_integer_value(json_object_get(process, "pid")));
}

static const char *verdict_of(const json_t *flow)
{
    const char *verdict = text_of(flow, "verdict");

    if (strcmp(verdict, "DROPPED") == 0)
        return "DENIED";
    return strcmp(verdict, "AUDIT") == 0 ? "AUDITED" : verdict;
}

static const json_t *denier_of(const json_t *flow)
{
    return json_array_get(json_object_get(flow, is_ingress(flow) ? "ingress_denied_by" : "egress_denied_by"), 0);
}

/* "SYN, ACK" of {"SYN": true, "ACK": true}. */
static void format_flags(const json_t *flags, char text[FLAGS_SIZE])
{
    const char *name;
    json_t *value;
    size_t used = 0;

    text[0] = '\0';
    json_object_foreach ((json_t *)flags, name, value) {
        if (used < FLAGS_SIZE)
            used += (size_t)snprintf(text + used, FLAGS_SIZE - used, "%s%s", used ? ", " : "", name);
    }
}

static void print_protocol(const json_t *flow, FILE *to)
{
    const json_t *layer, *other = json_object_get(flow, "ip_protocol");
    const char *name = find_l4(flow, &layer);
    char flags[FLAGS_SIZE];

    if (json_object_get(layer, "flags")) {
        format_flags(json_object_get(layer, "flags"), flags);
        fprintf(to, " (%s Flags: %s)", name, flags);
    } else if (name) {
        fprintf(to, " (%s)", name);
    } else if (other) {
        fprintf(to, " (protocol %lld)", (long long)json_integer_value(other));
    } else if (json_object_get(flow, "ethertype")) {
        fprintf(to, " (%s)", text_of(flow, "ethertype"));
    }
}

/* " (a.example.com, b.example.com)": what the other side's address was learnt from. */
static void print_names(const json_t *flow, FILE *to)
{
    const json_t *names = json_object_get(flow, "destination_names"), *name;
    size_t i;

    json_array_foreach (names, i, name)
        fprintf(to, "%s%s", i ? ", " : " (", json_string_value(name) ? json_string_value(name) : "-");
    if (json_array_size(names))
        fputc(')', to);
}

/* A query or an answer that trace-dns tells of: who, what, and what came of it. */
static void print_trace(const json_t *event, const json_t *flow, FILE *to)
{
    char end[END_SIZE];

    print_end(event, is_ingress(flow) ? "destination" : "source", true, to);
    fputc(' ', to);
    event_asked_print(flow, to);
    if (json_is_true(json_object_get(flow, "is_reply"))) {
        event_asked_print_answer(flow, to);
    } else {
        format_end(flow, is_ingress(flow) ? "source" : "destination", end);
        fprintf(to, " to %s", end);
        print_protocol(flow, to);
    }
}

static void print_violation(const json_t *event, const json_t *flow, FILE *to)
{
    const json_t *denier = denier_of(flow);
    bool is_in = is_ingress(flow);

    print_end(event, "source", !is_in, to);
    fputs(" -> ", to);
    print_end(event, "destination", is_in, to);
    print_names(flow, to);
    fprintf(to, " policy-verdict:none %s %s", text_of(flow, "traffic_direction"), verdict_of(flow));
    if (denier)
        fprintf(to, " BY %s (%s)", text_of(denier, "name"), text_of(denier, "kind"));
    fprintf(to, " %s", text_of(event, "reason"));
    print_protocol(flow, to);
    if (event_asked_is_known(flow))
        fputc(' ', to);
    event_asked_print(flow, to);
}

void event_text_compact(const json_t *event, FILE *to)
{
    const json_t *flow = json_object_get(event, "flow");
    char time[TIME_SIZE];

    format_time(event, time);
    fprintf(to, "%s: ", time);
    if (strcmp(text_of(flow, "verdict"), "TRACED") == 0)
        print_trace(event, flow, to);
    else
        print_violation(event, flow, to);
    fputc('\n', to);
}

#define ROW "%-19s  %-8s  %-9s  %-28s  %-28s  %-24s  %-16s  %-16s  "

void event_text_heads(FILE *to)
{
    fprintf(to, ROW "ASKED\n", "TIME", "VERDICT", "DIRECTION", "SOURCE", "DESTINATION", "BINARY", "PROFILE", "REASON");
}

void event_text_row(const json_t *event, FILE *to)
{
    const json_t *flow = json_object_get(event, "flow"), *denier = denier_of(flow);
    char time[TIME_SIZE], source[END_SIZE], destination[END_SIZE];

    format_time(event, time);
    format_end(flow, "source", source);
    format_end(flow, "destination", destination);
    fprintf(to, ROW, time, text_of(flow, "verdict"), text_of(flow, "traffic_direction"), source, destination,
            text_of(json_object_get(event, "process"), "binary"), text_of(denier, "name"), text_of(event, "reason"));
    if (event_asked_is_known(flow))
        event_asked_print(flow, to);
    else
        fputc('-', to);
    event_asked_print_answer(flow, to);
    fputc('\n', to);
}
