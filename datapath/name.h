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

/* control.text_key, as an argument that the verifier knows the size of. */
struct text_keys {
    __u32 words[NSP_TEXT_KEY_WORDS];
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

/* The word of a right-aligned text of which only the last `left` bytes (1..7) belong to it. */
static __always_inline __u64 name_last_bytes(__u64 word, __u32 left)
{
    __u32 shift = 64 - 8 * left;

    return word >> shift << shift;
}

/* Where word `index` (below NAME_WORDS) of a text is, counted from its end: the last one of NAME_WORDS is at 0. */
static __always_inline __u32 name_word_at(__u32 index)
{
    return 8 * (index ^ (NAME_WORDS - 1));
}

/* Folds, keeps and hashes one word of a name. */
static __always_inline void name_take_word(struct name *name, __u64 hash[4], const __u32 *keys, __u32 index, __u64 word)
{
    word = name_fold_word(word);
    store_word(name->text + name_word_at(index), word);
    text_hash_word(hash, keys, index, word);
}

/*
 * Text and hash of a name whose length and starts are known, and which ends before bytes[end]. Its beginning, which may
 * be less than a word, comes first.
 */
CHECKED_ALONE int name_take_words(struct name *name, const struct dns_message *message, __u32 end,
                                  const struct text_keys *keys)
{
    const __u32 last = sizeof(message->bytes) - 8;
    __u64 hash[4] = {0};
    __u32 words, left, first;

    if (!name || !message || !keys)
        return 0;
    words = settled(name->length / 8 & (NAME_WORDS - 1));
    left = name->length % 8;
    __builtin_memset(name->text, 0, sizeof(name->text));
    first = settled(end - 8 - 8 * words); /* a name never begins before bytes[8] */
    if (left && first <= last)
        name_take_word(name, hash, keys->words, words, name_last_bytes(load_word(message->bytes + first), left));
    for (__u32 i = 0; i < NAME_WORDS && i < words; i++) {
        __u32 at = settled(end - 8 - 8 * i);

        if (at > last)
            break;
        name_take_word(name, hash, keys->words, i, load_word(message->bytes + at));
    }
    __builtin_memcpy(name->hash, hash, sizeof(hash));
    return 0;
}

static __always_inline void name_clear(struct name *name)
{
    __builtin_memset(name, 0, offsetof(struct name, starts));
}

/*
 * Reads the name at bytes[from], DNS_HEADER_SIZE or more, which has no pointers: a question's. Returns where it ends in
 * the message, 0 if it is none.
 */
CHECKED_ALONE __u32 name_read(struct dns_message *message, __u32 from, struct name *name, const struct text_keys *keys)
{
    __u32 at = from, labels, end;

    if (!message || !name || !keys)
        return 0;
    end = from + NAME_LENGTH_MAX + 1; /* the root stands before it */
    if (end > message->length)
        end = message->length;
    for (labels = 0; labels <= NSP_NAME_LABELS_MAX; labels++) {
        __u32 size = at < end ? message->bytes[at & (DNS_MESSAGE_MAX - 1)] : NAME_LABEL_SIZE;

        if (size >= NAME_LABEL_SIZE)
            return 0;
        if (!size)
            break;
        name->starts[labels & NSP_NAME_LABELS_MAX] = at - from;
        at += size + 1;
    }
    if (labels > NSP_NAME_LABELS_MAX)
        return 0;
    name_clear(name);
    name->length = at - from;
    name->labels = labels;
    name_take_words(name, message, at, keys);
    return at + 1;
}

/* --- names with pointers ------------------------------------------------------------------------------------------ */

struct name_reading {
    struct dns_message *message;
    struct name *name;
};

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
CHECKED_ALONE __u32 name_read_compressed(struct dns_message *message, __u32 from, struct name *name,
                                         const struct text_keys *keys)
{
    struct name_reading r = {.message = message, .name = name};

    if (!message || !name || !keys)
        return 0;
    name_clear(name);
    message->at = from;
    message->floor = from;
    message->pointers = 0;
    message->is_whole = 0;
    bpf_loop(NSP_NAME_LABELS_MAX + NAME_POINTERS_MAX + 1, name_copy_label, &r, 0);
    if (!message->is_whole)
        return 0;
    name_take_words(name, message, DNS_MESSAGE_MAX + name->length, keys);
    return message->end;
}

/* --- the hash of a name's end ------------------------------------------------------------------------------------- */

/* Fills the length and the hash of the last `labels` labels, at most name->labels, into `key`. */
static __always_inline void name_hash_end(const struct name *name, __u32 labels, const struct text_keys *keys,
                                          struct text_key *key)
{
    __u32 length = name->length, words, left;

    if (labels < name->labels)
        length -= labels ? name->starts[(name->labels - labels) & NSP_NAME_LABELS_MAX] : length;
    key->length = length;
    __builtin_memset(key->hash, 0, sizeof(key->hash)); /* summed up there: the stack has no room */
    words = settled(length / 8 & (NAME_WORDS - 1));
    left = length % 8;
    if (left)
        text_hash_word(key->hash, keys->words, words,
                       name_last_bytes(load_word(name->text + name_word_at(words)), left));
    for (__u32 i = 0; i < NAME_WORDS && i < words; i++)
        text_hash_word(key->hash, keys->words, i, load_word(name->text + name_word_at(i)));
}

CHECKED_ALONE int name_end_hash(const struct name *name, __u32 labels, const struct text_keys *keys,
                                struct text_key *key)
{
    if (name && keys && key)
        name_hash_end(name, labels, keys, key);
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
    struct text_key whole = {0};

    name_clear(name);
    __builtin_memset(name->text, 0, sizeof(name->text));
    if (!length || length > NAME_TEXT_MAX)
        return 0;
    bpf_loop(length + 1, name_spell, &s, 0);
    if (name->length != length + 1)
        return 0;
    name_end_hash(name, name->labels, (const struct text_keys *)key, &whole);
    __builtin_memcpy(name->hash, whole.hash, sizeof(whole.hash));
    return 1;
}

#endif
