/* SPDX-License-Identifier: Apache-2.0 */
/* Runs all groups of tests/bpf in one sandbox: the kernel's side, with the shipped object, and what loads and attaches
 * it. Needs root and nothing else of the machine, so that it also runs in the kernels under tests/kernels. */
#include "tests/bpf/groups.h"

#include "tests/bpf/sandbox.h"

int main(void)
{
    int failed = 0;

    sandbox_enter();
    failed += group_load();
    failed += group_attach();
    failed += group_record();
    failed += group_texts();
    failed += group_packets();
    failed += group_flows();
    failed += group_once();
    failed += group_truth();
    failed += group_attacks();
    failed += group_policy();
    failed += group_removal();
    failed += group_take_down();
    sandbox_leave();
    return failed != 0;
}
