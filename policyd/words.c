/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of words: see words.h. Verdicts and drop reasons are Hubble's (flow.proto). */
#include "policyd/words.h"

#include <stddef.h>
#include <string.h>

#include "datapath/abi.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const verdicts[] = {
    [VERDICT_UNKNOWN] = "VERDICT_UNKNOWN", [VERDICT_FORWARDED] = "FORWARDED", [VERDICT_DROPPED] = "DROPPED",
    [VERDICT_IGNORED] = "IGNORED",         [VERDICT_AUDIT] = "AUDIT",         [VERDICT_TRACED] = "TRACED",
};

static const char *const reasons[REASONS] = {
    [REASON_NONE] = "none",
    [REASON_PENDING] = "pending",
    [REASON_UNKNOWN_BINARY] = "unknown_binary",
    [REASON_UNTRUSTED_BINARY] = "untrusted_binary",
    [REASON_NO_DEFAULT] = "no_default",
    [REASON_L3_PROTOCOL] = "l3_protocol",
    [REASON_ADDRESS] = "address",
    [REASON_L4_PROTOCOL] = "l4_protocol",
    [REASON_L4_PORT] = "l4_port",
    [REASON_L7_PROTOCOL] = "l7_protocol",
    [REASON_ETHERTYPE] = "ethertype",
    [REASON_VLAN] = "vlan",
    [REASON_MALFORMED] = "malformed",
    [REASON_FRAGMENT] = "fragment",
    [REASON_EXTENSION_HEADER] = "extension_header",
    [REASON_FOREIGN_SOCKET] = "foreign_socket",
    [REASON_RAW_SOCKET] = "raw_socket",
    [REASON_BIND] = "bind",
    [REASON_NOT_A_REPLY] = "not_a_reply",
    [REASON_FQDN_EXPIRED] = "fqdn_expired",
    [REASON_DNS_NAME] = "dns_name",
    [REASON_DNS_MESSAGE] = "dns_message",
    [REASON_DNS_UNASKED] = "dns_unasked",
    [REASON_HTTP_REQUEST] = "http_request",
    [REASON_HTTP_AMBIGUOUS] = "http_ambiguous",
    [REASON_TLS_NAME] = "tls_name",
    [REASON_TLS_HELLO] = "tls_hello",
    [REASON_STREAM] = "stream",
    [REASON_NOT_IMAGE] = "not_image",
    [REASON_ARP_SPOOFING] = "arp_spoofing",
    [REASON_ND_SPOOFING] = "nd_spoofing",
    [REASON_IP_SPOOFING] = "ip_spoofing",
    [REASON_RAW_SOCKET_ATTACK] = "raw_socket_attack",
    [REASON_NAMES_FULL] = "names_full",
};

static const char *const drop_reasons[REASONS] = {
    [REASON_PENDING] = "NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION",
    [REASON_ETHERTYPE] = "UNSUPPORTED_L3_PROTOCOL",
    [REASON_VLAN] = "VLAN_FILTERED",
    [REASON_MALFORMED] = "INVALID_PACKET_DROPPED",
    [REASON_FRAGMENT] = "INVALID_PACKET_DROPPED",
    [REASON_EXTENSION_HEADER] = "UNKNOWN_L4_PROTOCOL",
    [REASON_DNS_MESSAGE] = "INVALID_PACKET_DROPPED",
    [REASON_ARP_SPOOFING] = "INVALID_SOURCE_MAC",
    [REASON_ND_SPOOFING] = "INVALID_SOURCE_IP",
    [REASON_IP_SPOOFING] = "INVALID_SOURCE_IP",
};

static const char *const applications[] = {
    [APPLICATION_NONE] = "none",   [APPLICATION_DNS] = "dns",         [APPLICATION_HTTP] = "http",
    [APPLICATION_HTTPS] = "https", [APPLICATION_UNKNOWN] = "unknown",
};

static const char *const hooks[] = {
    [HOOK_SOCK_CREATE] = "sock_create",
    [HOOK_CONNECT] = "connect",
    [HOOK_SENDMSG] = "sendmsg",
    [HOOK_BIND] = "bind",
    [HOOK_TC_FROM_POD] = "tc_from_pod",
    [HOOK_TC_TO_POD] = "tc_to_pod",
    [HOOK_CGROUP_INGRESS] = "cgroup_ingress",
};

static const char *word_of(const char *const *table, size_t count, unsigned int number, const char *otherwise)
{
    return number < count && table[number] ? table[number] : otherwise;
}

const char *words_verdict(unsigned int verdict)
{
    return word_of(verdicts, COUNT(verdicts), verdict, "VERDICT_UNKNOWN");
}

int words_find_verdict(const char *word)
{
    for (size_t i = 0; i < COUNT(verdicts); i++) {
        if (verdicts[i] && strcmp(word, verdicts[i]) == 0)
            return (int)i;
    }
    return -1;
}

const char *words_reason(unsigned int reason)
{
    return word_of(reasons, COUNT(reasons), reason, "unknown");
}

int words_find_reason(const char *word)
{
    for (int i = 0; i < REASONS; i++) {
        if (reasons[i] && strcmp(word, reasons[i]) == 0)
            return i;
    }
    return -1;
}

const char *words_drop_reason(unsigned int reason)
{
    return word_of(drop_reasons, COUNT(drop_reasons), reason, "POLICY_DENIED");
}

const char *words_direction(unsigned int direction)
{
    return direction == INGRESS ? "INGRESS" : "EGRESS";
}

const char *words_hook(unsigned int hook)
{
    return word_of(hooks, COUNT(hooks), hook, "unknown");
}

const char *words_application(unsigned int application)
{
    return word_of(applications, COUNT(applications), application, "unknown");
}

const char *words_action(unsigned int action)
{
    static const char *const actions[] = {"ignore", "alert", "enforce"};

    return word_of(actions, COUNT(actions), action, "unknown");
}

const char *words_mode(unsigned int action, unsigned int flags)
{
    if (action == ACTION_IGNORE && flags & PART_LEARN)
        return "learn";
    if (action == ACTION_IGNORE && flags & PART_TRACE_DNS)
        return "trace-dns";
    return words_action(action);
}
