/* SPDX-License-Identifier: Apache-2.0 */
/* The words of abi.h's numbers, as events and status use them. Pure. */
#ifndef NSP_POLICYD_WORDS_H
#define NSP_POLICYD_WORDS_H

/* "DROPPED", "AUDIT", …; a number out of range: "VERDICT_UNKNOWN". */
const char *words_verdict(unsigned int verdict);
/* -1 if it is none. */
int words_find_verdict(const char *word);
/* "unknown_binary", …; out of range: "unknown". */
const char *words_reason(unsigned int reason);
/* -1 if it is none. */
int words_find_reason(const char *word);
/* Hubble's drop_reason_desc for our finer reason. */
const char *words_drop_reason(unsigned int reason);
/* "EGRESS", "INGRESS". */
const char *words_direction(unsigned int direction);
/* "sock_create", "connect", …; out of range: "unknown". */
const char *words_hook(unsigned int hook);
/* "none", "dns", "http", "https"; out of range: "unknown". */
const char *words_application(unsigned int application);
/* "ignore", "alert", "enforce". */
const char *words_action(unsigned int action);
/* The same, but "learn" or "trace-dns" for what only tells. flags: enum part_flags. */
const char *words_mode(unsigned int action, unsigned int flags);

#endif
