/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts are names: DNS names and patterns of them with wildcards, Kubernetes object names and labels. */
#ifndef NSP_LIB_NAME_H
#define NSP_LIB_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

#define NAME_DNS_MAX 253 /* characters, without a final dot */
#define NAME_LABEL_MAX 63
#define NAME_DNS_SIZE (NAME_DNS_MAX + 1)

/*
 * All checks return 0, or -EINVAL with a message that quotes the text and says what was expected.
 *
 * A DNS name or a pattern: "*" alone is every name; "**" as first label is one or more labels; "*" elsewhere is part
 * of one label, or one whole label. A final dot is allowed, letters are of either case.
 */
int name_check_pattern(const char *text, struct error *err);

/* The one spelling of a valid name or pattern: lower case, no final dot. */
void name_fold(const char *text, char folded[NAME_DNS_SIZE]);

enum name_kind {
    NAME_EXACT,
    NAME_ALL,       /* "*" */
    NAME_ONE_LABEL, /* "*.x" */
    NAME_LABELS,    /* "**.x" */
    NAME_GLOB,      /* a "*" inside or in place of another label, maybe after "**." */
};

/*
 * What a folded name or pattern is. *end: what it ends in literally, the labels after the last one with a "*" (all of
 * NAME_EXACT, "" where there are none); within `folded`.
 */
enum name_kind name_classify(const char *folded, const char **end);

/* How many labels a name has; 0 for "". */
size_t name_count_labels(const char *name);

/* Object names (DNS-1123 subdomain) and names of namespaces and containers (DNS-1123 label). */
int name_check_subdomain(const char *text, struct error *err);
int name_check_label(const char *text, struct error *err);

/* A label's key ("app", "example.com/app") and value (may be empty). */
int name_check_key(const char *text, struct error *err);
int name_check_value(const char *text, struct error *err);

/* For messages that quote what somebody wrote: whatever is not printable ASCII becomes '?', in place. */
void name_make_printable(char *text);

#endif
