/* SPDX-License-Identifier: Apache-2.0 */
/* RULES.l7: checked in full, so that a profile written today stays valid; kept only as far as it is in force. */
#include <errno.h>
#include <string.h>

#include "policyd/objects_rules.h"

enum { METHOD_MAX = 32, URI_MAX = 2048 };

static int read_protocol(const struct field *field, void *into)
{
    static const char *const words[] = {"any", "dns", "http", "https", NULL};
    struct rules_spec *rules = into;
    int choice = field_choice(field, words);

    if (choice < 0)
        return choice;
    rules->l7_any |= choice == 0;
    return 0;
}

static int read_protocols(const struct field *field, void *into)
{
    size_t count;

    if (field_list(field, RULES_NAMES_MAX, &count) < 0)
        return -EINVAL;
    return field_each(field, read_protocol, into);
}

static int read_dns(const struct field *field, void *into)
{
    size_t count;

    (void)into;
    return rules_read_names(field, &count);
}

static int read_method(const struct field *field, void *into)
{
    const char *text = field_string(field);

    (void)into;
    if (!text)
        return -EINVAL;
    if (strcmp(text, "*") == 0)
        return 0;

    size_t length = strlen(text);

    if (length == 0 || length > METHOD_MAX || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != length)
        return field_refuse(
            field, "\"%.40s\" is not an HTTP method; write it in capitals, such as GET, or \"*\" for all", text);
    return 0;
}

static int read_uri(const struct field *field, void *into)
{
    const char *text = field_string(field);

    (void)into;
    if (!text)
        return -EINVAL;

    size_t length = strlen(text);
    const char *star = strchr(text, '*');

    if (length == 0 || (text[0] != '/' && strcmp(text, "*") != 0))
        return field_refuse(
            field, "\"%.80s\" does not begin with \"/\"; write the path that is requested, such as /task", text);
    if (length > URI_MAX)
        return field_refuse(field, "\"%.40s...\" has %zu characters; at most %d", text, length, URI_MAX);
    if (star && star[1] != '\0')
        return field_refuse(field, "\"%.80s\" has a \"*\" before its end; only the last character can be one", text);
    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c > '~')
            return field_refuse(field, "\"%.80s\" has a character that no request has; percent-encode it", text);
    }
    return 0;
}

static int read_request(const struct field *field, void *into)
{
    static const struct member members[] = {{"method", read_method}, {"uri", read_uri}, {0}};
    struct field child;

    if (field_read_object(field, members, into) < 0)
        return -EINVAL;
    if (!field_child(field, "method", &child))
        return field_refuse_missing(field, "method", "write a method such as GET, or \"*\" for all");
    if (!field_child(field, "uri", &child))
        return field_refuse_missing(field, "uri", "write a path such as /task, or \"/*\" for all");
    return 0;
}

static int read_http(const struct field *field, void *into)
{
    size_t count;

    if (field_list(field, RULES_NAMES_MAX, &count) < 0)
        return -EINVAL;
    return field_each(field, read_request, into);
}

int rules_read_l7(const struct field *field, void *into)
{
    static const struct member members[] = {{"protocols", read_protocols}, {"dns", read_dns}, {"http", read_http}, {0}};
    struct rules_spec *rules = into;

    if (field_read_object(field, members, into) < 0)
        return -EINVAL;
    rules->has_l7 = true;
    if (!rules->l7_any)
        return field_warn(field, "not in force yet: without \"any\" in its protocols it allows nothing");
    return 0;
}
