/* SPDX-License-Identifier: Apache-2.0 */
/* The words of DNS numbers (IANA's registries), as dig and Hubble write them. Pure. */
#ifndef NSP_LIB_DNS_WORDS_H
#define NSP_LIB_DNS_WORDS_H

#define DNS_WORD_SIZE 16

/* "A", "AAAA", …; one without a word here: "TYPE4711" (RFC 3597). */
const char *dns_words_type(unsigned int type, char text[DNS_WORD_SIZE]);
/* "NOERROR", "NXDOMAIN", …; else "RCODE13". */
const char *dns_words_rcode(unsigned int rcode, char text[DNS_WORD_SIZE]);

#endif
