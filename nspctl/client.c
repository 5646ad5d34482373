/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP by libcurl: see client.h. */
#include "nspctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

#define ANSWER_MAX (64u << 20)

/* What has come and was not taken yet. */
struct answer {
    char *text;
    size_t length, room;
    CURL *curl;
    int (*take)(const char *line, size_t length, void *context); /* NULL: all is kept */
    void *context;
    int stopped; /* what `take` returned */
};

static int append(struct answer *answer, const char *data, size_t size)
{
    if (answer->length + size > ANSWER_MAX)
        return -EFBIG;
    if (answer->length + size + 1 > answer->room) {
        size_t room = (answer->length + size + 1) * 2;
        char *text = realloc(answer->text, room);

        if (!text)
            return -ENOMEM;
        answer->text = text;
        answer->room = room;
    }
    memcpy(answer->text + answer->length, data, size);
    answer->length += size;
    answer->text[answer->length] = '\0';
    return 0;
}

static void take_lines(struct answer *answer)
{
    char *from = answer->text, *end = answer->text + answer->length, *newline;

    while (!answer->stopped && (newline = memchr(from, '\n', (size_t)(end - from)))) {
        *newline = '\0';
        answer->stopped = answer->take(from, (size_t)(newline - from), answer->context);
        from = newline + 1;
    }
    answer->length = (size_t)(end - from);
    memmove(answer->text, from, answer->length);
}

/* An error's body is kept whole: it is no stream. */
static size_t receive(char *data, size_t size, size_t count, void *context)
{
    struct answer *answer = context;
    long code = 0;

    if (append(answer, data, size * count))
        return 0;
    curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &code);
    if (answer->take && code == 200)
        take_lines(answer);
    return answer->stopped ? 0 : count;
}

static int fail(const char *socket_path, CURLcode rc, struct error *err)
{
    if (rc == CURLE_COULDNT_CONNECT)
        return error_set(err, ECONNREFUSED, "policyd does not answer at %s: is it running, and are you root?",
                         socket_path);
    return error_set(err, EIO, "%s: %s", socket_path, curl_easy_strerror(rc));
}

static int check_code(const struct answer *answer, struct error *err)
{
    long code = 0;
    json_t *json;
    const char *text;

    curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code == 200)
        return 0;
    json = answer->text ? json_loadb(answer->text, answer->length, 0, NULL) : NULL;
    text = json_string_value(json_object_get(json, "error"));
    error_set(err, EBADMSG, "policyd answered %ld: %s", code, text ? text : "without a reason");
    json_decref(json);
    return -EBADMSG;
}

static int perform(struct answer *answer, const char *socket_path, const char *path, struct error *err)
{
    cleanup_free char *url = NULL;
    CURLcode rc = CURLE_OUT_OF_MEMORY;

    if (asprintf(&url, "http://policyd%s", path) < 0) {
        url = NULL;
        return error_set(err, ENOMEM, "out of memory");
    }
    answer->curl = curl_easy_init();
    if (answer->curl) {
        curl_easy_setopt(answer->curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
        curl_easy_setopt(answer->curl, CURLOPT_URL, url);
        curl_easy_setopt(answer->curl, CURLOPT_PROXY, "");
        curl_easy_setopt(answer->curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(answer->curl, CURLOPT_WRITEFUNCTION, receive);
        curl_easy_setopt(answer->curl, CURLOPT_WRITEDATA, answer);
        rc = curl_easy_perform(answer->curl);
    }
    if (answer->stopped)
        return answer->stopped;
    return rc ? fail(socket_path, rc, err) : check_code(answer, err);
}

static void end(struct answer *answer)
{
    curl_easy_cleanup(answer->curl);
    free(answer->text);
}

int client_get(const char *socket_path, const char *path, json_t **json, struct error *err)
{
    struct answer answer = {0};
    json_error_t where;
    int rc = perform(&answer, socket_path, path, err);

    if (rc == 0) {
        json_t *read = json_loadb(answer.text ? answer.text : "", answer.length, 0, &where);

        if (read)
            *json = read;
        else
            rc = error_set(err, EBADMSG, "policyd's answer is no JSON: %s", where.text);
    }
    end(&answer);
    return rc;
}

int client_stream(const char *socket_path, const char *path,
                  int (*take)(const char *line, size_t length, void *context), void *context, struct error *err)
{
    struct answer answer = {.take = take, .context = context};
    int rc = perform(&answer, socket_path, path, err);

    end(&answer);
    return rc;
}

char *client_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = escaped ? strdup(escaped) : NULL;

    curl_free(escaped);
    return copy;
}
