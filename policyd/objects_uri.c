/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a request for a uri can be allowed by a list at all: the very parser that reads requests in the kernel says.
 */
#include <string.h>

#include "datapath/http.h"
#include "policyd/objects_rules.h"

/* Feeds a text; false: the parser has stopped. */
static bool feed(struct http_state *state, const char *text, size_t length)
{
    struct chunk chunk = {0};

    for (size_t done = 0; done < length; done += chunk.length) {
        chunk.length = (__u32)(length - done < CHUNK_SIZE ? length - done : CHUNK_SIZE);
        chunk.at = 0;
        memcpy(chunk.bytes, text + done, chunk.length);
        if (http_feed(state, &chunk) != HTTP_MORE)
            return false;
    }
    return true;
}

bool rules_uri_can_match(const struct request_spec *request)
{
    static const char start[] = "GET ", end[] = " HTTP/1.1\r\n";
    struct http_state state = {0};
    size_t length = strlen(request->uri);
    const char *percent = strrchr(request->uri, '%');

    /* Of a prefix: with something harmless behind it, unless it ends within an escape. */
    if (request->is_prefix && (length == 0 || (percent && strlen(percent) < 5)))
        return true;
    if (!feed(&state, start, strlen(start)) || !feed(&state, request->uri, length) ||
        (request->is_prefix && !feed(&state, "x", 1)))
        return false;
    feed(&state, end, strlen(end));
    return state.result == HTTP_LINE && state.request.is_canonical;
}
