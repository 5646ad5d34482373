/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the plugin's stdin, CNI_ARGS and cgroupPath: no crash, no leak, and what is taken stays within bounds.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cni-plugin/cgroup.h"
#include "cni-plugin/invocation.h"
#include "cni-plugin/netconf.h"
#include "cni-plugin/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT(readability-identifier-naming): libFuzzer's */

static void claim(bool is_true)
{
    if (!is_true)
        abort();
}

static void read_result(const struct netconf *conf)
{
    struct addresses addresses = {0};
    struct error err;

    if (result_check(conf, &err) < 0)
        return;
    json_decref(result_pass(conf));
    result_addresses(conf, "eth0", &addresses);
    claim(addresses.count <= NSP_ADDRESSES_MAX);
}

static void read_path(const char *text)
{
    char path[CGROUP_PATH_SIZE];
    struct error err;

    if (cgroup_expand(text, path, &err) < 0)
        return;
    claim(path[0] == '/' && path[1] != '\0' && !strstr(path, "//") && !strstr(path, "/../") && !strstr(path, "/./"));
}

static void read_args(const char *text)
{
    char path[CGROUP_PATH_SIZE];
    struct pod_name pod;
    struct error err;

    if (invocation_pod(text, &pod, &err) < 0)
        return;
    claim(!strchr(pod.uid, '/') && !strchr(pod.name, '/') && !strchr(pod.namespace_, '/'));
    for (unsigned i = 0; cgroup_candidate(pod.uid, i, path) == 0; i++)
        claim(path[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct netconf conf;
    struct error err;

    if (netconf_decode((const char *)data, size, &conf, &err) == 0) {
        int rc = netconf_check(&conf, &err);

        if (netconf_settings(&conf, &err) == 0 && rc == 0) {
            netconf_exempts(&conf, "kube-system");
            read_result(&conf);
        }
        if (conf.cgroup_path)
            read_path(conf.cgroup_path);
        netconf_free(&conf);
    }

    char *text = strndup((const char *)data, size);

    claim(text != NULL);
    read_args(text);
    read_path(text);
    free(text);
    return 0;
}
