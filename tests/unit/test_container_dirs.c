/* SPDX-License-Identifier: Apache-2.0 */
/* Whose cgroup a directory is, by its name and its place; ordinary directories stand for cgroups. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

#include "policyd/container_dirs.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ID_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_B "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define ID_C "aaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccdddd"

static char root[] = "/tmp/nsp-container-dirs-XXXXXX";

static struct container_object objects[] = {
    {(char *)"a", (char *)ID_A},
    {(char *)"b", (char *)ID_B},
    {(char *)"docker", (char *)"f0123456789a"},
};
static const struct pod_object pod = {.containers_count = COUNT(objects), .containers = objects};

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/nsp-container-dirs-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Makes all directories on the way; returns the last one's inode number. */
static __u64 make(const char *path)
{
    char whole[512];
    struct stat status = {0};
    size_t begin = strlen(root) + 1;

    snprintf(whole, sizeof(whole), "%s/%s/", root, path);
    for (char *slash = strchr(whole + begin, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(whole, 0700) == 0 || errno == EEXIST);
        assert_int_equal(stat(whole, &status), 0);
        *slash = '/';
    }
    return status.st_ino;
}

struct found {
    int count;
    struct {
        __u64 id;
        const char *name;
    } dirs[CONTAINER_DIRS_MAX];
};

static int note(const struct container_dir *dir, void *context)
{
    struct found *found = context;

    found->dirs[found->count].id = dir->cgroup_id;
    found->dirs[found->count++].name = dir->name;
    return 0;
}

static int walk(const struct pod_object *of, struct found *found)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

    assert_true(fd >= 0);
    found->count = 0;
    rc = container_dirs_walk(fd, of, note, found);
    close(fd);
    return rc;
}

static void assert_name(const struct found *found, __u64 id, const char *path, const char *name)
{
    for (int i = 0; i < found->count; i++) {
        if (found->dirs[i].id != id)
            continue;
        if (!name != !found->dirs[i].name || (name && strcmp(name, found->dirs[i].name) != 0))
            fail_msg("%s is of %s", path, found->dirs[i].name ? found->dirs[i].name : "nobody");
        return;
    }
    fail_msg("%s was not visited", path);
}

static void a_directory_is_its_containers_and_so_is_what_is_in_it(void **state)
{
    static const char *const cases[][2] = {
        {"cri-containerd-" ID_A ".scope", "a"},
        {"crio-" ID_B ".scope", "b"},
        {"crio-" ID_B ".scope/container", "b"},
        {"crio-" ID_B ".scope/container/init.scope/deeper", "b"},
        {ID_A, "a"},
        {"docker-f0123456789a.scope", "docker"},
        {"level/" ID_A, "a"},
        {"cri-containerd-" ID_C ".scope", NULL}, /* the sandbox's own */
        {ID_A "0", NULL},
        {"x" ID_A, NULL},
        {"init", NULL},
        /* what a container makes in its own cgroup is its own, known or not */
        {"cri-containerd-" ID_A ".scope/cri-containerd-" ID_B ".scope", "a"},
        {"cri-containerd-" ID_C ".scope/cri-containerd-" ID_A ".scope", NULL},
        {ID_C "/x/" ID_A, NULL},
    };
    struct found found;
    __u64 ids[COUNT(cases)];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        ids[i] = make(cases[i][0]);
    assert_int_equal(walk(&pod, &found), 0);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_name(&found, ids[i], cases[i][0], cases[i][1]);
}

static void without_a_manifest_no_directory_has_a_name(void **state)
{
    struct found found;

    (void)state;
    make(ID_A);
    assert_int_equal(walk(NULL, &found), 0);
    assert_int_equal(found.count, 2);
    assert_null(found.dirs[0].name);
    assert_null(found.dirs[1].name);
}

static void files_and_links_are_no_cgroups(void **state)
{
    char path[512];
    struct found found;
    int fd;

    (void)state;
    snprintf(path, sizeof(path), "%s/%s", root, ID_A);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    snprintf(path, sizeof(path), "%s/%s", root, ID_B);
    assert_int_equal(symlink("/", path), 0);
    assert_int_equal(walk(&pod, &found), 0);
    assert_int_equal(found.count, 1);
}

static void depth_and_number_are_bounded(void **state)
{
    struct found found;
    char path[64];

    (void)state;
    make("1/2/3/4/5/6/7/8/9/10");
    assert_int_equal(walk(&pod, &found), 0);
    assert_int_equal(found.count, 9);
    for (int i = 0; i < CONTAINER_DIRS_MAX; i++) {
        snprintf(path, sizeof(path), "many/%d", i);
        make(path);
    }
    assert_int_equal(walk(&pod, &found), -E2BIG);
    assert_int_equal(found.count, CONTAINER_DIRS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_directory_is_its_containers_and_so_is_what_is_in_it, make_root, remove_root),
        cmocka_unit_test_setup_teardown(without_a_manifest_no_directory_has_a_name, make_root, remove_root),
        cmocka_unit_test_setup_teardown(files_and_links_are_no_cgroups, make_root, remove_root),
        cmocka_unit_test_setup_teardown(depth_and_number_are_bounded, make_root, remove_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
