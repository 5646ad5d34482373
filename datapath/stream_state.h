/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is remembered of a TCP connection that is read (stream.h), in storage of its socket. */
#ifndef NSP_DATAPATH_STREAM_STATE_H
#define NSP_DATAPATH_STREAM_STATE_H

#include "datapath/http.h"
#include "datapath/maps.h"
#include "datapath/recognise.h"

#define WAITED_MAX 200 /* segments that had to wait in a row, before the connection is given up */

/* One side's bytes. */
struct stream_side {
    __u32 next;        /* sequence number of the first byte that has not been read */
    __u32 opaque_from; /* is_opaque: from here on up to `next` it does not matter what the bytes are */
    __u8 is_known;
    __u8 is_opaque;
    __u8 waited; /* segments that repeat what may have changed, or left out some of it, since one was read */
    __u8 reserved;
};

struct stream_state {
    __u64 judged_revision;                /* is_done: the revision in which what the connection is was last allowed */
    __u64 skip;                           /* body bytes of the opener's side that follow */
    struct stream_side sides[DIRECTIONS]; /* index: who sends; EGRESS: the pod */
    struct first_bytes first;
    __u8 application; /* enum application; NONE: not recognised yet */
    __u8 is_by_port;
    __u8 is_done;  /* nothing more is read, only judged again when the revision changes */
    __u8 reason;   /* is_done: as in struct asked */
    __u8 replayed; /* bytes of `first` that have been read */
    __u8 has_name; /* is_done, HTTPS: `name` is the server's */
    __u8 opener;   /* enum direction: who opened the connection */
    __u8 reserved;
    struct name name;
    union {
        struct http_state http;
        struct tls_state tls;
    };
};

/* Private to the programs. Not cloned: a child's stream begins with it. */
struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct stream_state);
} NSP_MAP(nsp_streams);

/* DNS over TCP: a message of each side, as far as it has come. In a map of its own, since few connections need it. */
#define STREAM_QUERY_MAX DNS_QUERY_MAX
struct stream_messages {
    struct {
        __u32 wanted; /* its length, once got is 2 or more */
        __u32 got;    /* with the 2 bytes of its length */
    } sides[DIRECTIONS];
    __u8 bytes[STREAM_QUERY_MAX + DNS_MESSAGE_MAX]; /* the query, then the answer */
};

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct stream_messages);
} NSP_MAP(nsp_messages);

#endif
