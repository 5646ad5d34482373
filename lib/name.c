/* SPDX-License-Identifier: Apache-2.0 */
/* Names: see name.h. Character classes are spelt out: a locale must not decide what a name is. */
#include "lib/name.h"

#include <errno.h>
#include <string.h>

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
    return is_lower(c) || is_upper(c) || is_digit(c);
}

static int check_pattern_characters(const char *text, struct error *err)
{
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c >= 0x80)
            return error_set(err, EINVAL, "\"%.80s\" is not ASCII; write the xn-- form that DNS carries", text);
        if (!is_alphanumeric(*c) && !strchr("-_*.", *c))
            return error_set(err, EINVAL,
                             "\"%.80s\" has a character that no DNS name has; expected letters, digits, "
                             "- _ . and *",
                             text);
    }
    return 0;
}

static int check_pattern_label(const char *text, const char *label, size_t length, struct error *err)
{
    bool is_first = label == text;

    if (length == 0)
        return error_set(err, EINVAL, "\"%.80s\" has an empty label", text);
    if (length > NAME_LABEL_MAX)
        return error_set(err, EINVAL, "\"%.80s\" has a label of %zu characters; at most %d", text, length,
                         NAME_LABEL_MAX);
    if (label[0] == '-' || label[length - 1] == '-')
        return error_set(err, EINVAL, "\"%.80s\" has a label that begins or ends with \"-\"", text);
    if (is_first && length == 2 && memcmp(label, "**", 2) == 0)
        return 0;
    if (memmem(label, length, "**", 2))
        return error_set(err, EINVAL, "\"%.80s\": \"**\" can only be the whole first label, as in **.example.com",
                         text);
    return 0;
}

/* A last label of digits only is no top-level domain: it is the end of an IPv4 address. */
static bool is_number(const char *label, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(label[i]))
            return false;
    }
    return true;
}

int name_check_pattern(const char *text, struct error *err)
{
    size_t length = strlen(text);
    const char *label = text, *end;

    if (length > 0 && text[length - 1] == '.')
        length--;
    if (length == 0)
        return error_set(err, EINVAL, "\"%.80s\" is not a DNS name such as www.example.com", text);
    if (length > NAME_DNS_MAX)
        return error_set(err, EINVAL, "\"%.80s...\" has %zu characters; at most %d", text, length, NAME_DNS_MAX);
    if (check_pattern_characters(text, err) < 0)
        return -EINVAL;
    if (length == 2 && memcmp(text, "**", 2) == 0)
        return error_set(err, EINVAL, "\"%.80s\": for every name write \"*\"", text);

    for (end = text + length; label <= end; label += strcspn(label, ".") + 1) {
        size_t label_length = strcspn(label, ".");

        if (check_pattern_label(text, label, label_length, err) < 0)
            return -EINVAL;
        if (label + label_length == end && is_number(label, label_length))
            return error_set(err, EINVAL, "\"%.80s\" is not a DNS name; write an address under cidr4 or cidr6", text);
        if (label + label_length == end)
            break;
    }
    return 0;
}

void name_fold(const char *text, char folded[NAME_DNS_SIZE])
{
    size_t length = strlen(text);

    if (length > 0 && text[length - 1] == '.')
        length--;
    if (length > NAME_DNS_MAX)
        length = NAME_DNS_MAX;
    for (size_t i = 0; i < length; i++)
        folded[i] = is_upper(text[i]) ? (char)(text[i] + 'a' - 'A') : text[i];
    folded[length] = '\0';
}

enum name_kind name_classify(const char *folded, const char **end)
{
    const char *star = strrchr(folded, '*'), *dot = star ? strchr(star, '.') : NULL;

    if (!star) {
        *end = folded;
        return NAME_EXACT;
    }
    *end = dot ? dot + 1 : star + strlen(star);
    if (strcmp(folded, "*") == 0)
        return NAME_ALL;
    if (star == folded && dot == folded + 1)
        return NAME_ONE_LABEL;
    return star == folded + 1 && folded[0] == '*' && dot == folded + 2 ? NAME_LABELS : NAME_GLOB;
}

size_t name_count_labels(const char *name)
{
    size_t labels = name[0] ? 1 : 0;

    for (const char *c = name; *c; c++)
        labels += *c == '.';
    return labels;
}

static bool is_dns1123(const char *text, bool allow_dots)
{
    for (const char *c = text; *c; c++) {
        bool is_edge = c == text || c[1] == '\0' || c[1] == '.' || c[-1] == '.';
        bool may_be = is_edge ? is_lower(*c) || is_digit(*c) : is_lower(*c) || is_digit(*c) || *c == '-';

        if (!may_be && !(allow_dots && *c == '.' && !is_edge))
            return false;
    }
    return text[0] != '\0';
}

int name_check_subdomain(const char *text, struct error *err)
{
    if (strlen(text) > NAME_DNS_MAX)
        return error_set(err, EINVAL, "\"%.80s...\" is too long; at most %d characters", text, NAME_DNS_MAX);
    if (!is_dns1123(text, true))
        return error_set(err, EINVAL,
                         "\"%.80s\" is not an object's name; expected lower-case letters, digits, \"-\" "
                         "and \".\", beginning and ending with a letter or digit",
                         text);
    return 0;
}

int name_check_label(const char *text, struct error *err)
{
    if (strlen(text) > NAME_LABEL_MAX)
        return error_set(err, EINVAL, "\"%.80s\" is too long; at most %d characters", text, NAME_LABEL_MAX);
    if (!is_dns1123(text, false))
        return error_set(err, EINVAL,
                         "\"%.80s\" is not a name; expected lower-case letters, digits and \"-\", "
                         "beginning and ending with a letter or digit",
                         text);
    return 0;
}

/* What a label's value and the last part of its key have in common. */
static bool is_qualified(const char *text)
{
    size_t length = strlen(text);

    if (length == 0 || length > NAME_LABEL_MAX || !is_alphanumeric(text[0]) || !is_alphanumeric(text[length - 1]))
        return false;
    for (const char *c = text; *c; c++) {
        if (!is_alphanumeric(*c) && !strchr("-_.", *c))
            return false;
    }
    return true;
}

static bool is_key_prefix(const char *text, size_t length)
{
    char prefix[NAME_DNS_SIZE];

    if (length >= sizeof(prefix))
        return false;
    memcpy(prefix, text, length);
    prefix[length] = '\0';
    return is_dns1123(prefix, true);
}

int name_check_key(const char *text, struct error *err)
{
    const char *slash = strchr(text, '/');

    if (!is_qualified(slash ? slash + 1 : text))
        return error_set(err, EINVAL,
                         "\"%.80s\" is not a label's key; expected at most %d letters, digits, - _ and ., "
                         "after an optional domain and \"/\"",
                         text, NAME_LABEL_MAX);
    if (slash && !is_key_prefix(text, (size_t)(slash - text)))
        return error_set(err, EINVAL,
                         "\"%.80s\" is not a label's key; before the \"/\" a lower-case domain is expected", text);
    return 0;
}

int name_check_value(const char *text, struct error *err)
{
    if (text[0] != '\0' && !is_qualified(text))
        return error_set(err, EINVAL,
                         "\"%.80s\" is not a label's value; expected at most %d letters, digits, - _ and ., "
                         "beginning and ending with a letter or digit",
                         text, NAME_LABEL_MAX);
    return 0;
}

void name_make_printable(char *text)
{
    for (char *c = text; *c; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
}
