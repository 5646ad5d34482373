/* SPDX-License-Identifier: Apache-2.0 */
/* YAML scalars: see yaml_scalar.h. The order of attempts is go-yaml v2's, which is what kubectl uses. */
#include "lib/yaml_scalar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_SIZE = 64 }; /* longer text is no number that anybody meant */

static bool is_one_of(const char *text, size_t length, const char *const words[])
{
    for (; *words; words++) {
        if (strlen(*words) == length && memcmp(*words, text, length) == 0)
            return true;
    }
    return false;
}

static bool is_null(const char *text, size_t length)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};

    return is_one_of(text, length, words);
}

static bool is_true(const char *text, size_t length)
{
    static const char *const words[] = {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL};

    return is_one_of(text, length, words);
}

static bool is_false(const char *text, size_t length)
{
    static const char *const words[] = {"n",     "N",     "no",  "No",  "NO",  "false",
                                        "False", "FALSE", "off", "Off", "OFF", NULL};

    return is_one_of(text, length, words);
}

static bool is_not_finite(const char *text, size_t length)
{
    static const char *const words[] = {".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
                                        "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL};

    return is_one_of(text, length, words);
}

/* The text without underscores, if it is short and begins like a number. */
static bool copy_number(const char *text, size_t length, char number[NUMBER_SIZE])
{
    size_t used = 0;

    if (length == 0 || length >= NUMBER_SIZE || !strchr("+-.0123456789", text[0]))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '_')
            number[used++] = text[i];
    }
    number[used] = '\0';
    return used > 0;
}

/* The base that the digits' prefix announces; moves *digits behind it. A leading zero alone means octal. */
static int integer_base(const char **digits)
{
    static const struct {
        const char *prefix;
        int base;
    } bases[] = {{"0x", 16}, {"0X", 16}, {"0o", 8}, {"0O", 8}, {"0b", 2}, {"0B", 2}};

    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        if (strncmp(*digits, bases[i].prefix, 2) == 0) {
            *digits += 2;
            return bases[i].base;
        }
    }
    return (*digits)[0] == '0' && (*digits)[1] != '\0' ? 8 : 10;
}

static json_t *resolve_integer(const char *number)
{
    bool is_negative = number[0] == '-';
    const char *digits = number + (number[0] == '-' || number[0] == '+');
    int base = integer_base(&digits);
    char *end;

    if (!strchr("0123456789abcdefABCDEF", digits[0]) || digits[0] == '\0')
        return NULL;
    errno = 0;

    unsigned long long value = strtoull(digits, &end, base);

    if (*end != '\0' || errno != 0 || value > INT64_MAX)
        return NULL;
    return json_integer(is_negative ? -(json_int_t)value : (json_int_t)value);
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? and nothing else that strtod knows. */
static bool is_float(const char *number)
{
    const char *c = number + (number[0] == '-' || number[0] == '+');
    size_t whole = strspn(c, "0123456789"), fraction = 0;

    c += whole;
    if (*c == '.') {
        fraction = strspn(c + 1, "0123456789");
        c += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*c == 'e' || *c == 'E') {
        c += 1 + (c[1] == '-' || c[1] == '+');
        if (strspn(c, "0123456789") == 0)
            return false;
        c += strspn(c, "0123456789");
    }
    return *c == '\0';
}

json_t *yaml_scalar_resolve(const char *text, size_t length)
{
    char number[NUMBER_SIZE] = "";

    if (is_null(text, length))
        return json_null();
    if (is_true(text, length))
        return json_true();
    if (is_false(text, length))
        return json_false();
    if (is_not_finite(text, length))
        return NULL;
    if (copy_number(text, length, number)) {
        json_t *integer = resolve_integer(number);

        if (integer)
            return integer;
        if (is_float(number))
            return json_real(strtod(number, NULL)); /* NULL for infinity */
    }
    return json_stringn(text, length);
}

json_t *yaml_scalar_tagged(const char *text, size_t length, const char *tag)
{
    static const struct {
        const char *tag;
        int type, other;
    } tags[] = {
        {"tag:yaml.org,2002:int", JSON_INTEGER, JSON_INTEGER},
        {"tag:yaml.org,2002:float", JSON_REAL, JSON_INTEGER},
        {"tag:yaml.org,2002:bool", JSON_TRUE, JSON_FALSE},
        {"tag:yaml.org,2002:null", JSON_NULL, JSON_NULL},
    };

    if (strcmp(tag, "!") == 0 || strcmp(tag, "tag:yaml.org,2002:str") == 0)
        return json_stringn(text, length);
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (strcmp(tag, tags[i].tag) != 0)
            continue;

        json_auto_t *value = yaml_scalar_resolve(text, length);

        if (value && ((int)json_typeof(value) == tags[i].type || (int)json_typeof(value) == tags[i].other))
            return json_incref(value);
    }
    return NULL;
}
