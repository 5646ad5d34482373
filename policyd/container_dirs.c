/* SPDX-License-Identifier: Apache-2.0 */
#include "policyd/container_dirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define DEPTH_MAX 8
#define ID_LIKE 32 /* hexadecimal digits in a row: a container's, though we may not know it yet */

struct walk {
    const struct pod_object *pod;
    int (*visit)(const struct container_dir *dir, void *context);
    void *context;
    int count, depth;
};

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        if ((at == text || !is_alphanumeric(at[-1])) && !is_alphanumeric(at[length]))
            return true;
    }
    return false;
}

static const char *name_of(const struct pod_object *pod, const char *directory)
{
    for (size_t i = 0; pod && i < pod->containers_count; i++) {
        if (has_word(directory, pod->containers[i].id))
            return pod->containers[i].name;
    }
    return NULL;
}

static bool looks_like_a_container(const char *directory)
{
    for (const char *c = directory; *c; c++) {
        size_t digits = strspn(c, "0123456789abcdef");

        if (digits >= ID_LIKE)
            return true;
        c += digits ? digits - 1 : 0;
    }
    return false;
}

static int walk_directory(struct walk *walk, int fd, const char *name, bool is_named);

static int walk_entry(struct walk *walk, int parent, const char *entry, const char *name, bool is_named)
{
    cleanup_close int fd = openat(parent, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return 0; /* no directory, or gone */
    if (is_named)
        return walk_directory(walk, fd, name, true);
    name = name_of(walk->pod, entry);
    return walk_directory(walk, fd, name, name || looks_like_a_container(entry));
}

static int walk_entries(struct walk *walk, int fd, const char *name, bool is_named)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);

    if (!entries) {
        if (copy >= 0)
            close(copy);
        return 0;
    }
    for (struct dirent *entry = readdir(entries); entry && rc == 0; entry = readdir(entries)) {
        if (entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN))
            rc = walk_entry(walk, fd, entry->d_name, name, is_named);
    }
    closedir(entries);
    return rc;
}

/* is_named: what is below has the same name, or none for good. */
static int walk_directory(struct walk *walk, int fd, const char *name, bool is_named)
{
    struct container_dir dir = {.fd = fd, .name = name};
    struct stat status;
    int rc;

    if (fstat(fd, &status))
        return 0;
    if (walk->count++ == CONTAINER_DIRS_MAX)
        return -E2BIG;
    dir.cgroup_id = status.st_ino;
    rc = walk->visit(&dir, walk->context);
    if (rc || walk->depth == DEPTH_MAX)
        return rc;
    walk->depth++;
    rc = walk_entries(walk, fd, name, is_named);
    walk->depth--;
    return rc;
}

int container_dirs_walk(int fd, const struct pod_object *pod,
                        int (*visit)(const struct container_dir *dir, void *context), void *context)
{
    struct walk walk = {.pod = pod, .visit = visit, .context = context};

    return walk_directory(&walk, fd, NULL, false);
}
