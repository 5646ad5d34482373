/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

struct sandbox sandbox;

static void fail(const char *what)
{
    fprintf(stderr, "sandbox: %s: %s (these tests need root)\n", what, strerror(errno));
    exit(1);
}

static struct nl_sock *open_netlink(void)
{
    struct nl_sock *sock = nl_socket_alloc();

    if (!sock || nl_connect(sock, NETLINK_ROUTE))
        fail("netlink");
    return sock;
}

static struct rtnl_link *find_link(struct nl_sock *sock, __u32 ifindex, const char *name)
{
    struct rtnl_link *link = NULL;
    int rc = rtnl_link_get_kernel(sock, (int)ifindex, name, &link);

    if (rc) {
        fprintf(stderr, "sandbox: no device %u %s: %s\n", ifindex, name ? name : "", nl_geterror(rc));
        exit(1);
    }
    return link;
}

static void change_link(__u32 ifindex, const char *name, bool is_up)
{
    struct nl_sock *sock = open_netlink();
    struct rtnl_link *link = find_link(sock, ifindex, NULL);
    struct rtnl_link *change = rtnl_link_alloc();

    if (name)
        rtnl_link_set_name(change, name);
    if (is_up)
        rtnl_link_set_flags(change, IFF_UP);
    else
        rtnl_link_unset_flags(change, IFF_UP);
    if (rtnl_link_change(sock, link, change, 0))
        fail("change a device");
    rtnl_link_put(change);
    rtnl_link_put(link);
    nl_socket_free(sock);
}

/* Linux 6.1 renames no device that is up. */
void sandbox_rename_link(__u32 ifindex, const char *name)
{
    change_link(ifindex, NULL, false);
    change_link(ifindex, name, true);
}

static __u32 ifindex_of(const char *name, unsigned char mac[6])
{
    struct nl_sock *sock = open_netlink();
    struct rtnl_link *link = find_link(sock, 0, name);
    __u32 ifindex = (__u32)rtnl_link_get_ifindex(link);

    if (mac)
        memcpy(mac, nl_addr_get_binary_addr(rtnl_link_get_addr(link)), 6);
    rtnl_link_put(link);
    nl_socket_free(sock);
    return ifindex;
}

__u32 sandbox_add_veth(const char *name, const char *peer)
{
    struct nl_sock *sock = open_netlink();
    struct rtnl_link *link = rtnl_link_veth_alloc();
    struct rtnl_link *other = rtnl_link_veth_get_peer(link);

    rtnl_link_set_name(link, name);
    rtnl_link_set_name(other, peer);
    rtnl_link_put(other);

    int rc = rtnl_link_add(sock, link, NLM_F_CREATE | NLM_F_EXCL);

    if (rc) {
        fprintf(stderr, "sandbox: cannot add a veth: %s\n", nl_geterror(rc));
        exit(1);
    }
    rtnl_link_put(link);
    nl_socket_free(sock);
    change_link(ifindex_of(name, NULL), NULL, true);
    change_link(ifindex_of(peer, NULL), NULL, true);
    return ifindex_of(name, NULL);
}

void sandbox_delete_link(__u32 ifindex)
{
    struct nl_sock *sock = open_netlink();
    struct rtnl_link *link = find_link(sock, ifindex, NULL);

    if (rtnl_link_delete(sock, link))
        fail("delete a device");
    rtnl_link_put(link);
    nl_socket_free(sock);
}

/* The kernel's own neighbour discovery would run through the programs under test. */
static void silence_ipv6(void)
{
    int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, "1", 1) != 1)
        fail("disable_ipv6");
    close(fd);
}

/* A second mount of the one cgroup2 hierarchy, wherever the machine has its own, if at all. */
static void enter_cgroup2(const char *root)
{
    char mount_point[80];

    snprintf(mount_point, sizeof(mount_point), "%s/cgroup", root);
    if (mkdir(mount_point, 0700) || mount("cgroup2", mount_point, "cgroup2", 0, NULL))
        fail("mount cgroup2");
    snprintf(sandbox.cgroup, sizeof(sandbox.cgroup), "%.60s/nspt%dx", mount_point, getpid());
    if (mkdir(sandbox.cgroup, 0755))
        fail(sandbox.cgroup);
}

/* Names as tests/support/env.bash makes them: whoever runs next clears what a killed run left. */
void sandbox_enter(void)
{
    const char *temporary = getenv("TMPDIR");
    char root[40];

    snprintf(root, sizeof(root), "%.16s/nspt%dxbpf", temporary && strlen(temporary) <= 16 ? temporary : "/tmp",
             getpid());
    if (unshare(CLONE_NEWNET | CLONE_NEWNS))
        fail("unshare");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        fail("make mounts private");
    if (mkdir(root, 0700) || mount("tmpfs", root, "tmpfs", 0, NULL))
        fail(root);
    snprintf(sandbox.bpffs, sizeof(sandbox.bpffs), "%s/bpf", root);
    snprintf(sandbox.pins, sizeof(sandbox.pins), "%s/nsp", sandbox.bpffs);
    if (mkdir(sandbox.bpffs, 0700) || mount("bpf", sandbox.bpffs, "bpf", 0, NULL))
        fail("mount bpffs");
    enter_cgroup2(root);
    silence_ipv6();
    sandbox.host_ifindex = sandbox_add_veth(SANDBOX_HOST_IFNAME, SANDBOX_POD_IFNAME);
    sandbox.pod_ifindex = ifindex_of(SANDBOX_POD_IFNAME, sandbox.pod_mac);
}

void sandbox_leave(void)
{
    char root[64];

    rmdir(sandbox.cgroup);
    snprintf(root, sizeof(root), "%s", sandbox.bpffs);
    *strrchr(root, '/') = '\0';
    umount2(root, MNT_DETACH);
    rmdir(root);
}

int sandbox_make_cgroup(const char *name, __u64 *id)
{
    char path[192];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", sandbox.cgroup, name);
    if (mkdir(path, 0755) || stat(path, &st))
        fail(path);
    *id = st.st_ino;

    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        fail(path);
    return fd;
}

void sandbox_remove_cgroup(const char *name)
{
    char path[192];

    snprintf(path, sizeof(path), "%s/%s", sandbox.cgroup, name);
    if (rmdir(path))
        fail(path);
}
