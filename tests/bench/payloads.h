/* SPDX-License-Identifier: Apache-2.0 */
/* What the packets of the benches carry: DNS messages and the heads of HTTP requests. */
#ifndef NSP_TESTS_BENCH_PAYLOADS_H
#define NSP_TESTS_BENCH_PAYLOADS_H

#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_MAX 1024
#define PAYLOAD_ADDRESSES_MAX 16
#define PAYLOAD_TTL_S 3600

/* Each returns the length. `name` is dotted, without a final dot; its type is A. */
size_t payload_query(unsigned char out[PAYLOAD_MAX], const char *name, uint16_t id);
/* `addresses` records from 192.0.2.1 on, behind one CNAME to the alias where `alias` is not NULL. */
size_t payload_answer(unsigned char out[PAYLOAD_MAX], const char *name, uint16_t id, const char *alias, int addresses);
/* The head of a request with such fields as a client sends, filled up to `length` bytes. */
size_t payload_request(unsigned char out[PAYLOAD_MAX], const char *method, const char *target, size_t length);

#endif
