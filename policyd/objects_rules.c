/* SPDX-License-Identifier: Apache-2.0 */
/* RULES: addresses and l3 here; lists of names, l4 and l7 have files of their own. */
#include "policyd/objects_rules.h"

#include <errno.h>
#include <stdlib.h>

struct rules_reading {
    struct rules_spec *rules;
    bool can_learn;
};

struct cidr_list {
    struct rules_spec *rules;
    bool is_ipv4;
    size_t masked; /* elements that had host bits */
    size_t first_masked;
};

static int read_cidr(const struct field *field, void *into)
{
    struct cidr_list *list = into;
    const char *text = field_string(field);
    struct error cause;
    bool had_host_bits;

    if (!text)
        return -EINVAL;
    if (cidr_parse(text, list->is_ipv4, &list->rules->cidrs[list->rules->cidrs_count], &had_host_bits, &cause) < 0)
        return field_refuse(field, "%s", cause.msg);
    if (had_host_bits && list->masked++ == 0)
        list->first_masked = list->rules->cidrs_count;
    list->rules->cidrs_count++;
    return 0;
}

static int warn_masked(const struct field *field, const struct cidr_list *list)
{
    char text[CIDR_TEXT_SIZE];

    cidr_format(&list->rules->cidrs[list->first_masked], text);
    if (list->masked == 1)
        return field_warn(field, "host bits are ignored; what counts is %s", text);
    return field_warn(field, "host bits are ignored in %zu prefixes; what counts in the first is %s", list->masked,
                      text);
}

static int read_cidrs(const struct field *field, struct rules_spec *rules, bool is_ipv4)
{
    struct cidr_list list = {.rules = rules, .is_ipv4 = is_ipv4};
    size_t count;

    if (field_list(field, RULES_CIDRS_MAX, &count) < 0)
        return -EINVAL;
    if (count == 0)
        return 0;

    struct cidr *grown = reallocarray(rules->cidrs, rules->cidrs_count + count, sizeof(*grown));

    if (!grown)
        return field_out_of_memory(field);
    rules->cidrs = grown;
    if (field_each(field, read_cidr, &list) < 0)
        return -EINVAL;
    return list.masked > 0 ? warn_masked(field, &list) : 0;
}

static int read_cidr4(const struct field *field, void *into)
{
    return read_cidrs(field, ((struct rules_reading *)into)->rules, true);
}

static int read_cidr6(const struct field *field, void *into)
{
    return read_cidrs(field, ((struct rules_reading *)into)->rules, false);
}

static int read_l3_protocol(const struct field *field, void *into)
{
    static const char *const words[] = {"ipv4", "ipv6", "arp", NULL}; /* in the order of enum l3_bits */
    struct rules_spec *rules = into;
    int choice = field_choice(field, words);

    if (choice < 0)
        return choice;
    rules->l3 |= 1u << choice;
    return 0;
}

static int read_l3_protocols(const struct field *field, void *into)
{
    size_t count;

    if (field_list(field, RULES_NAMES_MAX, &count) < 0)
        return -EINVAL;
    return field_each(field, read_l3_protocol, into);
}

static int read_l3(const struct field *field, void *into)
{
    static const struct member members[] = {{"protocols", read_l3_protocols}, {0}};

    return field_read_object(field, members, ((struct rules_reading *)into)->rules);
}

static int read_l4(const struct field *field, void *into)
{
    return rules_read_l4(field, ((struct rules_reading *)into)->rules);
}

static int read_l7(const struct field *field, void *into)
{
    return rules_read_l7(field, ((struct rules_reading *)into)->rules);
}

/* Checked everywhere, kept where names can be learnt. */
static int read_fqdns(const struct field *field, void *into)
{
    struct rules_reading *reading = into;
    struct names_spec *names = &reading->rules->fqdns;

    if (rules_read_names(field, names) < 0)
        return -EINVAL;
    if (reading->can_learn || names->count == 0)
        return 0;
    names_spec_clear(names);
    return field_warn(field, "can match nothing: names are learnt for the egress of processes only");
}

int rules_read(const struct field *field, struct rules_spec *rules, bool can_learn)
{
    static const struct member members[] = {{"fqdns", read_fqdns},
                                            {"cidr4", read_cidr4},
                                            {"cidr6", read_cidr6},
                                            {"l3", read_l3},
                                            {"l4", read_l4},
                                            {"l7", read_l7},
                                            {0}};
    struct rules_reading reading = {.rules = rules, .can_learn = can_learn};

    rules->present = true;
    return field_read_object(field, members, &reading);
}

void rules_spec_clear(struct rules_spec *rules)
{
    for (size_t i = 0; i < rules->requests_count; i++) {
        free(rules->requests[i].method);
        free(rules->requests[i].uri);
    }
    free(rules->requests);
    names_spec_clear(&rules->fqdns);
    names_spec_clear(&rules->dns);
    free(rules->ports);
    free(rules->cidrs);
    *rules = (struct rules_spec){0};
}
