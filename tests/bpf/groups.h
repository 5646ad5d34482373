/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests, each in the file of its name (test_load.c). Each returns how many of its tests failed. */
#ifndef NSP_TESTS_BPF_GROUPS_H
#define NSP_TESTS_BPF_GROUPS_H

int group_load(void);
int group_attach(void);
int group_record(void);
int group_texts(void);
int group_packets(void);
int group_flows(void);
int group_once(void);
int group_truth(void);
int group_attacks(void);
int group_policy(void);
int group_removal(void);
int group_take_down(void);

#endif
