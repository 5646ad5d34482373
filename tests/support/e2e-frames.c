/* SPDX-License-Identifier: Apache-2.0 */
/* The probe's verbs that hand whole frames to a device: past its qdisc, and by AF_XDP. */
#include "tests/support/e2e-frames.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"

#define CHUNK 4096
#define RING 4 /* entries */

/* From the device's own MAC to everybody. */
static size_t make_frame(unsigned char *frame, char **args)
{
    cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq device = {0};
    struct peer from, to;

    snprintf(device.ifr_name, sizeof(device.ifr_name), "%s", args[0]);
    if (ioctl(fd, SIOCGIFHWADDR, &device) < 0)
        exit(2);

    if (peer_parse(&from, args[1], args[3]) || peer_parse(&to, args[2], args[3]))
        exit(2);
    memset(frame, 0xff, ETH_ALEN);
    memcpy(frame + ETH_ALEN, device.ifr_hwaddr.sa_data, ETH_ALEN);
    memcpy(frame + 2 * ETH_ALEN, "\x08", 2);
    return ETH_HLEN + datagram_make(frame + ETH_HLEN, &from, &to);
}

struct outcome probe_bypass(char **args)
{
    struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(args[0])};
    cleanup_close int fd = socket_open(AF_PACKET, SOCK_RAW, 0);
    unsigned char frame[128];
    int on = 1;

    if (fd < 0)
        return outcome_errno("socket");
    if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0)
        return outcome_errno("setsockopt");
    if (sendto(fd, frame, make_frame(frame, args), 0, (struct sockaddr *)&link, sizeof(link)) < 0)
        return outcome_errno("sendto");
    return outcome_ok();
}

/* A socket with the four rings that the kernel wants before it binds, of which only TX is used. */
static const char *open_xdp(int fd, void *memory, struct xdp_mmap_offsets *offsets)
{
    const struct xdp_umem_reg umem = {.addr = (uintptr_t)memory, .len = CHUNK * RING, .chunk_size = CHUNK};
    socklen_t size = sizeof(*offsets);
    int ring = RING;

    if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem)) < 0)
        return "XDP_UMEM_REG";
    if (setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &ring, sizeof(ring)) < 0 ||
        setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &ring, sizeof(ring)) < 0 ||
        setsockopt(fd, SOL_XDP, XDP_TX_RING, &ring, sizeof(ring)) < 0)
        return "ring";
    return getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, offsets, &size) < 0 ? "XDP_MMAP_OFFSETS" : NULL;
}

struct outcome probe_xdp(char **args)
{
    const int protection = PROT_READ | PROT_WRITE;
    struct sockaddr_xdp link = {.sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = if_nametoindex(args[0])};
    struct xdp_mmap_offsets offsets = {0};
    void *memory = mmap(NULL, CHUNK * RING, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cleanup_close int fd = socket_open(AF_XDP, SOCK_RAW, 0);
    const char *failed;
    char *ring;

    if (fd < 0 || memory == MAP_FAILED)
        return outcome_errno("socket");
    failed = open_xdp(fd, memory, &offsets);
    if (failed)
        return outcome_errno(failed);
    ring = mmap(NULL, offsets.tx.desc + RING * sizeof(struct xdp_desc), protection, MAP_SHARED | MAP_POPULATE, fd,
                XDP_PGOFF_TX_RING);
    if (ring == MAP_FAILED)
        return outcome_errno("mmap");
    if (bind(fd, (struct sockaddr *)&link, sizeof(link)) < 0)
        return outcome_errno("bind");
    *(struct xdp_desc *)(ring + offsets.tx.desc) = (struct xdp_desc){.len = make_frame(memory, args)};
    __atomic_store_n((uint32_t *)(ring + offsets.tx.producer), 1, __ATOMIC_RELEASE);
    return sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? outcome_errno("sendto") : outcome_ok();
}
