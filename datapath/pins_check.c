/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/pins_check.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <bpf/bpf.h>

#define PROGRAM_MAPS_MAX 64 /* what the kernel lets one program use */

static int uses_map(const struct bpf_prog_info *info, const __u32 *maps, __u32 map)
{
    for (__u32 i = 0; i < info->nr_map_ids && i < PROGRAM_MAPS_MAX; i++) {
        if (maps[i] == map)
            return 1;
    }
    return 0;
}

static int check_program(const struct datapath *datapath, enum pins_program program, __u32 sockets, struct error *err)
{
    const char *name = pins_program_name(program);
    __u32 maps[PROGRAM_MAPS_MAX] = {0};
    struct bpf_prog_info info = {.map_ids = (uintptr_t)maps, .nr_map_ids = PROGRAM_MAPS_MAX};
    __u32 size = sizeof(info);

    if (bpf_obj_get_info_by_fd(datapath->programs[program], &info, &size))
        return error_set(err, errno, "%s/%s: the kernel does not say what it is: %s", datapath->directory, name,
                         strerror(errno));
    if (strcmp(info.name, name) == 0 && uses_map(&info, maps, sockets))
        return 0;
    return error_set(err, EUCLEAN,
                     "%s/%s: not the program that was pinned there, but %s, id %u; see who did it, then run `policyd "
                     "--remove` and start policyd again",
                     datapath->directory, name, info.name[0] ? info.name : "one without a name", info.id);
}

int pins_check(const struct datapath *datapath, struct error *err)
{
    struct bpf_map_info sockets = {0};
    __u32 size = sizeof(sockets);

    if (bpf_obj_get_info_by_fd(datapath->maps[MAP_SOCKETS], &sockets, &size))
        return error_set(err, errno, "%s: the kernel does not say what it is: %s", pins_map_name(MAP_SOCKETS),
                         strerror(errno));
    for (int i = 0; i < PINS_PROGRAMS; i++) {
        if (check_program(datapath, i, sockets.id, err))
            return -err->code;
    }
    return 0;
}
