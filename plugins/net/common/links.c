/* SPDX-License-Identifier: Apache-2.0 */
/* links.c - see links.h.  A child enters the namespace, as this process has to stay where it
 * is. */
#include "links.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
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
    int fd, code;

    ask.info.ifi_index = (int)if_nametoindex(name);
    if (ask.info.ifi_index == 0)
        return errno == ENODEV ? 0 : errno;
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return errno;
    if (send(fd, &ask, sizeof(ask), 0) < 0 ||
        recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
        code = errno ? errno : EIO;
        close(fd);
        return code;
    }
    close(fd);
    if (answer.head.nlmsg_type != NLMSG_ERROR)
        return EPROTO;
    return answer.error.error == -ENODEV ? 0 : -answer.error.error;
}

static int up_here(const char *name)
{
    struct ifreq ask = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), code;

    if (fd < 0)
        return errno;
    strncpy(ask.ifr_name, name, IFNAMSIZ - 1);
    code = ioctl(fd, SIOCGIFFLAGS, &ask) < 0 ? errno : 0;
    ask.ifr_flags |= IFF_UP;
    if (code == 0 && ioctl(fd, SIOCSIFFLAGS, &ask) < 0)
        code = errno;
    close(fd);
    return code;
}

static int in_namespace(const char *netns, work_fn *work, const char *name)
{
    int fd, status;
    pid_t pid;

    if (!netns) {
        errno = 0;
        return -work(name);
    }
    fd = open(netns, O_RDONLY | O_CLOEXEC | O_NOCTTY);

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

pid_t links_hold_empty(void)
{
    int up[2], code = 0;
    pid_t pid;

    if (pipe2(up, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        code = unshare(CLONE_NEWNET) < 0 ? errno : 0;
        if (write(up[1], &code, sizeof(code)) == sizeof(code) && code == 0)
            for (;;)
                pause();
        _exit(1);
    }
    close(up[1]);
    if (pid < 0)
        code = errno;
    else if (read(up[0], &code, sizeof(code)) != sizeof(code))
        code = EIO;
    close(up[0]);
    if (code && pid > 0)
        links_let_go(pid);
    return code ? -code : pid;
}

void links_let_go(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

int links_loopback_up(const char *netns)
{
    return in_namespace(netns, up_here, "lo");
}

/* ------------------------------------------------------------------ listing */

/* The kind of a link, within IFLA_LINKINFO. */
static bool is_kind(struct rtattr *info, const char *kind)
{
    int len = (int)RTA_PAYLOAD(info);

    for (struct rtattr *a = RTA_DATA(info); RTA_OK(a, len); a = RTA_NEXT(a, len))
        if (a->rta_type == IFLA_INFO_KIND && RTA_PAYLOAD(a) >= strlen(kind) &&
            memcmp(RTA_DATA(a), kind, strlen(kind)) == 0)
            return true;
    return false;
}

static int add_link(struct nlmsghdr *m, struct link **all, size_t *n)
{
    struct ifinfomsg *info = NLMSG_DATA(m);
    int len = (int)IFLA_PAYLOAD(m);
    struct link *more, *l;

    more = realloc(*all, (*n + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    *all = more;
    l = &more[(*n)++];
    *l = (struct link){.index = info->ifi_index};
    for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
        if (a->rta_type == IFLA_IFNAME)
            strncpy(l->name, RTA_DATA(a), sizeof(l->name) - 1);
        else if (a->rta_type == IFLA_MASTER && RTA_PAYLOAD(a) == sizeof(int))
            memcpy(&l->master, RTA_DATA(a), sizeof(int));
        else if (a->rta_type == IFLA_LINKINFO)
            l->bridge = is_kind(a, "bridge");
    }
    return 0;
}

/* One answer of the kernel: 1: there is more to come. */
static int take_answer(int fd, struct link **all, size_t *n)
{
    union {
        struct nlmsghdr head;
        char bytes[65536];
    } *buf = malloc(sizeof(*buf));
    ssize_t got = buf ? recv(fd, buf, sizeof(*buf), 0) : -1;
    int len = (int)got, r = !buf ? -ENOMEM : got < 0 ? -errno : 1;

    for (struct nlmsghdr *m = &buf->head; r == 1 && NLMSG_OK(m, (unsigned)len);
         m = NLMSG_NEXT(m, len)) {
        if (m->nlmsg_type == NLMSG_DONE)
            r = 0;
        else if (m->nlmsg_type == NLMSG_ERROR)
            r = -EIO;
        else if (m->nlmsg_type == RTM_NEWLINK && add_link(m, all, n) < 0)
            r = -ENOMEM;
    }
    free(buf);
    return r;
}

int links_list(struct link **out, size_t *n)
{
    struct {
        struct nlmsghdr head;
        struct ifinfomsg info;
    } ask = {.head = {.nlmsg_len = sizeof(ask),
                      .nlmsg_type = RTM_GETLINK,
                      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), r;

    *out = NULL;
    *n = 0;
    if (fd < 0)
        return -errno;
    r = send(fd, &ask, sizeof(ask), 0) < 0 ? -errno : 1;
    while (r == 1)
        r = take_answer(fd, out, n);
    close(fd);
    if (r < 0) {
        free(*out);
        *out = NULL;
        *n = 0;
    }
    return r;
}
