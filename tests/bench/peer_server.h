/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NSP_TESTS_BENCH_PEER_SERVER_H
#define NSP_TESTS_BENCH_PEER_SERVER_H

/* Listens, says so by one byte to `control`, and answers until it is killed. */
_Noreturn void peer_serve(int control);

#endif
