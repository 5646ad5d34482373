/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions on events: see filter.h. */
#include "policyd/filter.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policyd/words.h"

#define NS_PER_S 1000000000LL
#define SECONDS_MAX 1e10
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct key {
    const char *name;
    int (*set)(struct filter *filter, const struct key *key, const char *value, struct error *err);
    int field; /* of texts, or of numbers */
};

static int set_text(struct filter *filter, const struct key *key, const char *value, struct error *err)
{
    char *copy = strdup(value);

    if (!copy)
        return error_set(err, ENOMEM, "out of memory");
    free(filter->texts[key->field]);
    filter->texts[key->field] = copy;
    return 0;
}

static void set_number(struct filter *filter, int field, int number)
{
    filter->has[field] = true;
    filter->numbers[field] = (unsigned int)number;
}

static int set_verdict(struct filter *filter, const struct key *key, const char *value, struct error *err)
{
    int verdict = words_find_verdict(value);

    if (verdict < 0)
        return error_set(err, EINVAL, "verdict: \"%.64s\" is none of DROPPED, AUDIT, TRACED", value);
    set_number(filter, key->field, verdict);
    return 0;
}

static int set_reason(struct filter *filter, const struct key *key, const char *value, struct error *err)
{
    int reason = words_find_reason(value);

    if (reason < 0)
        return error_set(err, EINVAL, "reason: \"%.64s\" is none; docs/events.md lists them", value);
    set_number(filter, key->field, reason);
    return 0;
}

static int set_type(struct filter *filter, const struct key *key, const char *value, struct error *err)
{
    static const char *const types[] = {"policy-verdict", "drop", "l7"};

    for (size_t i = 0; i < COUNT(types); i++) {
        if (strcmp(value, types[i]) == 0) {
            set_number(filter, key->field, (int)i);
            return 0;
        }
    }
    return error_set(err, EINVAL, "type: \"%.64s\" is none of policy-verdict, drop, l7", value);
}

static int set_direction(struct filter *filter, const struct key *key, const char *value, struct error *err)
{
    if (strcasecmp(value, "egress") != 0 && strcasecmp(value, "ingress") != 0)
        return error_set(err, EINVAL, "traffic-direction: \"%.64s\" is neither egress nor ingress", value);
    set_number(filter, key->field, strcasecmp(value, "ingress") == 0 ? INGRESS : EGRESS);
    return 0;
}

static int set_protocol(struct filter *filter, const struct key *key, const char *value, struct error *err)
{
    static const struct {
        const char *name;
        int field, number;
    } protocols[] = {
        {"tcp", FILTER_PROTOCOL, IPPROTO_TCP},          {"udp", FILTER_PROTOCOL, IPPROTO_UDP},
        {"icmp", FILTER_PROTOCOL, IPPROTO_ICMP},        {"icmpv6", FILTER_PROTOCOL, IPPROTO_ICMPV6},
        {"sctp", FILTER_PROTOCOL, IPPROTO_SCTP},        {"dns", FILTER_APPLICATION, APPLICATION_DNS},
        {"http", FILTER_APPLICATION, APPLICATION_HTTP}, {"https", FILTER_APPLICATION, APPLICATION_HTTPS},
    };

    (void)key;
    for (size_t i = 0; i < COUNT(protocols); i++) {
        if (strcasecmp(value, protocols[i].name) == 0) {
            set_number(filter, protocols[i].field, protocols[i].number);
            return 0;
        }
    }
    return error_set(err, EINVAL, "protocol: \"%.64s\" is none of tcp, udp, icmp, icmpv6, sctp, dns, http, https",
                     value);
}

static int set_port(struct filter *filter, const struct key *key, const char *value, struct error *err)
{
    char *end;
    unsigned long port = strtoul(value, &end, 10);

    if (value[0] < '0' || value[0] > '9' || *end || port < 1 || port > 65535)
        return error_set(err, EINVAL, "port: \"%.64s\" is not a number from 1 to 65535", value);
    set_number(filter, key->field, (int)port);
    return 0;
}

static int set_ip(struct filter *filter, const struct key *key, const char *value, struct error *err)
{
    bool is_ipv4 = !strchr(value, ':');
    char prefix[CIDR_TEXT_SIZE];

    (void)key;
    snprintf(prefix, sizeof(prefix), strchr(value, '/') ? "%s" : is_ipv4 ? "%s/32" : "%s/128", value);
    if (cidr_parse(prefix, is_ipv4, &filter->addresses, NULL, err))
        return error_set(err, EINVAL, "ip: \"%.64s\" is neither an address nor a prefix", value);
    filter->has_addresses = true;
    return 0;
}

static int set_since(struct filter *filter, const struct key *key, const char *value, struct error *err)
{
    char *end;
    double seconds = strtod(value, &end);

    (void)key;
    if (end == value || *end || !(seconds >= 0 && seconds < SECONDS_MAX))
        return error_set(err, EINVAL, "since: \"%.64s\" is not a number of seconds since 1970", value);
    filter->since_ns = (__s64)(seconds * (double)NS_PER_S);
    return 0;
}

static const struct key keys[] = {
    {"namespace", set_text, RECORD_NAMESPACE},
    {"pod", set_text, RECORD_POD},
    {"binary", set_text, RECORD_BINARY},
    {"profile", set_text, RECORD_PROFILE},
    {"fqdn", set_text, RECORD_NAMES},
    {"http-method", set_text, RECORD_METHOD},
    {"http-path", set_text, RECORD_PATH},
    {"verdict", set_verdict, FILTER_VERDICT},
    {"reason", set_reason, FILTER_REASON},
    {"type", set_type, FILTER_TYPE},
    {"traffic-direction", set_direction, FILTER_DIRECTION},
    {"protocol", set_protocol, 0},
    {"port", set_port, FILTER_PORT},
    {"ip", set_ip, 0},
    {"since", set_since, 0},
};

int filter_set(struct filter *filter, const char *key, const char *value, struct error *err)
{
    for (size_t i = 0; i < COUNT(keys); i++) {
        if (strcmp(key, keys[i].name) == 0)
            return keys[i].set(filter, &keys[i], value, err);
    }
    return error_set(err, ENOENT, "\"%.64s\" is no filter; there are " FILTER_KEYS, key);
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* `*` is any text; on a mismatch the last one takes one byte more. text: up to `end`. */
static bool matches_glob(const char *pattern, const char *text, const char *end, bool folds)
{
    const char *star = NULL, *from = NULL;

    while (text < end) {
        if (*pattern == '*') {
            star = pattern++;
            from = text;
        } else if (*pattern == *text || (folds && fold(*pattern) == fold(*text))) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

/* One of several, with a blank between. A final dot of the pattern says nothing. */
static bool matches_name(const char *wanted, const char *names)
{
    size_t length = strlen(wanted);
    char *pattern = strndup(wanted, length > 1 && wanted[length - 1] == '.' ? length - 1 : length);
    bool matches = false;

    while (pattern && *names && !matches) {
        const char *end = strchrnul(names, ' ');

        matches = matches_glob(pattern, names, end, true);
        names = *end ? end + 1 : end;
    }
    free(pattern);
    return matches;
}

bool filter_matches_pod(const char *wanted, const char *namespace_, const char *pod)
{
    const char *slash = strchr(wanted, '/');

    if (slash) {
        if (strncmp(namespace_, wanted, (size_t)(slash - wanted)) != 0 || namespace_[slash - wanted] != '\0')
            return false;
        wanted = slash + 1;
    }
    return pod[0] && strncmp(pod, wanted, strlen(wanted)) == 0;
}

/* [NAMESPACE/]NAME of "namespace/name". */
static bool matches_profile(const char *wanted, const char *profile)
{
    const char *slash = strchr(profile, '/');

    if (!strchr(wanted, '/') && slash)
        profile = slash + 1;
    return matches_glob(wanted, profile, profile + strlen(profile), false);
}

static bool matches_text(int field, const char *wanted, const struct record *record)
{
    const char *text = record->texts[field];

    switch (field) {
    case RECORD_NAMESPACE:
        return strcmp(wanted, text) == 0;
    case RECORD_POD:
        return filter_matches_pod(wanted, record->texts[RECORD_NAMESPACE], text);
    case RECORD_PROFILE:
        return matches_profile(wanted, text);
    case RECORD_NAMES:
        return matches_name(wanted, text);
    default:
        return text[0] && matches_glob(wanted, text, text + strlen(text), false);
    }
}

static bool matches_type(unsigned int type, const struct record *record)
{
    if (type == FILTER_TYPE_L7)
        return record->application != APPLICATION_NONE;
    if (type == FILTER_TYPE_DROP)
        return record->verdict == VERDICT_DROPPED && record->kind == EVENT_VIOLATION;
    return record->kind == EVENT_VIOLATION;
}

static bool matches_number(int field, unsigned int wanted, const struct record *record)
{
    switch (field) {
    case FILTER_VERDICT:
        return record->verdict == wanted;
    case FILTER_REASON:
        return record->reason == wanted;
    case FILTER_TYPE:
        return matches_type(wanted, record);
    case FILTER_DIRECTION:
        return record->direction == wanted;
    case FILTER_PROTOCOL:
        return record->protocol == wanted;
    case FILTER_APPLICATION:
        return record->application == wanted;
    default:
        return record->local_port == wanted || record->remote_port == wanted;
    }
}

bool filter_matches(const struct filter *filter, const struct record *record)
{
    for (int i = 0; i < RECORD_TEXTS; i++) {
        if (filter->texts[i] && !matches_text(i, filter->texts[i], record))
            return false;
    }
    for (int i = 0; i < FILTER_NUMBERS; i++) {
        if (filter->has[i] && !matches_number(i, filter->numbers[i], record))
            return false;
    }
    if (filter->has_addresses && !cidr_contains(&filter->addresses, record->local) &&
        !cidr_contains(&filter->addresses, record->remote))
        return false;
    return record->time_ns >= filter->since_ns;
}

void filter_free(struct filter *filter)
{
    for (int i = 0; i < RECORD_TEXTS; i++)
        free(filter->texts[i]);
    *filter = (struct filter){0};
}
