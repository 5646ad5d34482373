/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of one RULES object and of its larger layers. `into` is a struct rules_spec where it is void. */
#ifndef NSP_POLICYD_OBJECTS_RULES_H
#define NSP_POLICYD_OBJECTS_RULES_H

#include "policyd/objects_field.h"

enum {
    RULES_CIDRS_MAX = 10000, /* each in one list */
    RULES_PORTS_MAX = 1000,
    RULES_NAMES_MAX = 1000,
};

/* can_learn: egress of a process, where names in fqdns can ever match. */
int rules_read(const struct field *field, struct rules_spec *rules, bool can_learn);
void rules_spec_clear(struct rules_spec *rules);

int rules_read_l4(const struct field *field, void *into);
int rules_read_l7(const struct field *field, void *into);

/* Whether a request can have that uri, or one that begins so, in a form that is not refused as ambiguous. */
bool rules_uri_can_match(const struct request_spec *request);

/* A list of DNS names and patterns; warns of a "*.x" without its "**.x". To be cleared after a failure too. */
int rules_read_names(const struct field *field, struct names_spec *names);
void names_spec_clear(struct names_spec *names);

#endif
