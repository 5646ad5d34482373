/* SPDX-License-Identifier: Apache-2.0 */
/* The text hash for user space: see text_hash.h. */
#include <endian.h>
#include <stddef.h>
#include <string.h>

#include "datapath/text_hash.h"
#include "datapath/path_hash.h"

static __u64 load_word(const char *from, size_t length)
{
    __u64 word = 0;

    memcpy(&word, from, length < sizeof(word) ? length : sizeof(word));
    return le64toh(word);
}

/* Dots become lengths; returns how many bytes that are. */
static size_t to_wire(const char *name, char wire[NSP_NAME_SIZE])
{
    size_t at = 0;

    while (*name) {
        size_t label = strcspn(name, ".");

        wire[at++] = (char)label;
        memcpy(wire + at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    return at;
}

void text_hash_name(const char *name, const __u32 *key, __u16 *length, __u64 hash[4])
{
    char wire[NSP_NAME_SIZE];
    char text[NSP_NAME_SIZE] = {0}; /* right-aligned */
    size_t size = to_wire(name, wire);

    memcpy(text + NSP_NAME_SIZE - size, wire, size);
    memset(hash, 0, 4 * sizeof(*hash));
    for (size_t done = 0; done < size; done += 8)
        text_hash_word(hash, key, (__u32)(done / 8), load_word(text + NSP_NAME_SIZE - 8 - done, 8));
    *length = (__u16)size;
}

void text_hash_request(const char *method, const char *uri, size_t length, const __u32 *key, __u64 hash[4])
{
    memset(hash, 0, 4 * sizeof(*hash));
    for (size_t done = 0; done < length; done += 8)
        text_hash_word(hash, key, (__u32)(done / 8), load_word(uri + done, length - done));
    if (!method)
        return;

    size_t size = strlen(method);

    for (size_t done = 0; done < NSP_METHOD_MAX; done += 8)
        text_hash_word(hash, key, (__u32)(TEXT_METHOD_POSITION + done / 8),
                       done < size ? load_word(method + done, size - done) : 0);
}

__u64 container_hash(const char *name, const __u64 path_key[2])
{
    __u8 hash[16];
    __u64 half;

    path_hash_text(name, path_key, hash);
    memcpy(&half, hash, sizeof(half));
    return half ? half : 1;
}
