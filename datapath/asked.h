/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a flow asks for, as the parsers (dns.h, http.h, tls.h) found it and the rules (policy.h) judge it. */
#ifndef NSP_DATAPATH_ASKED_H
#define NSP_DATAPATH_ASKED_H

#include "datapath/portable.h"

/* The first line of an HTTP request. The words that hold a text are zero beyond its end. */
struct http_request {
    __u8 method[NSP_METHOD_MAX] __attribute__((aligned(8)));
    __u8 uri[NSP_URI_MAX]; /* what rules are compared with: origin-form, or its counterpart in absolute-form */
    __u16 uri_length;      /* may be larger than NSP_URI_MAX: then only the beginning is kept */
    __u8 method_length;    /* 1..NSP_METHOD_MAX */
    __u8 is_canonical;     /* no second reading of the uri is known (T66) */
    __u8 reserved[4];
};

/* One DNS query, HTTP request or ClientHello, or the first bytes of something else. Lives on the stack. */
struct asked {
    __u8 application; /* enum application */
    __u8 is_by_port;  /* by its port only: the content was not recognised */
    __u8 reason;      /* 0; or REASON_DNS_MESSAGE, _HTTP_AMBIGUOUS, _TLS_HELLO: it cannot be judged by a list */
    __u8 reserved;
    __u16 query_type;                   /* DNS, host byte order */
    const struct name *name;            /* DNS; HTTPS: NULL without a server name */
    const struct http_request *request; /* HTTP */
};

#endif
