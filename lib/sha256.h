/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), to tell whether two policies are equal without keeping both. */
#ifndef NSP_LIB_SHA256_H
#define NSP_LIB_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

struct sha256 {
    uint32_t state[8];
    uint64_t bytes; /* taken in so far */
    unsigned char block[64];
};

void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t size);
void sha256_end(struct sha256 *hash, unsigned char digest[SHA256_SIZE]);

#endif
