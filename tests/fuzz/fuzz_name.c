/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a DNS name or pattern, and as a Kubernetes name, key and value: what is taken is what a plain reading of
 * the rules takes, its one spelling is taken too, and no message is empty.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT(readability-identifier-naming): libFuzzer's */

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define LETTERS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LABELS_MAX (NAME_DNS_MAX + 1) /* a name of dots only */

struct labels {
    char text[NAME_DNS_SIZE + 1];
    char *label[LABELS_MAX];
    int count;
};

static void claim(bool is_true)
{
    if (!is_true)
        abort();
}

static bool consists_of(const char *text, const char *characters)
{
    return text[strspn(text, characters)] == '\0';
}

/* Between the dots; false: longer than a name can be. */
static bool split(const char *text, struct labels *labels)
{
    char *rest = labels->text;

    if (strlen(text) > NAME_DNS_MAX)
        return false;
    memcpy(labels->text, text, strlen(text) + 1);
    labels->count = 0;
    while (rest)
        labels->label[labels->count++] = strsep(&rest, ".");
    return true;
}

static bool is_pattern(const char *text)
{
    char without_dot[NAME_DNS_SIZE + 1] = "";
    struct labels labels;

    if (strlen(text) > NAME_DNS_MAX + 1)
        return false;
    strncat(without_dot, text, NAME_DNS_MAX + 1);
    if (without_dot[0] && without_dot[strlen(without_dot) - 1] == '.')
        without_dot[strlen(without_dot) - 1] = '\0';
    if (!split(without_dot, &labels))
        return false;
    for (int i = 0; i < labels.count; i++) {
        const char *label = labels.label[i];
        size_t length = strlen(label);

        if (length < 1 || length > 63 || !consists_of(label, LETTERS "-_*"))
            return false;
        if (label[0] == '-' || label[length - 1] == '-')
            return false;
        if (strstr(label, "**") && !(i == 0 && labels.count > 1 && length == 2))
            return false;
    }
    return !consists_of(labels.label[labels.count - 1], "0123456789");
}

static bool is_dns1123(const char *text, int labels_max)
{
    struct labels labels;

    if (!split(text, &labels) || labels.count > labels_max)
        return false;
    for (int i = 0; i < labels.count; i++) {
        const char *label = labels.label[i];
        size_t length = strlen(label);

        if (length < 1 || !consists_of(label, LOWER "-") || label[0] == '-' || label[length - 1] == '-')
            return false;
    }
    return true;
}

static bool is_qualified(const char *text)
{
    size_t length = strlen(text);

    return length >= 1 && length <= 63 && consists_of(text, LETTERS "-_.") && strchr(LETTERS, text[0]) &&
           strchr(LETTERS, text[length - 1]);
}

static bool is_key(const char *text)
{
    char *copy = strdup(text), *name = copy;

    claim(copy != NULL);

    char *prefix = strchr(copy, '/') ? strsep(&name, "/") : NULL;
    bool is_so = is_qualified(name) && (!prefix || is_dns1123(prefix, LABELS_MAX));

    free(copy);
    return is_so;
}

static void claim_agree(int rc, bool expected, const struct error *err)
{
    claim((rc == 0) == expected);
    claim(rc == 0 || (err->code != 0 && err->msg[0] != '\0'));
}

static void try_spelling(const char *text)
{
    char folded[NAME_DNS_SIZE], again[NAME_DNS_SIZE];

    name_fold(text, folded);
    claim(strlen(folded) <= NAME_DNS_MAX && !strpbrk(folded, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    if (!is_pattern(text))
        return;
    claim(is_pattern(folded) && folded[strlen(folded) - 1] != '.');
    claim(strncasecmp(text, folded, strlen(folded)) == 0 && strlen(text) - strlen(folded) <= 1);
    name_fold(folded, again);
    claim(strcmp(folded, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    struct error err = {0};

    claim(text != NULL);
    claim_agree(name_check_pattern(text, &err), is_pattern(text), &err);
    claim_agree(name_check_subdomain(text, &err), is_dns1123(text, LABELS_MAX), &err);
    claim_agree(name_check_label(text, &err), strlen(text) <= 63 && is_dns1123(text, 1), &err);
    claim_agree(name_check_key(text, &err), is_key(text), &err);
    claim_agree(name_check_value(text, &err), text[0] == '\0' || is_qualified(text), &err);
    try_spelling(text);
    name_make_printable(text);
    for (const char *c = text; *c; c++)
        claim(*c >= ' ' && *c <= '~');
    free(text);
    return 0;
}
