/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of pods' records share: a datapath, requests as the plugin makes them, and a look at what is left. */
#ifndef NSP_TESTS_BPF_RECORDS_H
#define NSP_TESTS_BPF_RECORDS_H

#include "datapath/record.h"

extern struct datapath records;

/* For a group's setup and teardown. What is pinned stays, for the next group. */
int records_open(void **state);
int records_close(void **state);

struct record_request records_request(const char *container, const char *ifname, __u64 cgroup_id, __u32 ifindex);

/* Fail the running test where it does not work. */
void records_add(struct record_request *request);
void records_remove(const struct attachment_key *key);

int records_count(enum pins_map map);
int records_count_pods(void);
void records_assert_none(void);

#endif
