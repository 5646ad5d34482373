/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * DNS names: from a message or a host name's text to struct name, and the hash of a name's end. A name is a sequence of
 * wire labels, ASCII case folded, right-aligned in its text, so that the hash of its last labels is a sum over the same
 * words for whatever stands before them.
 *
 * What a bpf_loop callback changes is kept in map memory, or starts from a value that the verifier cannot know: before
 * Linux 6.7 it believes that a callback runs once, and cuts off the branches that only later rounds take.
 */
#ifndef NSP_DATAPATH_NAME_H
#define NSP_DATAPATH_NAME_H

#include "datapath/portable.h"
#include "datapath/text_hash.h"

#define DNS_MESSAGE_MAX 4096
#define DNS_HEADER_SIZE 12
#define NAME_LENGTH_MAX (NSP_NAME_SIZE - 2) /* bytes on the wire, without the root's zero: RFC 1035 2.3.4 */
#define NAME_LABEL_SIZE 64                  /* with its length byte */
#define NAME_TEXT_MAX (NAME_LENGTH_MAX - 1) /* characters of a host name */
#define NAME_POINTERS_MAX 10
#define NAME_WORDS (NSP_NAME_SIZE / 8)

/* A DNS message, copied out of packets. In map memory: too large for the stack. */
struct dns_message {
    __u32 length; /* 0..DNS_MESSAGE_MAX: set by the caller */
    /* The rest, up to bytes, is the parser's own. */
    __u16 at;    /* of the label that is read */
    __u16 floor; /* where the run of labels begins that it belongs to: a pointer must lead before it */
    __u16 end;   /* of the name in the message: behind its root, or its first pointer */
    __u8 pointers;
    __u8 is_whole; /* the name has come to its root */
    __u16 record;  /* where the next record begins */
    __u16 reserved;
    __u8 bytes[DNS_MESSAGE_MAX + 320]; /* the message; beyond it, the labels of a compressed name in a row */
};

struct name_reading {
    struct dns_message *message;
    struct name *name;
    const __u32 *key;
    __u32 from; /* where it begins in bytes, all labels in a row */
};

/* Lowers A-Z in eight bytes at once. Lengths of labels are not letters: they are below 64. */
static __always_inline __u64 name_fold_word(__u64 word)
{
    const __u64 ones = 0x0101010101010101ULL;
    __u64 low = word & (ones * 0x7f);
    __u64 from_a = low + ones * (0x80 - 'A');
    __u64 beyond_z = low + ones * (0x80 - 'Z' - 1);

    return word | ((from_a & ~beyond_z & ~word & (ones * 0x80)) >> 2);
}

/* The word of a right-aligned text of which only the last `left` bytes (1 or more) belong to it. */
static __always_inline __u64 name_last_bytes(__u64 word, __u32 left)
{
    __u32 shift = left < 8 ? 64 - 8 * left : 0;

    return word >> shift << shift;
}

/* Where word `index` (below NAME_WORDS) of a text is, counted from its end: the last one of NAME_WORDS is at 0. */
static __always_inline __u32 name_word_at(__u32 index)
{
    return 8 * (index ^ (NAME_WORDS - 1));
}

static long name_read_word(__u32 index, struct name_reading *r)
{
    struct name *name = r->name;
    __u32 left = name->length - 8 * index;
    __u32 at = r->from + left - 8;

    if (index >= NAME_WORDS || at > sizeof(r->message->bytes) - 8)
        return 1;

    __u64 word = name_last_bytes(name_fold_word(load_word(r->message->bytes + at)), left);

    store_word(name->text + name_word_at(index), word);
    text_hash_word(name->hash, r->key, index, word);
    return 0;
}

/* Text and hash of a name whose length and starts are known. Its labels do not begin before bytes[8]. */
static __always_inline void name_read_words(struct name_reading *r)
{
    __builtin_memset(r->name->text, 0, sizeof(r->name->text));
    bpf_loop((r->name->length + 7) / 8, name_read_word, r, 0);
}

static __always_inline void name_clear(struct name *name)
{
    __builtin_memset(name, 0, offsetof(struct name, starts));
}

/* Notes a label of `size` bytes with its length; false: the name gets too long. */
static __always_inline bool name_add_label(struct name *name, __u32 size)
{
    __u32 length = name->length + size;

    if (length > NAME_LENGTH_MAX)
        return false;
    name->starts[name->labels & NSP_NAME_LABELS_MAX] = name->length;
    name->labels++;
    name->length = length;
    return true;
}

static long name_read_label(__u32 index, struct name_reading *r)
{
    struct dns_message *message = r->message;
    __u32 at = r->from + r->name->length;

    (void)index;
    if (at >= message->length || at >= DNS_MESSAGE_MAX)
        return 1;

    __u32 size = message->bytes[at];

    if (!size)
        message->is_whole = 1;
    return !size || size >= NAME_LABEL_SIZE || !name_add_label(r->name, size + 1);
}

/*
 * Reads the name at bytes[from], DNS_HEADER_SIZE or more, which has no pointers: a question's. Returns where it ends in
 * the message, 0 if it is none. key: control.text_key.
 */
SUBPROGRAM __u32 name_read(struct dns_message *message, __u32 from, struct name *name, const __u32 *key)
{
    struct name_reading r = {.message = message, .name = name, .key = key, .from = from};

    name_clear(name);
    message->is_whole = 0;
    bpf_loop(NSP_NAME_LABELS_MAX + 1, name_read_label, &r, 0);
    if (!message->is_whole)
        return 0;
    name_read_words(&r);
    return from + name->length + 1;
}

/* A pointer leads before the run of labels that it ends, or the name would never end. */
static __always_inline bool name_follow(struct dns_message *message, __u32 at)
{
    __u32 to = (message->bytes[at] & 0x3f) << 8 | message->bytes[at + 1];

    if (at + 2 > message->length || to >= message->floor || to < DNS_HEADER_SIZE ||
        message->pointers >= NAME_POINTERS_MAX)
        return false;
    if (!message->pointers++)
        message->end = at + 2;
    message->at = to;
    message->floor = to;
    return true;
}

static long name_copy_label(__u32 index, struct name_reading *r)
{
    struct dns_message *message = r->message;
    __u32 at = message->at, to = DNS_MESSAGE_MAX + r->name->length;

    (void)index;
    if (at >= message->length || at >= DNS_MESSAGE_MAX || to > DNS_MESSAGE_MAX + NAME_LENGTH_MAX)
        return 1;

    __u32 size = message->bytes[at];

    if (size >= 0xc0)
        return !name_follow(message, at);
    if (!size && !message->pointers)
        message->end = at + 1;
    if (!size)
        message->is_whole = 1;
    if (!size || size >= NAME_LABEL_SIZE || at + size >= message->length || !name_add_label(r->name, size + 1))
        return 1;
    message->at = at + size + 1;
    for (int i = 0; i < NAME_LABEL_SIZE; i += 8)
        store_word(message->bytes + to + i, load_word(message->bytes + at + i));
    return 0;
}

/* The same for a name that may have pointers. It is written out behind the message first. */
SUBPROGRAM __u32 name_read_compressed(struct dns_message *message, __u32 from, struct name *name, const __u32 *key)
{
    struct name_reading r = {.message = message, .name = name, .key = key, .from = DNS_MESSAGE_MAX};

    name_clear(name);
    message->at = from;
    message->floor = from;
    message->pointers = 0;
    message->is_whole = 0;
    bpf_loop(NSP_NAME_LABELS_MAX + NAME_POINTERS_MAX + 1, name_copy_label, &r, 0);
    if (!message->is_whole)
        return 0;
    name_read_words(&r);
    return message->end;
}

/* --- the hash of a name's end ------------------------------------------------------------------------------------- */

struct name_hashing {
    const struct name *name;
    const __u32 *key;
    __u64 *hash;
    __u32 length;
};

static long name_hash_word(__u32 index, struct name_hashing *h)
{
    __u32 left = h->length - 8 * index;

    if (index >= NAME_WORDS)
        return 1;
    text_hash_word(h->hash, h->key, index, name_last_bytes(load_word(h->name->text + name_word_at(index)), left));
    return 0;
}

/* The hash and the length of the last `labels` labels, at most name->labels. */
SUBPROGRAM int name_end_hash(const struct name *name, __u32 labels, const __u32 *key, __u64 hash[4], __u16 *length)
{
    __u32 start = labels ? name->starts[(name->labels - labels) & NSP_NAME_LABELS_MAX] : name->length;
    struct name_hashing h = {.name = name, .key = key, .hash = hash, .length = name->length - start};

    __builtin_memset(hash, 0, 4 * sizeof(*hash));
    *length = h.length;
    bpf_loop((h.length + 7) / 8, name_hash_word, &h, 0);
    return 0;
}

/* --- host names --------------------------------------------------------------------------------------------------- */

struct name_spelling {
    struct name *name;
    const __u8 *text;
    __u32 length;
};

/* A letter or digit, lowered, or - or _; 0 for all else. */
static __always_inline __u32 host_character(__u32 c)
{
    if (c - 'A' <= 'Z' - 'A')
        return c + 'a' - 'A';
    return c - 'a' <= 'z' - 'a' || c - '0' <= '9' - '0' || c == '-' || c == '_' ? c : 0;
}

/* The character at `index`; the end of the text ends a label like a dot. name->length: where the label began. */
static long name_spell(__u32 index, struct name_spelling *s)
{
    struct name *name = s->name;
    __u32 first = NSP_NAME_SIZE - 1 - s->length, begun = name->length;
    __u32 c = s->text[index & (NSP_NAME_SIZE - 1)];

    if (index < s->length && c != '.') {
        c = host_character(c);
        name->text[(first + 1 + index) & (NSP_NAME_SIZE - 1)] = c;
        return !c;
    }

    __u32 size = index + 1 - begun; /* with its length byte */

    if (size < 2 || size > NAME_LABEL_SIZE)
        return 1;
    name->text[(first + begun) & (NSP_NAME_SIZE - 1)] = size - 1;
    return !name_add_label(name, size);
}

/*
 * Makes a name of a host name's text, which stands in a buffer of NSP_NAME_SIZE bytes: letters, digits, - and _ in
 * labels of 1 to 63, between dots, none at the end. 1, or 0 if it is no such thing.
 */
SUBPROGRAM int name_from_text(struct name *name, const __u8 *text, __u32 length, const __u32 *key)
{
    struct name_spelling s = {.name = name, .text = text, .length = length};
    __u16 hashed;

    name_clear(name);
    __builtin_memset(name->text, 0, sizeof(name->text));
    if (!length || length > NAME_TEXT_MAX)
        return 0;
    bpf_loop(length + 1, name_spell, &s, 0);
    if (name->length != length + 1)
        return 0;
    name_end_hash(name, name->labels, key, name->hash, &hashed);
    return 1;
}

#endif
