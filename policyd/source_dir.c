/* SPDX-License-Identifier: Apache-2.0 */
/* Follows a folder of manifests: see source_dir.h. Which file holds which name is manifests.c. */
#include "policyd/source_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/log.h"

#define FOLDER_MASK                                                                                                    \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define PARENT_MASK (IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ONLYDIR)
#define CONFIG_MAP_LINK "..data" /* kubelet renames it over to change all files of a volume at once */

struct names {
    size_t count;
    char **items;
};

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct names *names, const char *name)
{
    char *copy = strdup(name);
    char **items = copy ? realloc(names->items, (names->count + 1) * sizeof(*items)) : NULL;

    if (!items) {
        free(copy);
        return -ENOMEM;
    }
    names->items = items;
    names->items[names->count++] = copy;
    return 0;
}

static void fail(struct source_dir *source, const char *what)
{
    char *text = NULL;

    if (asprintf(&text, "%s: %s; what it had brought stays in force", what, strerror(errno)) < 0)
        text = NULL;
    free(source->error);
    source->error = text;
}

static int list_folder(struct source_dir *source, struct names *names)
{
    DIR *folder = opendir(source->manifests->folder);
    const struct dirent *entry;

    if (!folder)
        return -errno;
    errno = 0;
    while ((entry = readdir(folder))) {
        if (manifests_takes(entry->d_name) && add_name(names, entry->d_name))
            errno = ENOMEM;
    }

    int rc = -errno;

    closedir(folder);
    if (names->count)
        qsort(names->items, names->count, sizeof(*names->items), compare_names);
    return rc;
}

/* What is gone only for a moment was never gone: editors move a file away before they write it anew. */
static void forget_later(struct source_dir *source)
{
    static const struct timeval delay = {.tv_usec = 200000};

    if (source->forget)
        event_add(source->forget, &delay);
}

static void read_file(struct source_dir *source, const char *name)
{
    manifests_read(source->manifests, name);
    if (source->is_replaced || manifests_are_missing(source->manifests))
        forget_later(source);
}

/* A folder in the place of another fills file by file: what is not in it yet stays. */
static int read_all(struct source_dir *source)
{
    struct names names = {0};
    int rc = list_folder(source, &names);

    if (rc == 0) {
        for (size_t i = 0; i < names.count; i++)
            read_file(source, names.items[i]);
        forget_later(source);
    }
    free_names(&names);
    return rc;
}

/* Watches the folder that the path names now and reads it. */
static int follow(struct source_dir *source)
{
    if (source->watch >= 0)
        inotify_rm_watch(source->inotify, source->watch);
    source->watch = inotify_add_watch(source->inotify, source->manifests->folder, FOLDER_MASK);

    int rc = source->watch < 0 ? -errno : read_all(source);

    if (rc) {
        errno = -rc;
        fail(source, source->manifests->folder);
        return rc;
    }
    free(source->error);
    source->error = NULL;
    return 0;
}

/* A link that appears is whole, and so is what is no file; a file that appears will be written and closed. */
static bool is_whole(const struct source_dir *source, const char *name)
{
    cleanup_free char *path = NULL;
    struct stat status;

    if (asprintf(&path, "%s/%s", source->manifests->folder, name) < 0) {
        path = NULL;
        return false;
    }
    return lstat(path, &status) == 0 && (!S_ISREG(status.st_mode) || status.st_nlink > 1);
}

static bool is_replacement(const struct source_dir *source, const struct inotify_event *change)
{
    if (change->wd == source->parent_watch)
        return change->len && strcmp(change->name, source->base) == 0;
    return change->wd == source->watch && (change->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT));
}

/* All files change at once, or may have. */
static bool is_of_all(const struct source_dir *source, const struct inotify_event *change)
{
    if (change->mask & IN_Q_OVERFLOW)
        return true;
    return change->wd == source->watch && (change->mask & (IN_MOVED_TO | IN_CREATE)) && change->len &&
           strcmp(change->name, CONFIG_MAP_LINK) == 0;
}

static void keep_all(struct source_dir *source)
{
    static const char text[] = "replaced by an empty folder; what was in force stays: write the manifests there";

    free(source->error);
    source->error = strdup(text);
    log_warning("folder=%s %s", source->manifests->folder, text);
}

/* What happened before the folder was listed, such as its replacement, must be known. */
static bool has_news(const struct source_dir *source)
{
    struct pollfd news = {.fd = source->inotify, .events = POLLIN};

    return poll(&news, 1, 0) != 0;
}

static void forget_but(struct source_dir *source, const struct names *names)
{
    if (source->is_replaced && names->count == 0 && source->manifests->count) {
        keep_all(source);
        return;
    }
    source->is_replaced = false;
    free(source->error);
    source->error = NULL;
    manifests_retain(source->manifests, names->items, names->count);
    manifests_settle(source->manifests);
}

/* Only a list that came to its end says that something is gone. */
static void forget_missing(evutil_socket_t fd, short what, void *context)
{
    struct source_dir *source = context;
    struct names names = {0};

    (void)fd;
    (void)what;
    if (list_folder(source, &names) == 0) {
        if (!has_news(source))
            forget_but(source, &names);
        if (has_news(source) || manifests_are_missing(source->manifests))
            forget_later(source);
    }
    free_names(&names);
}

static void take_change(struct source_dir *source, const struct inotify_event *change)
{
    if (change->wd != source->watch || !change->len || !manifests_takes(change->name))
        return;
    log_debug("folder=%s file=%s mask=%#x changed", source->manifests->folder, change->name, change->mask);
    if (change->mask & (IN_DELETE | IN_MOVED_FROM))
        forget_later(source);
    else if ((change->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) || is_whole(source, change->name))
        read_file(source, change->name);
}

static void read_changes(evutil_socket_t fd, short what, void *context)
{
    struct source_dir *source = context;
    alignas(struct inotify_event) char buffer[8192];
    bool is_stale = false;
    ssize_t size;

    (void)what;
    while ((size = read(fd, buffer, sizeof(buffer))) > 0) {
        const struct inotify_event *change;

        for (char *at = buffer; at < buffer + size; at += sizeof(*change) + change->len) {
            change = (const struct inotify_event *)at;
            if (is_replacement(source, change))
                source->is_replaced = is_stale = true;
            else if (is_of_all(source, change))
                is_stale = true;
            else
                take_change(source, change);
        }
    }
    if (!is_stale)
        return;
    if (follow(source))
        log_warning("%s", source->error ? source->error : "out of memory");
    else
        log_info("folder=%s read again: it was replaced or changed as a whole", source->manifests->folder);
}

static int watch_parent(struct source_dir *source)
{
    char *slash;

    source->parent = strdup(source->manifests->folder);
    if (!source->parent)
        return -ENOMEM;
    while ((slash = strrchr(source->parent, '/')) && slash[1] == '\0' && slash != source->parent)
        *slash = '\0';
    if (!slash || slash[1] == '\0')
        return 0; /* the root is never replaced */
    source->base = slash + 1;
    *slash = '\0';
    source->parent_watch = inotify_add_watch(source->inotify, source->parent[0] ? source->parent : "/", PARENT_MASK);
    return source->parent_watch < 0 ? -errno : 0;
}

int source_dir_start(struct source_dir *source, struct manifests *manifests, struct event_base *base, struct error *err)
{
    *source = (struct source_dir){.manifests = manifests, .inotify = -1, .watch = -1, .parent_watch = -1};
    source->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (source->inotify < 0)
        return error_set(err, errno, "inotify: %s; raise fs.inotify.max_user_instances", strerror(errno));

    int rc = watch_parent(source);

    if (rc == 0)
        rc = follow(source);
    if (rc) {
        source_dir_stop(source);
        return error_set(err, -rc, "%s: %s; create the folder or name another by --manifests", manifests->folder,
                         strerror(-rc));
    }
    source->event = event_new(base, source->inotify, EV_READ | EV_PERSIST, read_changes, source);
    source->forget = evtimer_new(base, forget_missing, source);
    if (!source->event || !source->forget || event_add(source->event, NULL)) {
        source_dir_stop(source);
        return error_set(err, ENOMEM, "%s: out of memory", manifests->folder);
    }
    return 0;
}

void source_dir_stop(struct source_dir *source)
{
    if (source->event)
        event_free(source->event);
    if (source->forget)
        event_free(source->forget);
    if (source->inotify >= 0)
        close(source->inotify);
    free(source->parent);
    free(source->error);
    *source = (struct source_dir){.inotify = -1, .watch = -1, .parent_watch = -1};
}
