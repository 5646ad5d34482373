/* SPDX-License-Identifier: Apache-2.0 */
/* The key of an attachment from what the runtime calls it. */
#ifndef NSP_CNI_PLUGIN_KEY_H
#define NSP_CNI_PLUGIN_KEY_H

#include <stdio.h>

#include "datapath/abi.h"

/* Zero-filled, as keys are compared by all their bytes. invocation.c has checked the lengths. */
static inline struct attachment_key key_of(const char *container_id, const char *ifname)
{
    struct attachment_key key = {0};

    snprintf(key.container_id, sizeof(key.container_id), "%s", container_id);
    snprintf(key.ifname, sizeof(key.ifname), "%s", ifname);
    return key;
}

#endif
