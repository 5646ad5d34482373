/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the HTTP machine (http.h) remembers between two pieces of a stream, and how its parts read: eight bytes at a
 * time, as a little-endian word, because a step costs the same for one byte as for eight.
 */
#ifndef NSP_DATAPATH_HTTP_STATE_H
#define NSP_DATAPATH_HTTP_STATE_H

#include "datapath/asked.h"

#define HTTP_HEAD_MAX 65536     /* bytes of a head, or of the trailers of a chunked body */
#define HTTP_TARGET_MAX 32768   /* bytes of the uri */
#define HTTP_CHUNK_LINE_MAX 512 /* bytes of a chunk's size, its extensions and the end of that line */
#define HTTP_AUTHORITY_MAX 255
#define HTTP_BLANKS_MAX 2     /* empty lines before a request */
#define HTTP_LENGTH_DIGITS 18 /* of a Content-Length */
#define HTTP_CHUNK_DIGITS 15

enum http_result {
    HTTP_MORE = 0,   /* the chunk is used up */
    HTTP_LINE = 1,   /* `request` is complete and is to be judged; call again to go on */
    HTTP_HEAD = 2,   /* the head is complete */
    HTTP_SKIP = 3,   /* `skip` bytes follow that need not be read: the caller passes them over, then calls again */
    HTTP_BAD = 4,    /* ambiguous, or no HTTP/1; from now on always */
    HTTP_TUNNEL = 5, /* after CONNECT or Upgrade: what no server takes for HTTP/1; from now on always */
};

/* What is read next. */
enum http_step {
    HTTP_STEP_START = 0,
    HTTP_STEP_START_LF,
    HTTP_STEP_METHOD,
    HTTP_STEP_TARGET,
    HTTP_STEP_STAR,
    HTTP_STEP_SCHEME,
    HTTP_STEP_AUTHORITY,
    HTTP_STEP_CONNECT,
    HTTP_STEP_PATH,
    HTTP_STEP_PERCENT,
    HTTP_STEP_HEX_HIGH,
    HTTP_STEP_HEX_LOW,
    HTTP_STEP_TWICE_HIGH, /* after %25: would two more digits make it a percent-encoding? */
    HTTP_STEP_TWICE_LOW,
    HTTP_STEP_QUERY,
    HTTP_STEP_VERSION,
    HTTP_STEP_NAME,
    HTTP_STEP_FIELD, /* behind the colon */
    HTTP_STEP_VALUE,
    HTTP_STEP_VALUE_LF,
    HTTP_STEP_BLANK, /* before the value of a field that matters */
    HTTP_STEP_HOST,
    HTTP_STEP_LENGTH,
    HTTP_STEP_CODING,
    HTTP_STEP_TRAIL, /* after its value */
    HTTP_STEP_HEAD_LF,
    HTTP_STEP_BODY,
    HTTP_STEP_CHUNK_SIZE,
    HTTP_STEP_EXTENSION,
    HTTP_STEP_SIZE_LF,
    HTTP_STEP_CHUNK_CR,
    HTTP_STEP_CHUNK_LF,
    HTTP_STEP_NONE, /* no more */
};

enum http_flags {
    HTTP_HAS_HOST = 1,
    HTTP_HAS_LENGTH = 2,
    HTTP_HAS_CODING = 4,
    HTTP_HAS_UPGRADE = 8,
    HTTP_IS_ABSOLUTE = 16,
    HTTP_IS_CONNECT = 32,
    HTTP_IS_1_0 = 64,
    HTTP_IN_TRAILERS = 128,
};

/* All zero: the beginning of a connection. */
struct http_state {
    struct http_request request; /* valid from HTTP_LINE until the next call after the head and body */
    __u64 skip;                  /* with HTTP_SKIP; the caller's to count down */
    __u64 size;                  /* of the body, or of the chunk whose size is being read */
    __u32 room;                  /* bytes that the head, trailers or chunk line may still have */
    __u32 name_length;           /* of the field name; `name` keeps the beginning, folded */
    __u8 step;                   /* enum http_step */
    __u8 flags;                  /* enum http_flags, of this request */
    __u8 field;                  /* step that reads the value */
    __u8 count;                  /* characters read of a fixed text or a number */
    __u8 blanks;                 /* empty lines before this request */
    __u8 segment;                /* enum http_segment: where in a path segment the uri is */
    __u8 digit;                  /* first digit of a percent-encoding */
    __u8 may_tunnel;             /* a request had Upgrade or was CONNECT */
    __u8 authority_length;       /* of absolute-form */
    __u8 host_length;
    __u8 result; /* enum http_result of the step; kept here, and not in a register, for the verifier's sake */
    __u8 reserved[5];
    __u8 name[24] __attribute__((aligned(8)));
    __u8 authority[HTTP_AUTHORITY_MAX + 9]; /* folded */
};

/* One step: at most eight bytes, of which it takes some. */
struct http_item {
    __u64 word;  /* zero beyond `count` bytes */
    __u32 count; /* 1..8 */
    __u32 used;
};

/* Bit of each byte in http_classes. A zero byte, which ends a short word, is in all classes that stop something. */
enum http_class {
    HTTP_NOT_TOKEN = 0,
    HTTP_PATH_STOP = 1,   /* <= 0x20, 0x7f, % ? */
    HTTP_QUERY_STOP = 2,  /* <= 0x20, 0x7f */
    HTTP_SLASH = 3,       /* / */
    HTTP_DOT = 4,         /* . */
    HTTP_SEGMENT_END = 5, /* what ends a "." or ".." in somebody's eyes: / ; ? % and the blank */
    HTTP_ODD = 6,         /* # \ and >= 0x80: not to be in a uri */
    HTTP_NOT_HOST = 7,    /* other than letters, digits, - . _ : [ ] */
};

#define HTTP_CONTROL 0x87 /* not token, path stop, query stop, not host */
#define HTTP_OTHER 0x81   /* not token, not host */
#define HTTP_SYMBOL 0x80  /* a token, not host */
#define HTTP_FOREIGN 0xc1 /* not token, odd, not host */
#define HTTP_BRACKET 0x01 /* not token */
#define HTTP_ROW(x) x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x

static const __u8 http_classes[256] = {
    /* clang-format off */
    HTTP_ROW(HTTP_CONTROL), HTTP_ROW(HTTP_CONTROL),
    /*   ! " # $ % & ' */ 0xa7, 0x80, 0x81, 0xc0, 0x80, 0xa2, 0x80, 0x80,
    /* ( ) * + , - . / */ 0x81, 0x81, 0x80, 0x80, 0x81, 0x00, 0x10, 0xa9,
    /* 0 to 7          */ 0, 0, 0, 0, 0, 0, 0, 0,
    /* 8 9 : ; < = > ? */ 0, 0, 0x01, 0xa1, 0x81, 0x81, 0x81, 0xa3,
    /* @ A to G        */ 0x81, 0, 0, 0, 0, 0, 0, 0,
    /* H to O          */ 0, 0, 0, 0, 0, 0, 0, 0,
    /* P to W          */ 0, 0, 0, 0, 0, 0, 0, 0,
    /* X Y Z [ \ ] ^ _ */ 0, 0, 0, 0x01, 0xc1, 0x01, 0x80, 0x00,
    /* ` a to g        */ 0x80, 0, 0, 0, 0, 0, 0, 0,
    /* h to o          */ 0, 0, 0, 0, 0, 0, 0, 0,
    /* p to w          */ 0, 0, 0, 0, 0, 0, 0, 0,
    /* x y z { | } ~   */ 0, 0, 0, 0x81, 0x80, 0x81, 0x80, HTTP_CONTROL,
    HTTP_ROW(HTTP_FOREIGN), HTTP_ROW(HTTP_FOREIGN), HTTP_ROW(HTTP_FOREIGN), HTTP_ROW(HTTP_FOREIGN),
    HTTP_ROW(HTTP_FOREIGN), HTTP_ROW(HTTP_FOREIGN), HTTP_ROW(HTTP_FOREIGN), HTTP_ROW(HTTP_FOREIGN),
    /* clang-format on */
};

#define HTTP_ONES 0x0101010101010101ULL

/* The classes of a word's bytes, each in its place. */
static __always_inline __u64 http_classify(__u64 word)
{
    return (__u64)http_classes[word & 0xff] | (__u64)http_classes[word >> 8 & 0xff] << 8 |
           (__u64)http_classes[word >> 16 & 0xff] << 16 | (__u64)http_classes[word >> 24 & 0xff] << 24 |
           (__u64)http_classes[word >> 32 & 0xff] << 32 | (__u64)http_classes[word >> 40 & 0xff] << 40 |
           (__u64)http_classes[word >> 48 & 0xff] << 48 | (__u64)http_classes[word >> 56] << 56;
}

/* Bit 8i: whether byte i is in the class. */
static __always_inline __u64 http_in_class(__u64 classes, int class)
{
    return classes >> class & HTTP_ONES;
}

/* The bytes below the lowest of such bits; all eight when there is none. */
static __always_inline __u64 http_below(__u64 bits)
{
    return (bits & -bits) - 1;
}

/* How many bytes that are. */
static __always_inline __u32 http_span(__u64 bits)
{
    return (http_below(bits) & HTTP_ONES) * HTTP_ONES >> 56;
}

/* ASCII letters to lower case; the classes have left nothing else that would become a letter or a dash. */
static __always_inline __u64 http_fold(__u64 word)
{
    return word | 0x20 * HTTP_ONES;
}

/* Bit 8i: whether byte i is from `first` to `last`, which are below 0x80. */
static __always_inline __u64 http_between(__u64 word, __u8 first, __u8 last)
{
    __u64 low = word & 0x7f * HTTP_ONES;

    return ((low + (0x80 - first) * HTTP_ONES) & ~(low + (0x7f - last) * HTTP_ONES) & ~word) >> 7 & HTTP_ONES;
}

/* `i` below item->count. */
static __always_inline __u8 http_byte(const struct http_item *item, __u32 i)
{
    return item->word >> (8 * i & 63);
}

/*
 * How many bytes at the beginning of a word are in order, and a mask of them. `usual` has those that usual texts are
 * made of. A rarer one that is allowed all the same, the table knows it, ends the item, not the text.
 */
static __always_inline __u32 http_scan(struct http_item *item, __u64 usual, int excluded, __u64 *below)
{
    __u64 stops = ~usual & HTTP_ONES;
    __u32 span = http_span(stops);

    *below = http_below(stops);
    if (span < item->count && !(http_classes[http_byte(item, span)] >> excluded & 1)) {
        *below = *below << 8 | 0xff;
        item->count = ++span;
    }
    return span;
}

/* What host names and addresses are usually made of. */
static __always_inline __u64 http_usual_host(__u64 word)
{
    return http_between(http_fold(word), 'a', 'z') | (http_between(word, '-', ':') & ~http_between(word, '/', '/'));
}

/* Letter i of a short text that is kept as a word. */
static __always_inline __u8 http_letter(__u64 text, __u32 i)
{
    return text >> (8 * i & 63);
}

/* Writes a word's bytes behind the first `length` of a text that has room for `size`; what is too much is left out. */
static __always_inline void http_put(__u8 *text, __u32 size, __u32 length, __u64 word)
{
    __u32 last = size - 8, shift;

    if (length <= last) {
        store_word(text + length, word);
    } else if (length < size) {
        shift = 8 * (length - last) & 63;
        store_word(text + last, (load_word(text + last) & ((1ULL << shift) - 1)) | word << shift);
    }
}

/* Ends everything, whatever a step does after it. */
static __always_inline void http_refuse(struct http_state *h)
{
    h->result = HTTP_BAD;
}

static __always_inline bool http_is_blank(__u8 byte)
{
    return byte == ' ' || byte == '\t';
}

/* A line ends as it must, or not at all. What follows may get room of its own: this byte needs some of the old. */
static __always_inline void http_read_lf(struct http_state *h, struct http_item *item, int next)
{
    if (http_byte(item, 0) != '\n' || h->room == 0) {
        http_refuse(h);
        return;
    }
    item->used = 1;
    h->step = next;
}

/* Value of a hexadecimal digit; 16: it is none. */
static __always_inline __u32 http_hex(__u8 byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : 16;
}

#endif
