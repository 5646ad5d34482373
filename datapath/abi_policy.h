/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A part of abi.h, which includes it: what compiled profiles say, as policyd writes it and the kernel looks it up. */
#ifndef NSP_DATAPATH_ABI_POLICY_H
#define NSP_DATAPATH_ABI_POLICY_H

#include <linux/types.h>

/* nsp_revisions[policy]: the revision in force; 0 = none. One 8-byte store publishes a new one for all its pods. */

/* nsp_blocks: what a policy says of an executable. */
struct block_key {
    __u64 revision;
    __u8 path[16]; /* path_hash(), or one of the two below */
};
#define BLOCK_UNLISTED 0x00 /* all 16 bytes: executables that no block lists */
#define BLOCK_DEFAULT 0xff  /* all 16 bytes: packets that no process owns */

enum action {
    ACTION_IGNORE = 0,
    ACTION_ALERT = 1,
    ACTION_ENFORCE = 2,
};

enum part_flags {
    PART_IMAGE_ONLY = 1, /* refuses an executable that is not from the image's layers */
    PART_TRACE_DNS = 2,  /* an event for each DNS query and answer */
    PART_LEARN = 4,      /* each new flow, name and request is recorded once */
};

enum attacks {
    ATTACK_ARP_SPOOFING = 1,
    ATTACK_ND_SPOOFING = 2,
    ATTACK_IP_SPOOFING = 4,
    ATTACK_RAW_SOCKET = 8,
};

/* One profile's share in a block. What the enforcing parts allow is joined, and so is what the alerting parts allow. */
struct part {
    __u32 rules[DIRECTIONS]; /* index of nsp_rules; 0 allows nothing */
    __u64 container;         /* container_hash() of the only container it is for; 0: all */
    __u8 action;             /* enum action */
    __u8 profile;            /* index into the policy's list of profiles (user space knows it by the revision) */
    __u16 process;           /* index into spec.processes; 0xffff: none */
    __u8 flags;              /* enum part_flags */
    __u8 attacks;            /* enum attacks: what its profile wants detected */
    __u16 reserved;
};

enum block_flags {
    BLOCK_READS_DNS = 1, /* some part has fqdns, traces or learns: DNS is read even where no rule judges it */
    BLOCK_TRACES = 2,    /* some part has PART_TRACE_DNS */
    BLOCK_LEARNS = 4,    /* some part has PART_LEARN */
    BLOCK_ATTACKS = 8,   /* some part wants attacks detected */
};

struct block {
    __u32 count; /* parts in use */
    __u32 flags; /* enum block_flags */
    struct part parts[NSP_PARTS_MAX];
};

/* nsp_rules[id]: the layers of one RULES object, all of which must allow. */
enum rules_flags {
    RULES_PRESENT = 1,        /* clear: there is no such RULES object, nothing is allowed */
    RULES_ANY4 = 2,           /* 0.0.0.0/0 */
    RULES_ANY6 = 4,           /* ::/0 */
    RULES_CIDRS = 8,          /* nsp_cidrs[id] holds prefixes */
    RULES_FQDNS = 0x10,       /* names in nsp_texts, list LIST_FQDNS */
    RULES_FQDNS_ALL = 0x20,   /* one of them is `*` */
    RULES_POD_NAMES = 0x40,   /* nameScope: pod: also what other blocks with this flag have learnt */
    RULES_L7 = 0x80,          /* there is an l7 key */
    RULES_L7_ANY = 0x100,     /* l7.protocols has any, ... */
    RULES_L7_DNS = 0x200,     /* dns, ... */
    RULES_L7_HTTP = 0x400,    /* http, ... */
    RULES_L7_HTTPS = 0x800,   /* https */
    RULES_DNS_LIST = 0x1000,  /* there is an l7.dns key, maybe an empty one */
    RULES_DNS_ALL = 0x2000,   /* one of its names is `*` */
    RULES_HTTP_LIST = 0x4000, /* there is an l7.http key, maybe an empty one */
    RULES_INSPECT = 0x8000,   /* what a flow carries must be judged: an l7 key that does not allow all */
};
enum l3_bits {
    L3_IPV4 = 1,
    L3_IPV6 = 2,
    L3_ARP = 4,
};

struct rules {
    __u32 flags;        /* enum rules_flags */
    __u32 l3;           /* enum l3_bits */
    __u64 protocols[4]; /* bit p: protocol p, any port */
    __u64 ported[4];    /* bit p: protocol p has entries in nsp_ports */
    __u32 port_lengths; /* bit n (0..16): nsp_ports has prefixes of n bits */
    __u32 prefix_count; /* of prefix_lengths */
    struct name_list {
        /* bit n: nsp_texts has patterns of this kind whose literal end has n labels */
        __u64 one_label;                    /* *.x */
        __u64 labels;                       /* **.x */
        __u64 globs;                        /* a `*` inside or in place of a label */
    } names[2];                             /* LIST_FQDNS, LIST_DNS */
    __u16 prefix_lengths[NSP_PREFIXES_MAX]; /* bytes of the uris that end in `*`, without it; ascending */
};

/*
 * nsp_texts: names and requests that a rule set lists, by their keyed hash (text_hash.h). Names are hashed as on the
 * wire, folded, without the root's zero; the key of a pattern is its literal end.
 */
enum text_list {
    LIST_FQDNS = 0,
    LIST_DNS = 1,
    LIST_HTTP = 2,
};
enum text_kind {
    TEXT_WHOLE = 0,     /* the name; the method and the uri */
    TEXT_ONE_LABEL = 1, /* *.x: the hash is that of x */
    TEXT_LABELS = 2,    /* **.x */
    TEXT_GLOB = 3,      /* struct text says which of nsp_globs to try */
    TEXT_PREFIX = 4,    /* uri with a `*` at its end: the hash is of the method and of what stands before it */
};
struct text_key {
    __u32 rules;
    __u8 list;    /* enum text_list */
    __u8 kind;    /* enum text_kind */
    __u16 length; /* bytes of the name's end, or of the uri; | TEXT_ANY_METHOD */
    __u64 hash[4];
};
#define TEXT_ANY_METHOD 0x8000 /* the entry's method is `*`: it is not in the hash */
struct text {
    __u32 first; /* TEXT_GLOB: nsp_globs[first .. first + count - 1]; else 0 */
    __u32 count; /* at most NSP_GLOBS_PER_END */
};
#define NSP_GLOBS_PER_END 16 /* patterns of one list with the same literal end */

/* nsp_globs[i]: a pattern as on the wire: labels with their length first, folded, a `*` in a label for any text. */
struct glob {
    __u8 length; /* bytes of text, which is left-aligned */
    __u8 text[NSP_NAME_SIZE - 1];
};

/* nsp_ports: a port range as prefixes of its 16 bits (8000-8099 is three of them). */
struct port_key {
    __u32 rules;
    __u16 port;  /* host byte order, low bits beyond `length` zero */
    __u8 length; /* 0..16 */
    __u8 protocol;
};

/* nsp_cidrs[rules id]: LPM trie of addresses; an IPv4 prefix /n has prefix_length 96+n. The value is one byte, 1. */
struct cidr_key {
    __u32 prefix_length;
    __u8 address[16];
};

/* nsp_policies[policy]: what sync wrote, so that a restarted policyd finds it again. The kernel does not read it. */
struct policy {
    __u64 revision;
    __u8 name[32];     /* digest of the names of its profiles */
    __u8 content[32];  /* digest of what was compiled */
    __u32 first_rules; /* its rule sets are first_rules .. first_rules + rules_count - 1 */
    __u32 rules_count;
};

#endif
