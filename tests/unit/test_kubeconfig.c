/* SPDX-License-Identifier: Apache-2.0 */
/* Access to an API server: what a kubeconfig says, and what is refused with which sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cleanup.h"
#include "policyd/kubeconfig.h"

#define FOLDER "/tmp/"

/* Writes a kubeconfig with one cluster and one user, and reads it. */
static int read_config(const char *cluster, const char *user, struct kube_access *access, struct error *err)
{
    char path[] = FOLDER "nsp-kubeconfig-XXXXXX";
    cleanup_close int fd = mkstemp(path);

    assert_true(fd >= 0);
    dprintf(fd,
            "apiVersion: v1\nkind: Config\ncurrent-context: x\n"
            "contexts:\n- {name: w, context: {cluster: no, user: no}}\n- {name: x, context: {cluster: c, user: u}}\n"
            "clusters: [{name: d, cluster: {server: no}}, {name: c, cluster: {%s}}]\n"
            "users: [{name: u, user: {%s}}]\n",
            cluster, user);

    int rc = kubeconfig_read(path, access, err);

    unlink(path);
    return rc;
}

static void a_token_and_a_certificate_authority_are_enough(void **state)
{
    struct kube_access access = {0};
    struct error err = {0};

    (void)state;
    assert_int_equal(
        read_config("server: 'https://10.0.0.1:6443/', certificate-authority: pki/ca.crt", "token: abc", &access, &err),
        0);
    assert_string_equal(access.server, "https://10.0.0.1:6443");
    assert_string_equal(access.ca_file, "/tmp/pki/ca.crt");
    assert_string_equal(access.token, "abc");
    assert_null(access.token_file);
    assert_null(access.key_file);
    kube_access_free(&access);
}

static void data_is_decoded_and_files_are_found(void **state)
{
    struct kube_access access = {0};
    struct error err = {0};

    (void)state;
    assert_int_equal(read_config("server: 'https://[fd00::1]', certificate-authority-data: UEVN",
                                 "client-certificate-data: UEVNMQ==, client-key: /etc/key, tokenFile: t", &access,
                                 &err),
                     0);
    assert_string_equal(access.server, "https://[fd00::1]");
    assert_string_equal(access.ca_data, "PEM");
    assert_string_equal(access.certificate_data, "PEM1");
    assert_string_equal(access.key_file, "/etc/key");
    assert_string_equal(access.token_file, "/tmp/t");
    kube_access_free(&access);
}

static void what_cannot_be_done_is_refused_with_what_to_do(void **state)
{
    static const struct {
        const char *cluster, *user, *message;
    } rows[] = {
        {"server: 'https://a'", "exec: {command: aws}",
         "users[u].exec: policyd runs no other programs; name a token, tokenFile or client certificate"},
        {"server: 'https://a'", "auth-provider: {name: gcp}",
         "users[u].auth-provider: policyd knows none; name a token, tokenFile or client certificate"},
        {"server: 'https://a'", "username: a, password: b", "users[u].username: API servers take no passwords"},
        {"server: 'https://a'", "token: a, as: root", "users[u].as: policyd acts as nobody else"},
        {"server: 'https://a'", "", "users[u].token: missing; name a token, tokenFile or client certificate"},
        {"server: 'https://a'", "token: 7", "users[u].token: not a text"},
        {"server: 'https://a'", "client-key: k", "users[u].client-certificate: a client certificate and its"},
        {"server: 'https://a', insecure-skip-tls-verify: true", "token: a",
         "clusters[c].insecure-skip-tls-verify: policyd trusts no server without its certificate"},
        {"server: 'https://a', proxy-url: 'http://p'", "token: a", "clusters[c].proxy-url: policyd uses no proxy"},
        {"server: 'https://a', tls-server-name: b", "token: a", "clusters[c].tls-server-name: "},
        {"server: 'https://a', certificate-authority-data: 'a b='", "token: a",
         "clusters[c].certificate-authority-data: not base64"},
        {"", "token: a", "clusters[c].server: missing; write https://HOST:PORT"},
        {"server: 'http://10.0.0.1'", "token: a", "clusters[c].server: not https://HOST[:PORT]"},
        {"server: 'http://127.0.0.1.evil.net'", "token: a", "clusters[c].server: not https://HOST[:PORT]"},
        {"server: 'https://'", "token: a", "clusters[c].server: not https://HOST[:PORT]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kube_access access = {0};
        struct error err = {0};

        assert_true(read_config(rows[i].cluster, rows[i].user, &access, &err) < 0);
        if (!strstr(err.msg, rows[i].message))
            fail_msg("%s: expected %s", err.msg, rows[i].message);
        assert_null(access.server);
    }
}

static void what_is_off_is_not_refused_and_loopback_may_be_plain(void **state)
{
    static const char *const servers[] = {"http://127.0.0.1:8001", "http://localhost", "http://[::1]:80/x"};

    (void)state;
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        struct kube_access access = {0};
        struct error err = {0};
        char cluster[128];

        snprintf(cluster, sizeof(cluster), "server: '%s', insecure-skip-tls-verify: false", servers[i]);
        assert_int_equal(read_config(cluster, "token: a, exec: null", &access, &err), 0);
        assert_string_equal(access.server, servers[i]);
        kube_access_free(&access);
    }
}

static void a_file_that_is_not_there_or_none_is_named(void **state)
{
    struct kube_access access = {0};
    struct error err = {0};

    (void)state;
    assert_true(kubeconfig_read("/nonexistent/kc", &access, &err) < 0);
    assert_string_equal(err.msg, "kubeconfig /nonexistent/kc: No such file or directory");
    assert_true(kubeconfig_read("/dev/null", &access, &err) < 0);
    assert_non_null(strstr(err.msg, "not a regular file"));
}

static void a_pod_finds_its_cluster(void **state)
{
    struct kube_access access = {0};
    struct error err = {0};

    (void)state;
    assert_int_equal(kubeconfig_in_cluster("10.96.0.1", "443", "/sa", &access, &err), 0);
    assert_string_equal(access.server, "https://10.96.0.1:443");
    assert_string_equal(access.ca_file, "/sa/ca.crt");
    assert_string_equal(access.token_file, "/sa/token");
    kube_access_free(&access);
    assert_int_equal(kubeconfig_in_cluster("fd00::1", NULL, "/sa", &access, &err), 0);
    assert_string_equal(access.server, "https://[fd00::1]:443");
    kube_access_free(&access);
    assert_true(kubeconfig_in_cluster(NULL, NULL, "/sa", &access, &err) < 0);
    assert_non_null(strstr(err.msg, "this is no pod of a cluster; name a file by --kubeconfig"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_and_a_certificate_authority_are_enough),
        cmocka_unit_test(data_is_decoded_and_files_are_found),
        cmocka_unit_test(what_cannot_be_done_is_refused_with_what_to_do),
        cmocka_unit_test(what_is_off_is_not_refused_and_loopback_may_be_plain),
        cmocka_unit_test(a_file_that_is_not_there_or_none_is_named),
        cmocka_unit_test(a_pod_finds_its_cluster),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
