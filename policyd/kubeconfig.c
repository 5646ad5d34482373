/* SPDX-License-Identifier: Apache-2.0 */
/* Access to an API server: see kubeconfig.h. */
#include "policyd/kubeconfig.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "policyd/yaml.h"

/* One entry of the file, for messages. */
struct entry {
    const char *path;   /* of the file */
    const char *folder; /* what relative paths in it begin at */
    const char *kind;   /* clusters, users */
    const char *name;
    const json_t *value;
    struct error *err;
};

/* What cannot be done, and what to do instead. */
struct refusal {
    const char *key;
    const char *remedy;
};

static int refuse(const struct entry *entry, const char *key, const char *remedy)
{
    return error_set(entry->err, EINVAL, "%s: %s[%s].%s: %s", entry->path, entry->kind, entry->name, key, remedy);
}

static int value_of_base64(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* A text with a final zero; NULL: not base64. */
static char *decode_base64(const char *text)
{
    size_t length = strcspn(text, "="), used = 0;
    cleanup_free char *bytes = malloc(strlen(text) / 4 * 3 + 4);
    unsigned int bits = 0, count = 0;

    if (!bytes || strlen(text) % 4 || strlen(text) - length > 2 || strspn(text + length, "=") != strlen(text + length))
        return NULL;
    for (size_t i = 0; i < length; i++) {
        int value = value_of_base64(text[i]);

        if (value < 0)
            return NULL;
        bits = bits << 6 | (unsigned int)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes[used++] = (char)(bits >> count & 0xff);
        }
    }
    bytes[used] = '\0';
    return TAKE_PTR(bytes);
}

static int copy_text(const struct entry *entry, const char *key, char **copy)
{
    const json_t *value = json_object_get(entry->value, key);

    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return refuse(entry, key, "not a text");
    if (!json_string_value(value)[0])
        return 0;
    *copy = strdup(json_string_value(value));
    return *copy ? 0 : error_set(entry->err, ENOMEM, "out of memory");
}

static int copy_path(const struct entry *entry, const char *key, char **copy)
{
    cleanup_free char *text = NULL;

    if (copy_text(entry, key, &text))
        return -EINVAL;
    if (!text)
        return 0;
    if (text[0] == '/')
        *copy = TAKE_PTR(text);
    else if (asprintf(copy, "%s/%s", entry->folder, text) < 0)
        return error_set(entry->err, ENOMEM, "out of memory");
    return 0;
}

static int copy_data(const struct entry *entry, const char *key, char **copy)
{
    cleanup_free char *text = NULL;

    if (copy_text(entry, key, &text))
        return -EINVAL;
    if (!text)
        return 0;
    *copy = decode_base64(text);
    return *copy ? 0 : refuse(entry, key, "not base64");
}

static int refuse_any(const struct entry *entry, const struct refusal *refusals)
{
    for (; refusals->key; refusals++) {
        const json_t *value = json_object_get(entry->value, refusals->key);

        if (value && !json_is_null(value) && !json_is_false(value))
            return refuse(entry, refusals->key, refusals->remedy);
    }
    return 0;
}

/* Everything we would send in the clear could be read, and everything we read be forged. */
static bool is_safe(const char *server)
{
    static const char *const loopback[] = {"http://127.0.0.1", "http://[::1]", "http://localhost"};

    if (strncmp(server, "https://", 8) == 0)
        return server[8] != '\0';
    for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
        size_t length = strlen(loopback[i]);

        if (strncmp(server, loopback[i], length) == 0 && (!server[length] || strchr(":/", server[length])))
            return true;
    }
    return false;
}

static int read_cluster(const struct entry *entry, struct kube_access *access)
{
    static const struct refusal refusals[] = {
        {"insecure-skip-tls-verify", "policyd trusts no server without its certificate; name certificate-authority"},
        {"proxy-url", "policyd uses no proxy; name the API server itself"},
        {"tls-server-name", "policyd wants the server's own name in its certificate; use that in `server`"},
        {NULL, NULL},
    };

    if (refuse_any(entry, refusals) || copy_text(entry, "server", &access->server) ||
        copy_path(entry, "certificate-authority", &access->ca_file) ||
        copy_data(entry, "certificate-authority-data", &access->ca_data))
        return -EINVAL;
    if (!access->server)
        return refuse(entry, "server", "missing; write https://HOST:PORT");
    for (size_t length = strlen(access->server); length && access->server[length - 1] == '/'; length--)
        access->server[length - 1] = '\0';
    if (!is_safe(access->server))
        return refuse(entry, "server", "not https://HOST[:PORT] (http:// goes for loopback only)");
    return 0;
}

static int read_user(const struct entry *entry, struct kube_access *access)
{
    static const struct refusal refusals[] = {
        {"exec", "policyd runs no other programs; name a token, tokenFile or client certificate"},
        {"auth-provider", "policyd knows none; name a token, tokenFile or client certificate"},
        {"username", "API servers take no passwords any more; name a token, tokenFile or client certificate"},
        {"as", "policyd acts as nobody else; name credentials of its own"},
        {NULL, NULL},
    };

    if (refuse_any(entry, refusals) || copy_text(entry, "token", &access->token) ||
        copy_path(entry, "tokenFile", &access->token_file) ||
        copy_path(entry, "client-certificate", &access->certificate_file) ||
        copy_data(entry, "client-certificate-data", &access->certificate_data) ||
        copy_path(entry, "client-key", &access->key_file) || copy_data(entry, "client-key-data", &access->key_data))
        return -EINVAL;
    if ((access->certificate_file || access->certificate_data) != (access->key_file || access->key_data))
        return refuse(entry, "client-certificate", "a client certificate and its client-key go together");
    if (!access->token && !access->token_file && !access->key_file && !access->key_data)
        return refuse(entry, "token", "missing; name a token, tokenFile or client certificate");
    return 0;
}

/* The `inner` of the element of `list` that has the name. */
static const json_t *find(const json_t *root, const char *list, const char *name, const char *inner)
{
    const json_t *element;
    size_t i;

    json_array_foreach (json_object_get(root, list), i, element) {
        const char *own = json_string_value(json_object_get(element, "name"));

        if (own && name && strcmp(own, name) == 0)
            return json_object_get(element, inner);
    }
    return NULL;
}

static int read_root(const json_t *root, struct entry *entry, struct kube_access *access)
{
    const char *current = json_string_value(json_object_get(root, "current-context"));
    const json_t *context = find(root, "contexts", current, "context");

    if (!context)
        return error_set(entry->err, EINVAL, "%s: current-context: \"%.60s\" is none of its contexts", entry->path,
                         current ? current : "");
    entry->kind = "clusters";
    entry->name = json_string_value(json_object_get(context, "cluster"));
    entry->value = find(root, "clusters", entry->name, "cluster");
    if (!entry->value)
        return error_set(entry->err, EINVAL, "%s: contexts[%.60s].cluster: \"%.60s\" is none of its clusters",
                         entry->path, current, entry->name ? entry->name : "");
    if (read_cluster(entry, access))
        return -EINVAL;
    entry->kind = "users";
    entry->name = json_string_value(json_object_get(context, "user"));
    entry->value = find(root, "users", entry->name, "user");
    if (!entry->value)
        return error_set(entry->err, EINVAL, "%s: contexts[%.60s].user: \"%.60s\" is none of its users", entry->path,
                         current, entry->name ? entry->name : "");
    return read_user(entry, access);
}

int kubeconfig_read(const char *path, struct kube_access *access, struct error *err)
{
    const char *slash = strrchr(path, '/');
    cleanup_free char *folder = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    struct kube_access read = {0};
    struct error cause = {.code = ENOMEM, .msg = "out of memory"};
    struct entry entry = {.path = path, .folder = folder, .err = &cause};
    json_auto_t *documents = NULL;

    if (!folder)
        return error_set(err, ENOMEM, "out of memory");
    if (yaml_load_file(path, YAML_REGULAR, &documents, err))
        return error_wrap(err, "kubeconfig %s", path);
    if (read_root(json_array_get(documents, 0), &entry, &read)) {
        kube_access_free(&read);
        return error_set(err, cause.code, "%s", cause.msg);
    }
    *access = read;
    return 0;
}

int kubeconfig_in_cluster(const char *host, const char *port, const char *folder, struct kube_access *access,
                          struct error *err)
{
    struct kube_access read = {0};

    if (!host || !host[0])
        return error_set(
            err, EINVAL,
            "KUBERNETES_SERVICE_HOST is not set: this is no pod of a cluster; name a file by --kubeconfig");
    if (asprintf(&read.server, strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host,
                 port && port[0] ? port : "443") < 0)
        read.server = NULL;
    if (asprintf(&read.ca_file, "%s/ca.crt", folder) < 0)
        read.ca_file = NULL;
    if (asprintf(&read.token_file, "%s/token", folder) < 0)
        read.token_file = NULL;
    if (!read.server || !read.ca_file || !read.token_file) {
        kube_access_free(&read);
        return error_set(err, ENOMEM, "out of memory");
    }
    *access = read;
    return 0;
}

void kube_access_free(struct kube_access *access)
{
    free(access->server);
    free(access->ca_file);
    free(access->ca_data);
    free(access->token);
    free(access->token_file);
    free(access->certificate_file);
    free(access->certificate_data);
    free(access->key_file);
    free(access->key_data);
    *access = (struct kube_access){0};
}
