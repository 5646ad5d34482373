/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals in words: see kube_answer.h. */
#include "policyd/kube_answer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/name.h"

#define MESSAGE_SIZE 256

/* The server's own words: of a Status, or the first line of whatever came. */
static void read_message(const char *body, char message[MESSAGE_SIZE])
{
    json_auto_t *status = json_loads(body, 0, NULL);
    const char *text = json_string_value(json_object_get(status, "message"));

    if (!text)
        text = body;
    snprintf(message, MESSAGE_SIZE, "%.*s", (int)strcspn(text, "\r\n"), text);
    name_make_printable(message);
}

void kube_answer_text(const struct kube_answer *answer, const struct kube_need *need, char text[KUBE_TEXT_SIZE])
{
    char message[MESSAGE_SIZE];

    if (answer->error) {
        snprintf(text, KUBE_TEXT_SIZE, "%s", answer->error);
        return;
    }
    read_message(answer->body, message);

    const char *said = message[0] ? ": " : "";

    if (answer->status == 401)
        snprintf(text, KUBE_TEXT_SIZE,
                 "401, the server does not know our token or client certificate; give a valid one, it is read again "
                 "for each try%s%s",
                 said, message);
    else if (answer->status == 403)
        snprintf(text, KUBE_TEXT_SIZE,
                 "403, the ClusterRole lacks a rule; add: apiGroups: [\"%s\"], resources: [%s], verbs: [%s]%s%s",
                 need->group, need->resource, need->verbs, said, message);
    else if (answer->status == 404)
        snprintf(text, KUBE_TEXT_SIZE, "404, the server knows no %s; %s%s%s", need->resource, need->absent, said,
                 message);
    else if (answer->status == 429)
        snprintf(text, KUBE_TEXT_SIZE, "429, the server is asked too much by all its clients%s%s", said, message);
    else
        snprintf(text, KUBE_TEXT_SIZE, "%ld%s%s", answer->status, said, message);
}
