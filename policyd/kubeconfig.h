/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to reach an API server and who we are there: from a kubeconfig file, or from what Kubernetes gives to a pod. What
 * would need another program, a proxy or trust without a certificate is refused with a sentence.
 */
#ifndef NSP_POLICYD_KUBECONFIG_H
#define NSP_POLICYD_KUBECONFIG_H

#include "lib/error.h"

#define KUBECONFIG_SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

/* NULL where there is none. Of a file and its `_data`, PEM, the data wins, as with kubectl. */
struct kube_access {
    char *server; /* such as https://10.96.0.1:443; no slash at its end */
    char *ca_file, *ca_data;
    char *token, *token_file; /* the file is read anew for each request: tokens are replaced before they expire */
    char *certificate_file, *certificate_data;
    char *key_file, *key_data;
};

/* The file's current context. `access` is to be released with kube_access_free(). */
int kubeconfig_read(const char *path, struct kube_access *access, struct error *err);

/* host, port: KUBERNETES_SERVICE_HOST and _PORT, NULL where unset; folder: KUBECONFIG_SERVICE_ACCOUNT. */
int kubeconfig_in_cluster(const char *host, const char *port, const char *folder, struct kube_access *access,
                          struct error *err);

void kube_access_free(struct kube_access *access);

#endif
