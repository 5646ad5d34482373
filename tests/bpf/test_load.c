/* SPDX-License-Identifier: Apache-2.0 */
/* Loading and adopting: all pins or none, settings on both ways, and nothing left after removal. */
#include "tests/bpf/groups.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/load.h"
#include "lib/log.h"
#include "tests/bpf/sandbox.h"

static struct load_options options_of(void)
{
    return (struct load_options){
        .directory = sandbox.pins, .exempt_node = 1, .events_per_second = 100, .events_burst = 50};
}

static int remove_all(void **state)
{
    struct error err;

    (void)state;
    return load_remove(sandbox.pins, &err);
}

static void first_load_pins_everything_and_fills_control(void **state)
{
    struct load_options options = options_of();
    struct datapath datapath;
    struct error err = {0};
    int adopted = -1;

    (void)state;
    if (load_or_adopt(&datapath, &options, &adopted, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(adopted, 0);
    assert_int_equal(datapath.control->magic, NSP_ABI_MAGIC);
    assert_int_equal(datapath.control->version, NSP_ABI_VERSION);
    assert_true(datapath.control->path_key[0] && datapath.control->path_key[1]);
    assert_true(datapath.control->host_netns_cookie);
    assert_int_equal(datapath.control->exempt_node, 1);
    assert_int_equal(datapath.control->event_interval_ns, 10000000);
    assert_int_equal(datapath.control->event_burst_ns, 500000000);
    assert_int_equal(datapath.control->name_floor_ns, 3600 * 1000000000ULL); /* nobody said anything else */
    assert_int_equal(datapath.control->name_cap_ns, 86400 * 1000000000ULL);
    assert_string_equal(datapath.control->build, NSP_VERSION);
    for (int i = 0; i < PINS_MAPS; i++)
        assert_true(datapath.maps[i] >= 0);
    for (int i = 0; i < PINS_PROGRAMS; i++)
        assert_true(datapath.programs[i] >= 0);
    pins_close(&datapath);
}

static void second_load_adopts_and_changes_only_settings(void **state)
{
    struct load_options options = options_of();
    struct datapath first, second;
    struct error err = {0};
    int adopted = -1;

    (void)state;
    assert_int_equal(load_or_adopt(&first, &options, &adopted, &err), 0);
    first.states[3] = 42;
    options.exempt_node = 0;
    options.events_per_second = 0;
    options.name_floor_s = 0;
    options.name_cap_s = 60;
    assert_int_equal(load_or_adopt(&second, &options, &adopted, &err), 0);
    assert_int_equal(adopted, 1);
    assert_int_equal(second.states[3], 42);
    assert_memory_equal(first.control->path_key, second.control->path_key, 16);
    assert_memory_equal(first.control->text_key, second.control->text_key, sizeof(first.control->text_key));
    assert_int_equal(first.control->name_floor_ns, 0);
    assert_int_equal(first.control->name_cap_ns, 60 * 1000000000ULL);
    assert_int_equal(first.control->exempt_node, 0);
    assert_int_equal(first.control->event_interval_ns, 0);
    pins_close(&first);
    pins_close(&second);
}

/* T85 */
static void what_a_killed_load_left_is_cleared(void **state)
{
    struct load_options options = options_of();
    struct datapath datapath;
    struct error err = {0};
    char staging[128], links[136];
    int adopted;

    (void)state;
    snprintf(staging, sizeof(staging), "%s-new", sandbox.pins);
    snprintf(links, sizeof(links), "%s/links", staging);
    assert_int_equal(mkdir(staging, 0700), 0);
    assert_int_equal(mkdir(links, 0700), 0);
    assert_int_equal(load_or_adopt(&datapath, &options, &adopted, &err), 0);
    pins_close(&datapath);
    assert_int_equal(access(staging, F_OK), -1);
}

static void another_abi_version_is_refused_and_left_alone(void **state)
{
    struct load_options options = options_of();
    struct datapath datapath, other;
    struct error err = {0};
    int adopted;

    (void)state;
    assert_int_equal(load_or_adopt(&datapath, &options, &adopted, &err), 0);
    datapath.control->version = NSP_ABI_VERSION + 1;
    assert_int_equal(load_or_adopt(&other, &options, &adopted, &err), -EPROTO);
    assert_non_null(strstr(err.msg, "policyd --remove"));
    assert_int_equal(load_remove(sandbox.pins, &err), -EPROTO);
    datapath.control->version = NSP_ABI_VERSION;
    pins_close(&datapath);
}

static void places_that_cannot_hold_pins_are_named(void **state)
{
    struct load_options options = options_of();
    struct datapath datapath;
    struct error err = {0};
    int adopted;

    (void)state;
    options.directory = "/tmp/nsp-not-a-bpffs/nsp";
    assert_int_equal(load_or_adopt(&datapath, &options, &adopted, &err), -ENOTDIR);
    assert_non_null(strstr(err.msg, "mount -t bpf"));
    assert_int_equal(pins_open(&datapath, options.directory, &err), -ENOTDIR);
    options.directory = "nsp";
    assert_int_equal(load_or_adopt(&datapath, &options, &adopted, &err), -EINVAL);
    assert_int_equal(pins_open(&datapath, sandbox.pins, &err), -ENOENT);
    assert_int_equal(load_remove(sandbox.pins, &err), 0);
}

static void a_missing_pin_is_named_and_can_be_removed(void **state)
{
    struct load_options options = options_of();
    struct datapath datapath;
    struct error err = {0};
    char path[128];
    int adopted;

    (void)state;
    assert_int_equal(load_or_adopt(&datapath, &options, &adopted, &err), 0);
    pins_close(&datapath);
    snprintf(path, sizeof(path), "%s/nsp_rules", sandbox.pins);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(pins_open(&datapath, sandbox.pins, &err), -EUCLEAN);
    assert_non_null(strstr(err.msg, "nsp_rules"));
    assert_int_equal(load_remove(sandbox.pins, &err), 0);
    assert_int_equal(access(sandbox.pins, F_OK), -1);
}

/* Loads in a child that `spoil` has taken something from; returns the code, and the message in *err. */
static int load_in_child(void (*spoil)(void), struct error *err)
{
    struct load_options options = options_of();
    struct datapath datapath;
    int pipe_fds[2], adopted;
    pid_t child;

    assert_int_equal(pipe(pipe_fds), 0);
    child = fork();
    if (child == 0) {
        log_set_level(LOG_LEVEL_ERROR);
        close(STDERR_FILENO);
        spoil();
        load_or_adopt(&datapath, &options, &adopted, err);
        _exit(write(pipe_fds[1], err, sizeof(*err)) != sizeof(*err));
    }
    close(pipe_fds[1]);
    assert_int_equal(read(pipe_fds[0], err, sizeof(*err)), sizeof(*err));
    close(pipe_fds[0]);
    waitpid(child, NULL, 0);
    return err->code;
}

static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    if (syscall(SYS_capset, &header, none))
        _exit(1);
}

static void hide_btf(void)
{
    if (unshare(CLONE_NEWNS) || mount("tmpfs", "/sys/kernel/btf", "tmpfs", 0, NULL))
        _exit(1);
}

/* As `lockdown=confidentiality` on the kernel's command line has it; tests/kernels boots one with it. */
static void lock_down(void)
{
    FILE *file;

    if (unshare(CLONE_NEWNS) || mount("tmpfs", "/sys/kernel/security", "tmpfs", 0, NULL))
        _exit(1);
    file = fopen("/sys/kernel/security/lockdown", "we");
    if (!file || fputs("none integrity [confidentiality]\n", file) < 0 || fclose(file))
        _exit(1);
}

/* T85 */
static void missing_capabilities_are_named(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(load_in_child(drop_capabilities, &err), EPERM);
    assert_non_null(strstr(err.msg, "CAP_BPF"));
    assert_non_null(strstr(err.msg, "CAP_PERFMON"));
    assert_non_null(strstr(err.msg, "CAP_NET_ADMIN"));
    assert_int_equal(access(sandbox.pins, F_OK), -1);
}

/* T85 */
static void kernel_without_btf_is_named(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(load_in_child(hide_btf, &err), ENOENT);
    assert_non_null(strstr(err.msg, "CONFIG_DEBUG_INFO_BTF"));
    assert_int_equal(access(sandbox.pins, F_OK), -1);
}

/* T86 */
static void lockdown_that_takes_helpers_away_is_named(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(load_in_child(lock_down, &err), EACCES);
    assert_non_null(strstr(err.msg, "[confidentiality]"));
    assert_non_null(strstr(err.msg, "lockdown=integrity"));
    assert_int_equal(access(sandbox.pins, F_OK), -1);
}

static int assert_is_for_root_only(const char *path, const struct stat *entry, int type, struct FTW *place)
{
    (void)path;
    (void)place;
    assert_int_equal(entry->st_uid, 0);
    assert_int_equal(entry->st_mode & 07777, type == FTW_D ? 0700 : 0600);
    return 0;
}

/* T91 */
static void pins_are_for_root_only_whatever_the_umask(void **state)
{
    struct load_options options = options_of();
    struct datapath datapath;
    mode_t before = umask(0);
    int adopted, rc;

    (void)state;
    rc = load_or_adopt(&datapath, &options, &adopted, NULL);
    umask(before);
    assert_int_equal(rc, 0);
    pins_close(&datapath);
    assert_int_equal(nftw(sandbox.pins, assert_is_for_root_only, 8, FTW_PHYS), 0);
}

/* T91 */
static void another_program_at_the_place_of_ours_is_named(void **state)
{
    const struct bpf_insn allow[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1}, {.code = BPF_JMP | BPF_EXIT}};
    struct load_options options = options_of();
    struct datapath datapath;
    struct error err = {0};
    char path[128];
    int adopted, foreign;

    (void)state;
    assert_int_equal(load_or_adopt(&datapath, &options, &adopted, &err), 0);
    pins_close(&datapath);
    snprintf(path, sizeof(path), "%s/nsp_ingress", sandbox.pins);
    foreign = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "nsp_ingress", "GPL", allow, 2, NULL);
    assert_true(foreign >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bpf_obj_pin(foreign, path), 0);
    close(foreign);
    assert_int_equal(load_or_adopt(&datapath, &options, &adopted, &err), -EUCLEAN);
    assert_non_null(strstr(err.msg, path));
    assert_non_null(strstr(err.msg, "policyd --remove"));
    assert_int_equal(load_remove(sandbox.pins, &err), 0);
    assert_int_equal(access(sandbox.pins, F_OK), -1);
}

int group_load(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(first_load_pins_everything_and_fills_control, remove_all),
        cmocka_unit_test_teardown(second_load_adopts_and_changes_only_settings, remove_all),
        cmocka_unit_test_teardown(what_a_killed_load_left_is_cleared, remove_all),
        cmocka_unit_test_teardown(another_abi_version_is_refused_and_left_alone, remove_all),
        cmocka_unit_test_teardown(places_that_cannot_hold_pins_are_named, remove_all),
        cmocka_unit_test_teardown(missing_capabilities_are_named, remove_all),
        cmocka_unit_test_teardown(kernel_without_btf_is_named, remove_all),
        cmocka_unit_test_teardown(lockdown_that_takes_helpers_away_is_named, remove_all),
        cmocka_unit_test_teardown(pins_are_for_root_only_whatever_the_umask, remove_all),
        cmocka_unit_test_teardown(another_program_at_the_place_of_ours_is_named, remove_all),
        cmocka_unit_test_teardown(a_missing_pin_is_named_and_can_be_removed, remove_all),
    };

    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
