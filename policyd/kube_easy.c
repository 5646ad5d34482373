/* SPDX-License-Identifier: Apache-2.0 */
/* One request's options: who we are, whom we trust, what goes where. See kube_easy.h. */
#include "policyd/kube_easy.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"

#define TOKEN_MAX 16384
#define DEAD_AFTER_MS 30000
#define KEEP_ALIVE_S 15

static bool is_success(CURL *easy)
{
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
}

static size_t take_body(char *bytes, size_t one, size_t size, void *context)
{
    struct kube_request *request = context;

    (void)one;
    kube_note_bytes(request);
    if (!is_success(request->easy)) {
        size_t room = KUBE_REFUSAL_MAX - request->refusal.size;

        kube_line_append(&request->refusal, bytes, size < room ? size : room);
        return size;
    }
    return request->data(request->context, bytes, size) ? 0 : size;
}

/* The blank line ends a head. */
static size_t take_header(char *bytes, size_t one, size_t size, void *context)
{
    struct kube_request *request = context;

    (void)one;
    kube_note_bytes(request);
    if (size == 2 && bytes[0] == '\r' && request->begun && is_success(request->easy))
        request->begun(request->context);
    return size;
}

/* A peer that is gone without a word is found by the kernel, also when nothing is to be sent. */
static int prepare_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
    unsigned int dead_after_ms = DEAD_AFTER_MS;

    (void)context;
    if (purpose == CURLSOCKTYPE_IPCXN)
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_after_ms, sizeof(dead_after_ms));
    return CURL_SOCKOPT_OK;
}

static char *read_token(const char *path, struct error *err)
{
    cleanup_free char *token = calloc(1, TOKEN_MAX + 1);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t size = fd >= 0 && token ? read(fd, token, TOKEN_MAX) : -1;

    if (size < 0) {
        error_set(err, token ? errno : ENOMEM, "token %s: %s", path, token ? strerror(errno) : "out of memory");
        return NULL;
    }
    token[strcspn(token, "\r\n")] = '\0';
    if (token[0] == '\0') {
        error_set(err, EINVAL, "token %s: it is empty", path);
        return NULL;
    }
    return TAKE_PTR(token);
}

static int add_header(struct kube_request *request, const char *text, struct error *err)
{
    struct curl_slist *grown = curl_slist_append(request->headers, text);

    if (!grown)
        return error_set(err, ENOMEM, "out of memory");
    request->headers = grown;
    return 0;
}

static int add_token(struct kube_request *request, struct error *err)
{
    const struct kube_access *access = request->kube->access;
    cleanup_free char *read = access->token_file ? read_token(access->token_file, err) : NULL;
    const char *token = read ? read : access->token;
    cleanup_free char *header = NULL;

    if (access->token_file && !read)
        return err ? -err->code : -EIO;
    if (!token)
        return 0;
    if (asprintf(&header, "Authorization: Bearer %s", token) < 0) {
        header = NULL;
        return error_set(err, ENOMEM, "out of memory");
    }
    return add_header(request, header, err);
}

static void set_blob(CURL *easy, CURLoption option, char *text)
{
    struct curl_blob blob = {.data = text, .len = strlen(text), .flags = CURL_BLOB_NOCOPY};

    curl_easy_setopt(easy, option, &blob);
}

/* A session that is resumed would bring back the certificate of before. */
static void set_trust(CURL *easy, const struct kube_access *access)
{
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    if (access->ca_data || access->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* it and nobody else */
    if (access->ca_data)
        set_blob(easy, CURLOPT_CAINFO_BLOB, access->ca_data);
    else if (access->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, access->ca_file);
    if (access->certificate_data)
        set_blob(easy, CURLOPT_SSLCERT_BLOB, access->certificate_data);
    else if (access->certificate_file)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, access->certificate_file);
    if (access->key_data)
        set_blob(easy, CURLOPT_SSLKEY_BLOB, access->key_data);
    else if (access->key_file)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, access->key_file);
}

/* No redirection is followed and no proxy used: the token is for this server alone. */
static void set_transport(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEP_ALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEP_ALIVE_S);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, prepare_socket);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "nsp-policyd/" NSP_VERSION);
}

int kube_easy_make(struct kube_request *request, const char *path, struct error *err)
{
    cleanup_free char *url = NULL;

    request->easy = curl_easy_init();
    if (!request->easy || asprintf(&url, "%s%s", request->kube->access->server, path) < 0) {
        url = NULL;
        return error_set(err, ENOMEM, "out of memory");
    }
    if (add_header(request, "Accept: application/json", err) || add_token(request, err))
        return err ? -err->code : -EIO;
    set_transport(request->easy);
    set_trust(request->easy, request->kube->access);
    curl_easy_setopt(request->easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(request->easy, CURLOPT_ERRORBUFFER, request->fault);
    curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(request->easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(request->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(request->easy, CURLOPT_HEADERDATA, request);
    if (curl_easy_setopt(request->easy, CURLOPT_URL, url) != CURLE_OK)
        return error_set(err, ENOMEM, "out of memory");
    return 0;
}
