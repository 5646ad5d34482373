/* SPDX-License-Identifier: Apache-2.0 */
/* The path hash for user space: see path_hash.h. Walks the text from its end, as the kernel walks dentries. */
#include "datapath/path_hash.h"

#include <endian.h>
#include <string.h>

static void hash_component(struct path_hash *h, const char *text, size_t length)
{
    path_hash_word(h, length);
    for (size_t i = 0; i < length; i += sizeof(__u64)) {
        size_t left = length - i;
        __u64 word = 0;

        memcpy(&word, text + i, left < sizeof(word) ? left : sizeof(word));
        path_hash_word(h, le64toh(word));
    }
}

void path_hash_text(const char *path, const __u64 key[2], __u8 hash[16])
{
    struct path_hash h;
    size_t end = strlen(path);
    __u64 components = 0, out[2];

    path_hash_start(&h, key);
    while (end > 0) {
        size_t start = end;

        while (start > 0 && path[start - 1] != '/')
            start--;
        if (start < end) {
            hash_component(&h, path + start, end - start);
            components++;
        }
        end = start > 0 ? start - 1 : 0;
    }
    path_hash_end(&h, components, out);
    memcpy(hash, out, sizeof(out));
}
