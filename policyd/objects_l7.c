/* SPDX-License-Identifier: Apache-2.0 */
/* RULES.l7: what a flow may carry. Warns of lists that cannot do what they seem to say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/objects_rules.h"

static int read_protocol(const struct field *field, void *into)
{
    static const char *const words[] = {"any", "dns", "http", "https", NULL};
    static const __u32 flags[] = {RULES_L7_ANY, RULES_L7_DNS, RULES_L7_HTTP, RULES_L7_HTTPS};
    struct rules_spec *rules = into;
    int choice = field_choice(field, words);

    if (choice < 0)
        return choice;
    rules->l7 |= flags[choice];
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
    struct rules_spec *rules = into;

    rules->l7 |= RULES_DNS_LIST;
    return rules_read_names(field, &rules->dns);
}

static int read_method(const struct field *field, void *into)
{
    struct request_spec *request = into;
    const char *text = field_string(field);

    if (!text)
        return -EINVAL;
    if (strcmp(text, "*") == 0)
        return 0;

    size_t length = strlen(text);

    if (length == 0 || length > NSP_METHOD_MAX || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != length)
        return field_refuse(
            field, "\"%.40s\" is not an HTTP method; write it in capitals, such as GET, or \"*\" for all", text);
    return field_copy(field, NULL, &request->method);
}

static int check_uri(const struct field *field, const char *text, size_t length)
{
    const char *star = strchr(text, '*');

    if (length == 0 || (text[0] != '/' && strcmp(text, "*") != 0))
        return field_refuse(
            field, "\"%.80s\" does not begin with \"/\"; write the path that is requested, such as /task", text);
    if (star && star[1] != '\0')
        return field_refuse(field, "\"%.80s\" has a \"*\" before its end; only the last character can be one", text);
    if (length - (star != NULL) > NSP_URI_MAX)
        return field_refuse(field, "\"%.40s...\" has %zu characters; at most %d, and a \"*\"", text,
                            length - (star != NULL), NSP_URI_MAX);
    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c > '~')
            return field_refuse(field, "\"%.80s\" has a character that no request has; percent-encode it", text);
    }
    return 0;
}

static int read_uri(const struct field *field, void *into)
{
    struct request_spec *request = into;
    const char *text = field_string(field);
    size_t length = text ? strlen(text) : 0;

    if (!text || check_uri(field, text, length) < 0)
        return -EINVAL;
    request->is_prefix = text[length - 1] == '*';
    request->uri = strndup(text, length - request->is_prefix);
    return request->uri ? 0 : field_out_of_memory(field);
}

static int read_request(const struct field *field, void *into)
{
    static const struct member members[] = {{"method", read_method}, {"uri", read_uri}, {0}};
    struct rules_spec *rules = into;
    struct request_spec *request = &rules->requests[rules->requests_count++];
    struct field child;

    if (field_read_object(field, members, request) < 0)
        return -EINVAL;
    if (!field_child(field, "method", &child))
        return field_refuse_missing(field, "method", "write a method such as GET, or \"*\" for all");
    if (!field_child(field, "uri", &child))
        return field_refuse_missing(field, "uri", "write a path such as /task, or \"/*\" for all");
    if (!rules_uri_can_match(request))
        return field_warn(&child,
                          "can match nothing: such a request is refused as ambiguous; write the path without // "
                          ". .. # \\ and needless escapes");
    return 0;
}

/* A request is looked up once for each length. */
static int check_prefixes(const struct field *field, const struct rules_spec *rules)
{
    bool is_known[NSP_URI_MAX + 1] = {false};
    size_t lengths = 0;

    for (size_t i = 0; i < rules->requests_count; i++) {
        size_t length = strlen(rules->requests[i].uri);

        if (!rules->requests[i].is_prefix || is_known[length])
            continue;
        is_known[length] = true;
        lengths++;
    }
    if (lengths <= NSP_PREFIXES_MAX)
        return 0;
    return field_refuse(field,
                        "uris that end in \"*\" have %zu different lengths; at most %d: join some under a shorter "
                        "one",
                        lengths, NSP_PREFIXES_MAX);
}

static int read_http(const struct field *field, void *into)
{
    struct rules_spec *rules = into;
    size_t count;

    rules->l7 |= RULES_HTTP_LIST;
    if (field_list(field, RULES_NAMES_MAX, &count) < 0)
        return -EINVAL;
    rules->requests = calloc(count + 1, sizeof(*rules->requests)); /* this list is read once */
    if (!rules->requests)
        return field_out_of_memory(field);
    if (field_each(field, read_request, rules) < 0)
        return -EINVAL;
    return check_prefixes(field, rules);
}

static int refuse_https(const struct field *field, void *into)
{
    (void)into;
    return field_refuse(field, "unknown field; what is encrypted cannot be read: name the servers under fqdns");
}

static int warn_of_lists(const struct field *field, __u32 l7)
{
    struct field dns, http;

    field_child(field, "dns", &dns);
    field_child(field, "http", &http);
    if (!(l7 & (RULES_L7_ANY | RULES_L7_DNS | RULES_L7_HTTP | RULES_L7_HTTPS)))
        return field_warn(field, "no protocols: nothing that a flow carries is allowed; write dns, http, https or any");
    if (l7 & RULES_DNS_LIST && !(l7 & (RULES_L7_DNS | RULES_L7_ANY)) &&
        field_warn(&dns, "allows nothing: l7.protocols has neither dns nor any") < 0)
        return -ENOMEM;
    if (l7 & RULES_HTTP_LIST && !(l7 & (RULES_L7_HTTP | RULES_L7_ANY)) &&
        field_warn(&http, "allows nothing: l7.protocols has neither http nor any") < 0)
        return -ENOMEM;
    if (l7 & RULES_HTTP_LIST && l7 & RULES_L7_HTTPS &&
        field_warn(&http, "says nothing of https, whose requests cannot be read: l7.protocols allows any of them") < 0)
        return -ENOMEM;
    if (l7 & RULES_L7_DNS && !(l7 & (RULES_L7_ANY | RULES_DNS_LIST)))
        return field_warn(field, "dns without a list: no name may be asked for; write the names under dns, or \"*\"");
    return 0;
}

int rules_read_l7(const struct field *field, void *into)
{
    static const struct member members[] = {
        {"protocols", read_protocols}, {"dns", read_dns}, {"http", read_http}, {"https", refuse_https}, {0}};
    struct rules_spec *rules = into;

    rules->l7 = RULES_L7;
    if (field_read_object(field, members, into) < 0)
        return -EINVAL;
    return warn_of_lists(field, rules->l7);
}
