/* SPDX-License-Identifier: Apache-2.0 */
/* links.c - see links.h.  A child enters the namespace, as this process has to stay where it
 * is. */
#include "links.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Done in the child; 0 or an errno. */
typedef int work_fn(const char *name);

static int delete_here(const char *name)
{
    struct {
        struct nlmsghdr head;
        struct ifinfomsg info;
    } ask = {.head = {.nlmsg_len = sizeof(ask),
                      .nlmsg_type = RTM_DELLINK,
                      .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK}};
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
        char rest[512];
    } answer;
    int fd;

    ask.info.ifi_index = (int)if_nametoindex(name);
    if (ask.info.ifi_index == 0)
        return errno == ENODEV ? 0 : errno;
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return errno;
    if (send(fd, &ask, sizeof(ask), 0) < 0 ||
        recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)))
        return errno ? errno : EIO;
    if (answer.head.nlmsg_type != NLMSG_ERROR)
        return EPROTO;
    return answer.error.error == -ENODEV ? 0 : -answer.error.error;
}

static int up_here(const char *name)
{
    struct ifreq ask = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    strncpy(ask.ifr_name, name, IFNAMSIZ - 1);
    if (ioctl(fd, SIOCGIFFLAGS, &ask) < 0)
        return errno;
    ask.ifr_flags |= IFF_UP;
    return ioctl(fd, SIOCSIFFLAGS, &ask) < 0 ? errno : 0;
}

static int in_namespace(const char *netns, work_fn *work, const char *name)
{
    int fd = open(netns, O_RDONLY | O_CLOEXEC | O_NOCTTY), status;
    pid_t pid;

    if (fd < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        int code = setns(fd, CLONE_NEWNET) < 0 ? errno : 0;

        errno = 0;
        _exit(code ? code : work(name));
    }
    close(fd);
    if (pid < 0)
        return -errno;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int links_delete(const char *netns, const char *name)
{
    return in_namespace(netns, delete_here, name);
}

int links_loopback_up(const char *netns)
{
    return in_namespace(netns, up_here, "lo");
}
