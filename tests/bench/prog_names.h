/* SPDX-License-Identifier: Apache-2.0 */
/* What bench-prog's DNS messages leave behind: queries that are remembered, addresses that are learnt. */
#ifndef NSP_TESTS_BENCH_PROG_NAMES_H
#define NSP_TESTS_BENCH_PROG_NAMES_H

#include "tests/bench/prog_case.h"

/* Sends the query to which the case's packet is the answer. */
void prog_names_ask(const struct prog_case *test, const struct world *world);
/* The owner's socket is that of the query, which is still to be answered. */
void prog_names_expect(const struct prog_case *test, const struct world *world);
/* Query and answer: from then on the case's executable knows the address of WORLD_NAME. */
void prog_names_teach(const struct prog_case *test, const struct world *world);

/* Each ends the bench when it is not so. */
void prog_names_check_asked(const struct prog_case *test, const struct world *world);
void prog_names_check_learnt(const struct prog_case *test, const struct world *world);

#endif
