/* SPDX-License-Identifier: Apache-2.0 */
/* As much of a resolver as the demo's programs need: one A record, from the first nameserver of /etc/resolv.conf. */
#ifndef NSP_DEMO_RESOLVE_H
#define NSP_DEMO_RESOLVE_H

#include <netinet/in.h>

/* Writes the address of `name` as text; a numeric address stands for itself. Returns 0 or -errno: -ETIMEDOUT when no
 * answer came within timeout_ms, -ENOENT when there is no such name. */
int resolve_name(const char *name, char address[INET6_ADDRSTRLEN], int timeout_ms);

#endif
