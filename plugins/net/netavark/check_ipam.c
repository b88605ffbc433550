/* SPDX-License-Identifier: Apache-2.0 */
/* check_ipam.c - addresses in ipam.db, and entries of aardvark-dns, that are of no container;
 * see check.h. */
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- addresses */

/* One container's part of one network: `ips` is an array of its addresses. */
static int check_owner(struct check *k, const char *network, const char *id, json *ips)
{
    const char *text = json_object_to_json_string_ext(ips, JSON_C_TO_STRING_PLAIN);
    json *one;
    int r;

    if (check_is_on(k, id, network)) {
        r = js_set_bool(k->networks, network, true);
        for (size_t i = 0; r == 0 && i < json_object_array_length(ips); i++)
            r = js_set_bool(k->addresses,
                            json_object_get_string(json_object_array_get_idx(ips, i)), true);
        return r < 0 ? NO_MEMORY(k->n, k->err) : 0;
    }
    r = check_left(k, id, "address: %s of network %s is of no container (%s)", text, network,
                   id);
    if (r <= 0)
        return r;
    one = json_object_new_object();
    r = !one || js_set(one, network, json_object_new_object()) < 0
            ? NO_MEMORY(k->n, k->err)
            : ipam_release(k->n, id, one, k->err);
    json_object_put(one);
    return r;
}

int check_ipam(struct check *k)
{
    json *all = NULL;
    int r = ipam_list(k->n, &all, k->err);

    if (r < 0) {
        json_object_put(all);
        return r;
    }
    json_object_object_foreach (all, network, owners) {
        json_object_object_foreach (owners, id, ips) {
            if (r == 0)
                r = check_owner(k, network, id, ips);
        }
    }
    json_object_put(all);
    return r;
}

/* --------------------------------------------------------------- DNS entries */

/* Ask about every line of a network's file; the lines that stay go to `kept`. */
static int sort_lines(struct check *k, const char *network, char *text, struct berth_buf *kept,
                      size_t *n_kept, size_t *n_gone)
{
    const struct berth_host *h = k->n->h;
    char *save = NULL, *line = strtok_r(text, "\n", &save);
    int r = line ? h->put(h->core, kept, line, strlen(line)) : 0;

    if (line && r == 0)
        r = h->put(h->core, kept, "\n", 1);
    while (r == 0 && line && (line = strtok_r(NULL, "\n", &save))) {
        char id[128];
        int gone = 0;

        snprintf(id, sizeof(id), "%.*s", (int)strcspn(line, " "), line);
        if (!check_is_on(k, id, network))
            gone = check_left(k, id, "DNS entry: on network %s for no container (%s)", network,
                              id);
        if (gone < 0)
            return gone;
        *(gone ? n_gone : n_kept) += 1;
        if (gone)
            continue;
        r = h->put(h->core, kept, line, strlen(line));
        if (r == 0)
            r = h->put(h->core, kept, "\n", 1);
    }
    return r < 0 ? NO_MEMORY(k->n, k->err) : 0;
}

static int check_served(struct check *k, const char *network)
{
    const struct berth_host *h = k->n->h;
    char *path = na_format("%s/aardvark-dns/%s", k->n->run_dir, network), *text = NULL;
    struct berth_buf *kept = h->buf_new(h->core);
    size_t n_kept = 0, n_gone = 0;
    int r = path && kept ? na_read_text(path, &text) : -ENOMEM;

    if (r == 0)
        r = sort_lines(k, network, text, kept, &n_kept, &n_gone);
    if (r == 0 && n_gone && n_kept == 0 && unlink(path) < 0)
        r = -errno;
    else if (r == 0 && n_gone && n_kept)
        r = dns_write(k->n, path, h->buf_data(h->core, kept).data, "");
    if (r == 0 && n_gone)
        dns_tell(k->n);
    if (r < 0 && r != -ENOENT)
        r = berth_fail(h, k->err, -r, "putting %s right", path ? path : network);
    h->buf_free(h->core, kept);
    free(path);
    free(text);
    return r == -ENOENT ? 0 : r;
}

/* Of a container that has left a network. */
static void drop_entry(struct berth_net *n, const char *network, const char *id)
{
    char *path = na_format("%s/aardvark-dns/%s", n->run_dir, network), *text = NULL;
    char *line, *save = NULL, *out;
    size_t kept = 0, len, gone = 0;

    if (path && na_read_text(path, &text) == 0 && (out = malloc(strlen(text) + 2))) {
        *out = '\0';
        len = 0;
        for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
            if (len && strncmp(line, id, strlen(id)) == 0) {
                gone++;
                continue;
            }
            kept += len > 0;
            len += (size_t)sprintf(out + len, "%s\n", line);
        }
        if (gone && (kept ? dns_write(n, path, out, "") : unlink(path)) < 0)
            berth_log(n->h, BERTH_LOG_WARNING, "%s keeps an entry of container %s", path, id);
        free(out);
    }
    free(path);
    free(text);
    if (gone)
        dns_tell(n);
}

void dns_drop(struct berth_net *n, const char *id, const json *networks)
{
    char *pid = na_format("%s/aardvark-dns/aardvark.pid", n->run_dir);
    int lock = dns_lock(n, NULL);

    if (lock < 0) {
        berth_log(n->h, BERTH_LOG_WARNING,
                  "%s/aardvark.lock: %s: the DNS server keeps the entries of container %s",
                  n->run_dir, strerror(-lock), id);
        free(pid);
        return;
    }
    json_object_object_foreach (networks, name, options) {
        (void)options;
        drop_entry(n, name, id);
    }
    /* The number of one that was killed would be taken for a server. */
    if (pid && access(pid, F_OK) == 0 && !dns_runs(n))
        unlink(pid);
    free(pid);
    close(lock);
}

/* The number of a server that is not there. */
static int check_pid(struct check *k)
{
    char *path = na_format("%s/aardvark-dns/aardvark.pid", k->n->run_dir), *text = NULL;
    int r = path ? na_read_text(path, &text) : -ENOMEM;

    if (r == 0 && !dns_runs(k->n)) {
        r = check_left(k, NULL, "DNS server: %s names no running server", path);
        if (r > 0)
            r = unlink(path) < 0 ? berth_fail(k->n->h, k->err, errno, "removing %s", path) : 0;
    }
    free(path);
    free(text);
    return r == -ENOENT ? 0 : r;
}

int check_dns(struct check *k)
{
    char *path = na_format("%s/aardvark-dns", k->n->run_dir);
    DIR *d = path ? opendir(path) : NULL;
    struct dirent *entry;
    int r = 0, lock = d ? dns_lock(k->n, k->err) : -1;

    if (d && lock < 0)
        r = lock;
    while (d && r == 0 && (entry = readdir(d)))
        if (defs_name_ok(entry->d_name) && strcmp(entry->d_name, "aardvark.pid") != 0)
            r = check_served(k, entry->d_name);
    if (d && r == 0)
        r = check_pid(k);
    if (lock >= 0)
        close(lock);
    if (d)
        closedir(d);
    free(path);
    return r;
}
