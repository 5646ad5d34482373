/* SPDX-License-Identifier: Apache-2.0 */
/* Which cgroup a pod is taken to have: the spellings of runtimes and of kubelet, and what is never opened. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cni-plugin/cgroup.h"
#include "cni-plugin/code.h"

static void full_paths_stay_and_slice_names_are_expanded(void **state)
{
    static const struct {
        const char *given, *expanded;
    } cases[] = {
        {"/kubepods/burstable/pod1-2", "/kubepods/burstable/pod1-2"},
        {"/kubelet.slice/kubelet-kubepods.slice/x.slice", "/kubelet.slice/kubelet-kubepods.slice/x.slice"},
        {"/a-b.slice", "/a-b.slice"},
        {"kubepods.slice", "/kubepods.slice"},
        {"kubepods-pod1_2.slice", "/kubepods.slice/kubepods-pod1_2.slice"},
        {"kubepods-burstable-pod1_2.slice", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char path[CGROUP_PATH_SIZE];
        struct error err;

        assert_int_equal(cgroup_expand(cases[i].given, path, &err), 0);
        assert_string_equal(path, cases[i].expanded);
    }
}

static void paths_that_leave_the_mount_or_mean_all_of_it_are_refused(void **state)
{
    static const char *const bad[] = {
        "/",   "//", ".",    "..",      "/..",    "/../x",    "/a/../../x", "/a/./b",     "/a//b",
        "/a/", "a",  "../a", "-.slice", ".slice", "-a.slice", "a-.slice",   "a--b.slice", "a/b.slice",
    };
    char path[CGROUP_PATH_SIZE];
    char endless[2 * CGROUP_PATH_SIZE];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(cgroup_expand(bad[i], path, &err), -CNI_INVALID_CONFIG);
    memset(endless, 'a', sizeof(endless) - 1);
    endless[0] = '/';
    endless[sizeof(endless) - 1] = '\0';
    assert_int_equal(cgroup_expand(endless, path, &err), -CNI_INVALID_CONFIG);
    for (size_t i = 1; i < 300; i += 2)
        endless[i] = '-';
    snprintf(endless + 300, sizeof(endless) - 300, ".slice");
    assert_int_equal(cgroup_expand(endless + 2, path, &err), -CNI_INVALID_CONFIG);
}

/* Whether kubelet's `path` is among the places that are tried for `uid`. */
static int is_candidate(const char *uid, const char *path)
{
    char candidate[CGROUP_PATH_SIZE];

    for (unsigned i = 0; cgroup_candidate(uid, i, candidate) == 0; i++) {
        if (strcmp(candidate, path) == 0)
            return 1;
    }
    return 0;
}

static void a_uid_is_looked_for_where_kubelet_puts_it(void **state)
{
    static const char uid[] = "11112222-3333-4444-5555-666677778888";
    static const char hash[] = "0123456789abcdef0123456789abcdef";

    (void)state;
    assert_true(is_candidate(uid, "/kubepods/burstable/pod11112222-3333-4444-5555-666677778888"));
    assert_true(is_candidate(uid, "/kubepods/besteffort/pod11112222-3333-4444-5555-666677778888"));
    assert_true(is_candidate(uid, "/kubepods/pod11112222-3333-4444-5555-666677778888"));
    assert_true(is_candidate(uid, "/kubepods.slice/kubepods-burstable.slice/"
                                  "kubepods-burstable-pod11112222_3333_4444_5555_666677778888.slice"));
    assert_true(is_candidate(uid, "/kubepods.slice/kubepods-besteffort.slice/"
                                  "kubepods-besteffort-pod11112222_3333_4444_5555_666677778888.slice"));
    assert_true(is_candidate(uid, "/kubepods.slice/kubepods-pod11112222_3333_4444_5555_666677778888.slice"));
    assert_true(is_candidate(uid, "/kubelet/kubepods/pod11112222-3333-4444-5555-666677778888"));
    assert_true(is_candidate(hash, "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
                                   "kubelet-kubepods-burstable-pod0123456789abcdef0123456789abcdef.slice"));
    assert_true(is_candidate(hash, "/kubepods/burstable/pod0123456789abcdef0123456789abcdef"));
}

/* A folder with a file that looks like /proc/mounts. */
struct mounts {
    char folder[32];
    char file[64];
};

static void write_mounts(struct mounts *mounts, const char *type)
{
    snprintf(mounts->folder, sizeof(mounts->folder), "/tmp/nspt-XXXXXX");
    assert_non_null(mkdtemp(mounts->folder));
    snprintf(mounts->file, sizeof(mounts->file), "%s/mounts", mounts->folder);

    FILE *file = fopen(mounts->file, "w");

    assert_non_null(file);
    fprintf(file, "tmpfs /x tmpfs rw 0 0\nnone %s %s rw 0 0\n", mounts->folder, type);
    fclose(file);
}

static void remove_mounts(struct mounts *mounts)
{
    unlink(mounts->file);
    rmdir(mounts->folder);
}

static void a_host_with_cgroup_v1_only_is_told_apart(void **state)
{
    struct mounts mounts;
    struct cgroup cgroup;
    struct error err;

    (void)state;
    write_mounts(&mounts, "cgroup");
    assert_int_equal(cgroup_find(mounts.file, "/pod", "", &cgroup, &err), -CNI_NO_CGROUP);
    assert_non_null(strstr(err.msg, "cgroup v1 only"));
    assert_int_equal(cgroup_find(mounts.file, NULL, "1", &cgroup, &err), -CNI_NO_CGROUP);
    assert_non_null(strstr(err.msg, "cgroup v1 only"));
    remove_mounts(&mounts);
}

static void a_missing_path_is_told_apart_from_an_unknown_one(void **state)
{
    struct mounts mounts;
    struct cgroup cgroup;
    struct error err;

    (void)state;
    write_mounts(&mounts, "cgroup2");
    assert_int_equal(cgroup_find(mounts.file, "/pod", "", &cgroup, &err), -CNI_TRY_LATER);
    assert_int_equal(cgroup_find(mounts.file, "/pod", "1", &cgroup, &err), -CNI_TRY_LATER);
    assert_int_equal(cgroup_find(mounts.file, NULL, "1", &cgroup, &err), -CNI_NO_CGROUP);
    assert_int_equal(cgroup_find(mounts.file, NULL, "", &cgroup, &err), -CNI_NO_CGROUP);
    assert_non_null(strstr(err.msg, "cgroupPath"));
    remove_mounts(&mounts);
}

static void a_link_or_a_folder_that_is_no_cgroup_is_not_opened(void **state)
{
    struct mounts mounts;
    struct cgroup cgroup;
    struct error err;
    char path[64];

    (void)state;
    write_mounts(&mounts, "cgroup2");
    snprintf(path, sizeof(path), "%s/out", mounts.folder);
    assert_int_equal(symlink("/proc", path), 0);
    assert_int_equal(cgroup_find(mounts.file, "/out", "", &cgroup, &err), -CNI_NO_CGROUP);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(cgroup_find(mounts.file, "/out", "", &cgroup, &err), -CNI_NO_CGROUP);
    rmdir(path);
    remove_mounts(&mounts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_paths_stay_and_slice_names_are_expanded),
        cmocka_unit_test(paths_that_leave_the_mount_or_mean_all_of_it_are_refused),
        cmocka_unit_test(a_uid_is_looked_for_where_kubelet_puts_it),
        cmocka_unit_test(a_host_with_cgroup_v1_only_is_told_apart),
        cmocka_unit_test(a_missing_path_is_told_apart_from_an_unknown_one),
        cmocka_unit_test(a_link_or_a_folder_that_is_no_cgroup_is_not_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
