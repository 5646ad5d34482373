/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bytes of a flow in order, to http.h, tls.h and dns.h. */
#ifndef NSP_DATAPATH_STREAM_H
#define NSP_DATAPATH_STREAM_H

#include "datapath/maps.h"

struct stream_state {
    __u32 next[DIRECTIONS];
};

/* Private to the programs. Not cloned: a child's stream begins with it. */
struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct stream_state);
} NSP_MAP(nsp_streams);

#endif
