/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as they stand in JSON. */
#ifndef NSP_TESTS_MODEL_HEX_H
#define NSP_TESTS_MODEL_HEX_H

#include <jansson.h>
#include <linux/types.h>

/* The bytes of a string of hexadecimal digits; how many, at most `size`. 0 for what is no such string. */
size_t hex_read(const json_t *text, __u8 *bytes, size_t size);
/* The other way. */
json_t *hex_write(const __u8 *bytes, size_t length);

#endif
