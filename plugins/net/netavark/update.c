/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - DNS servers of a network that is there; see netavark.h. */
#include "netavark.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static bool has(const json *list, const char *text)
{
    size_t n = list && json_object_is_type(list, json_type_array)
                   ? json_object_array_length((json *)(uintptr_t)list)
                   : 0;

    for (size_t i = 0; i < n; i++) {
        json *item = json_object_array_get_idx((json *)(uintptr_t)list, i);

        if (json_object_is_type(item, json_type_string) &&
            strcmp(json_object_get_string(item), text) == 0)
            return true;
    }
    return false;
}

static int add_all(struct berth_net *n, json *to, const json *from, const char *key,
                   const json *without, struct berth_error *err)
{
    struct addr a;
    int r = 0;

    for (size_t i = 0; r == 0 && i < js_len(from, key); i++) {
        json *item = js_at(from, key, i);
        const char *text =
            json_object_is_type(item, json_type_string) ? json_object_get_string(item) : "";

        if (!addr_parse(text, &a))
            return berth_fail(n->h, err, EINVAL, "unable to parse ip %s specified in %s", text,
                              key);
        if (has(to, text) || has(without, text))
            continue;
        if (js_append(to, json_object_get(item)) < 0)
            r = NO_MEMORY(n, err);
    }
    return r;
}

/* Containers run on it, and its DNS server was told of them. */
static bool is_served(struct berth_net *n, const char *name)
{
    char *path = na_format("%s/aardvark-dns/%s", n->run_dir, name);
    bool there = path && access(path, F_OK) == 0;

    free(path);
    return there;
}

/* ------------------------------------------------------- without any server */

#define SERVED_MAX (1 << 20)

int na_read_text(const char *path, char **out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY), r = 0;
    ssize_t got = 0;
    size_t len = 0;

    if (fd < 0)
        return -errno;
    *out = malloc(SERVED_MAX + 1);
    while (*out && len < SERVED_MAX && (got = read(fd, *out + len, SERVED_MAX - len)) > 0)
        len += (size_t)got;
    if (!*out || got < 0 || len == SERVED_MAX) {
        r = !*out ? -ENOMEM : got < 0 ? -errno : -EFBIG;
        free(*out);
        *out = NULL;
    } else {
        (*out)[len] = '\0';
    }
    close(fd);
    return r;
}

/* The server's number, or 0: it may be another program's by now. */
static pid_t server(struct berth_net *n)
{
    char *path = na_format("%s/aardvark-dns/aardvark.pid", n->run_dir), *text = NULL;
    char *comm_path, *comm = NULL;
    long pid = 0;

    if (path && na_read_text(path, &text) == 0 && (pid = strtol(text, NULL, 10)) > 1) {
        comm_path = na_format("/proc/%ld/comm", pid);
        if (!comm_path || na_read_text(comm_path, &comm) < 0 ||
            strncmp(comm, "aardvark", 8) != 0)
            pid = 0;
        free(comm_path);
        free(comm);
    }
    free(path);
    free(text);
    return pid > 1 ? (pid_t)pid : 0;
}

bool dns_runs(struct berth_net *n)
{
    return server(n) != 0;
}

void dns_tell(struct berth_net *n)
{
    pid_t pid = server(n);

    if (pid)
        kill(pid, SIGHUP);
}

int dns_write(struct berth_net *n, const char *path, const char *head, const char *rest)
{
    char *temp = na_format("%s/.aardvark.%ld", n->run_dir, (long)getpid());
    int fd =
        temp ? open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666) : -1;
    int r = fd < 0 ? -errno : 0;

    if (r == 0 && (dprintf(fd, "%s%s", head, rest) < 0 || rename(temp, path) < 0)) {
        r = -errno;
        unlink(temp);
    }
    if (fd >= 0)
        close(fd);
    free(temp);
    return r;
}

int dns_lock(struct berth_net *n, struct berth_error *err)
{
    char *path = na_format("%s/aardvark.lock", n->run_dir);
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644) : -1;
    int code = path ? errno : ENOMEM;

    while (fd >= 0 && flock(fd, LOCK_EX) < 0) {
        code = errno;
        if (code == EINTR && !n->h->cancelled(n->h->core))
            continue;
        close(fd);
        fd = -1;
        code = code == EINTR ? ECANCELED : code;
    }
    if (fd < 0)
        fd = berth_fail(n->h, err, code, "locking %s", path ? path : "aardvark.lock");
    free(path);
    return fd;
}

/* `netavark update` takes no empty list, so the servers, which stand behind the addresses in
 * the first line of the network's file, are taken away here: under the lock of netavark. */
static int drop_servers(struct berth_net *n, const char *name, struct berth_error *err)
{
    char *path = na_format("%s/aardvark-dns/%s", n->run_dir, name), *text = NULL;
    int lock = dns_lock(n, err), r;
    size_t line, head;

    if (lock < 0) {
        free(path);
        return lock;
    }
    r = path ? na_read_text(path, &text) : -ENOMEM;
    if (r == 0) {
        line = strcspn(text, "\n");
        head = strcspn(text, " \n");
        if (head < line) {
            memmove(text + head, text + line, strlen(text + line) + 1);
            r = dns_write(n, path, text, "");
        }
    }
    if (r == 0)
        dns_tell(n);
    close(lock);
    if (r < 0 && r != -ENOENT)
        r = berth_fail(n->h, err, -r, "taking the DNS servers out of %s", path ? path : name);
    free(path);
    free(text);
    return r == -ENOENT ? 0 : r;
}

/* --------------------------------------------------------------------- update */

static int tell(struct berth_net *n, const json *net, struct berth_error *err)
{
    const char *name = js_str(net, "name");

    if (!is_served(n, name))
        return 0;
    return js_len(net, "network_dns_servers") ? prog_update(n, net, err)
                                              : drop_servers(n, name, err);
}

static int update_locked(struct berth_net *n, const char *name_or_id, const json *change,
                         struct berth_error *err)
{
    json *after = json_object_new_array(), *before, *net, *ordered = NULL;
    int r = after ? defs_find(n, name_or_id, &net, err) : NO_MEMORY(n, err);

    if (r == 0 && !js_bool(net, "dns_enabled", false))
        r = berth_fail(n->h, err, EINVAL,
                       "cannot set NetworkDNSServers if DNS is not enabled for the network: "
                       "invalid argument");
    if (r == 0)
        r = add_all(n, after, net, "network_dns_servers", js_get(change, "remove_dns_servers"),
                    err);
    if (r == 0)
        r = add_all(n, after, change, "add_dns_servers", NULL, err);
    before = r == 0 ? json_object_get(js_get(net, "network_dns_servers")) : NULL;
    if (r == 0 &&
        (before ? json_object_equal(before, after) : json_object_array_length(after) == 0))
        goto out; /* nothing changes */
    if (r == 0 && (js_set(net, "network_dns_servers", json_object_get(after)) < 0 ||
                   !(ordered = defs_ordered(net))))
        r = NO_MEMORY(n, err);
    if (r == 0)
        r = defs_save(n, ordered, err);
    if (r == 0) {
        r = tell(n, net, err);
        if (r < 0) { /* both, or neither */
            if (!before)
                json_object_object_del(net, "network_dns_servers");
            if ((before && js_set(net, "network_dns_servers", json_object_get(before)) < 0) ||
                defs_save(n, net, NULL) < 0)
                berth_log(n->h, BERTH_LOG_ERROR,
                          "network %s: its file has DNS servers that its DNS server was not "
                          "told of",
                          js_str(net, "name"));
        }
    }
out:
    json_object_put(ordered);
    json_object_put(before);
    json_object_put(after);
    return r;
}

int na_update(struct berth_net *n, const char *name_or_id, struct berth_blob change,
              struct berth_error *err)
{
    json *wish = js_parse(change);
    int r = wish && json_object_is_type(wish, json_type_object)
                ? na_lock(n, err)
                : berth_fail(n->h, err, EINVAL, "the change is not a JSON object");

    if (r == 0) {
        r = update_locked(n, name_or_id, wish, err);
        nets_unlock(n);
    }
    json_object_put(wish);
    return r;
}
