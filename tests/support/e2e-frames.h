/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram of one's own making, and two ways to a device that pass by the most of the kernel. */
#ifndef NSP_TESTS_E2E_FRAMES_H
#define NSP_TESTS_E2E_FRAMES_H

#include "tests/support/e2e-socket.h"

/* IPv4 and UDP without a checksum, and one byte. Returns its length. */
size_t datagram_make(unsigned char *out, const struct peer *from, const struct peer *to);

/* IFNAME FROM TO PORT: see e2e-probe.c. */
struct outcome probe_bypass(char **args);
struct outcome probe_xdp(char **args);

#endif
