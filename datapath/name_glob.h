/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Patterns with a `*` inside a label, or in place of one: what no hash can find. */
#ifndef NSP_DATAPATH_NAME_GLOB_H
#define NSP_DATAPATH_NAME_GLOB_H

#include "datapath/name.h"

#define GLOB_STEPS_MAX 4096 /* bytes looked at for one pattern; only many labels of near misses could need more */

/* Indices of bytes: of the pattern from its first, of the name in its text. */
struct glob_walk {
    const struct glob *glob;
    const struct name *name;
    __u32 same;                   /* bytes at the end of both that are known to be the same */
    __u32 in_glob, in_name;       /* the next byte */
    __u32 glob_end, name_end;     /* of their labels */
    __u32 after_star, taken_star; /* behind the label's last `*`, 0: none; what of the name it may still take */
    __u32 labels;                 /* of the pattern */
    __u32 matches;
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
static __always_inline long glob_enter_labels(struct glob_walk *w)
{
    __u32 glob_left = w->glob->length - w->in_glob, name_left = NSP_NAME_SIZE - w->in_name;

    if (glob_left == w->same || name_left == w->same) {
        w->matches = glob_left == name_left;
        return 1;
    }
    w->glob_end = w->in_glob + 1 + glob_byte(w->glob, w->in_glob);
    w->name_end = w->in_name + 1 + name_byte(w->name, w->in_name);
    w->in_glob++;
    w->in_name++;
    w->after_star = 0;
    return 0;
}

/* One byte further. A `*` takes nothing at first, and one byte more each time that what follows does not fit. */
static long glob_step(__u32 index, struct glob_walk *w)
{
    __u32 wanted = glob_byte(w->glob, w->in_glob), given = name_byte(w->name, w->in_name);
    bool is_glob_done = w->in_glob == w->glob_end, is_name_done = w->in_name == w->name_end;

    (void)index;
    if (is_glob_done && is_name_done)
        return glob_enter_labels(w);
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

static long glob_count_label(__u32 index, struct glob_walk *w)
{
    (void)index;
    if (w->in_glob >= w->glob->length)
        return 1;
    w->in_glob += 1 + glob_byte(w->glob, w->in_glob);
    w->labels++;
    return 0;
}

/*
 * Whether the pattern matches the name, label by label; their last `same` bytes, whole labels without a `*`, are known
 * to be the same already. A first label `**` is one or more labels. A walk that takes too long is no match.
 */
CHECKED_ALONE int glob_matches_before(const struct glob *glob, const struct name *name, __u32 same)
{
    if (!glob || !name)
        return 0;

    __u32 zero = name->length >> 8; /* unknown to the verifier */
    struct glob_walk w = {.glob = glob,
                          .name = name,
                          .same = same,
                          .in_glob = zero,
                          .in_name = NSP_NAME_SIZE - name->length,
                          .glob_end = zero,
                          .after_star = zero,
                          .taken_star = zero,
                          .labels = zero,
                          .matches = zero};

    if (glob->length > 3 && glob_byte(glob, 0) == 2 && glob_byte(glob, 1) == '*' && glob_byte(glob, 2) == '*') {
        w.in_glob = zero + 3;
        bpf_loop(NSP_NAME_LABELS_MAX, glob_count_label, &w, 0);
        if (w.labels >= name->labels)
            return 0;
        w.in_glob = zero + 3;
        w.in_name += name->starts[(name->labels - w.labels) & NSP_NAME_LABELS_MAX];
    }
    w.glob_end = w.in_glob;
    w.name_end = w.in_name;
    bpf_loop(GLOB_STEPS_MAX, glob_step, &w, 0);
    return w.matches;
}

static __always_inline bool glob_matches(const struct glob *glob, const struct name *name)
{
    return glob_matches_before(glob, name, 0);
}

#endif
