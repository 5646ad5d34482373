/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Patterns with a `*` inside a label, or in place of one: what no hash can find. */
#ifndef NSP_DATAPATH_NAME_GLOB_H
#define NSP_DATAPATH_NAME_GLOB_H

#include "datapath/name.h"

#define GLOB_STEPS_MAX 4096 /* bytes looked at for one pattern; only many labels of near misses could need more */

enum glob_phase {
    GLOB_COUNT, /* the labels behind a first one of `**` */
    GLOB_WALK,
};

/*
 * Where a comparison is; in map memory, and continued by whoever searches (name_match.h): a loop of its own would go
 * too deep. Indices of bytes: of the pattern from its first, of the name in its text.
 */
struct glob_walk {
    __u32 same;                   /* bytes at the end of both that are known to be the same */
    __u32 in_glob, in_name;       /* the next byte */
    __u32 glob_end, name_end;     /* of their labels */
    __u32 after_star, taken_star; /* behind the label's last `*`, 0: none; what of the name it may still take */
    __u32 labels;                 /* of the pattern, behind `**` */
    __u32 steps;                  /* taken so far */
    __u16 phase;                  /* enum glob_phase */
    __u16 matches;
};

static __always_inline __u32 glob_byte(const struct glob *glob, __u32 index)
{
    return ((const __u8 *)glob)[(index + offsetof(struct glob, text)) & (sizeof(*glob) - 1)];
}

static __always_inline __u32 name_byte(const struct name *name, __u32 index)
{
    return name->text[index & (NSP_NAME_SIZE - 1)];
}

/* Both stand at the beginning of a label, or at the end. */
static __always_inline long glob_enter_labels(struct glob_walk *w, const struct glob *glob, const struct name *name)
{
    __u32 glob_left = glob->length - w->in_glob, name_left = NSP_NAME_SIZE - w->in_name;

    if (glob_left == w->same || name_left == w->same) {
        w->matches = glob_left == name_left;
        return 1;
    }
    w->glob_end = w->in_glob + 1 + glob_byte(glob, w->in_glob);
    w->name_end = w->in_name + 1 + name_byte(name, w->in_name);
    w->in_glob++;
    w->in_name++;
    w->after_star = 0;
    return 0;
}

/* One byte further. A `*` takes nothing at first, and one byte more each time that what follows does not fit. */
static __always_inline long glob_compare(struct glob_walk *w, const struct glob *glob, const struct name *name)
{
    __u32 wanted = glob_byte(glob, w->in_glob), given = name_byte(name, w->in_name);
    bool is_glob_done = w->in_glob == w->glob_end, is_name_done = w->in_name == w->name_end;

    if (is_glob_done && is_name_done)
        return glob_enter_labels(w, glob, name);
    if (!is_glob_done && wanted == '*') {
        w->in_glob++;
        w->after_star = w->in_glob;
        w->taken_star = w->in_name;
        if (w->in_glob == w->glob_end) /* it takes the rest of the label */
            w->in_name = w->name_end;
        return 0;
    }
    if (!is_glob_done && !is_name_done && wanted == given) {
        w->in_glob++;
        w->in_name++;
        return 0;
    }
    if (!w->after_star || is_name_done)
        return 1;
    w->taken_star++;
    w->in_name = w->taken_star;
    w->in_glob = w->after_star;
    return 0;
}

/* Both at the first label that is compared. */
static __always_inline void glob_start_walk(struct glob_walk *w, __u32 in_glob, __u32 in_name)
{
    w->in_glob = in_glob;
    w->glob_end = in_glob;
    w->in_name = in_name;
    w->name_end = in_name;
    w->phase = GLOB_WALK;
}

/* Behind `**`: as many of the name's labels are compared as the pattern has there; it must have one more. */
static __always_inline long glob_count(struct glob_walk *w, const struct glob *glob, const struct name *name)
{
    if (w->in_glob < glob->length) {
        w->in_glob += 1 + glob_byte(glob, w->in_glob);
        w->labels++;
        return 0;
    }
    if (w->labels >= name->labels)
        return 1;
    glob_start_walk(w, 3,
                    NSP_NAME_SIZE - name->length + name->starts[(name->labels - w->labels) & NSP_NAME_LABELS_MAX]);
    return 0;
}

/*
 * Begins to compare a pattern with a name, label by label; their last `same` bytes, whole labels without a `*`, are
 * known to be the same already. A first label `**` is one or more labels.
 */
static __always_inline void glob_begin(struct glob_walk *w, const struct glob *glob, const struct name *name,
                                       __u32 same)
{
    __builtin_memset(w, 0, sizeof(*w));
    w->same = same;
    w->in_glob = 3;
    if (glob->length <= 3 || glob_byte(glob, 0) != 2 || glob_byte(glob, 1) != '*' || glob_byte(glob, 2) != '*')
        glob_start_walk(w, 0, NSP_NAME_SIZE - name->length);
}

/* One step; 1: done, w->matches says how. A walk that takes too long is no match. */
static __always_inline long glob_advance(struct glob_walk *w, const struct glob *glob, const struct name *name)
{
    if (++w->steps > GLOB_STEPS_MAX)
        return 1;
    return w->phase == GLOB_COUNT ? glob_count(w, glob, name) : glob_compare(w, glob, name);
}

#ifndef __bpf__
static inline bool glob_matches(const struct glob *glob, const struct name *name)
{
    struct glob_walk w;

    glob_begin(&w, glob, name, 0);
    while (!glob_advance(&w, glob, name))
        ;
    return w.matches;
}
#endif

#endif
