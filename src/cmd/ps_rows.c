/* SPDX-License-Identifier: Apache-2.0 */
/* ps_rows.c - reading containers for the list. */
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "cmd/ps.h"
#include "engine/health.h"
#include "storage/storage.h"
#include <ftw.h>

static void row_free(struct row *row)
{
    char **texts[] = {&row->name,         &row->pod,    &row->pod_name,  &row->image,
                      &row->image_id,     &row->policy, &row->netns_ctr, &row->health,
                      &row->created_text, &row->labels, &row->command,   &row->mounts,
                      &row->ports,        &row->spec,   &row->volumes,   &row->nets};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(*texts[i]);
    for (size_t i = 0; i < N_SPACES; i++)
        free(row->spaces[i]);
    list_free(&row->networks);
}

void rows_cut(struct rows *rows, size_t n)
{
    while (rows->n > n)
        row_free(&rows->items[--rows->n]);
}

void rows_free(struct rows *rows)
{
    rows_cut(rows, 0);
    free(rows->items);
    *rows = (struct rows){0};
}

struct row *rows_add(struct rows *rows)
{
    if (rows->n == rows->cap) {
        size_t cap = rows->cap ? 2 * rows->cap : 64;
        struct row *items = realloc(rows->items, cap * sizeof(*items));

        if (!items)
            return NULL;
        rows->items = items;
        rows->cap = cap;
    }
    rows->items[rows->n] = (struct row){.size_rw = -1};
    return &rows->items[rows->n++];
}

/* ------------------------------------------------------------------ reading */

enum kept { TEXT, RAW, DATE, FLAG };

/* Members of the configuration: where they go and who needs them. */
static const struct {
    char name[16];
    enum kept kept;
    size_t offset;
    unsigned want; /* PS_*; 0: always */
} config_members[] = {
#define AT(member) offsetof(struct row, member)
    {"createdTime", TEXT, AT(created_text), PS_CREATED},
    {"command", RAW, AT(command), PS_COMMAND},
    {"rootfsImageName", TEXT, AT(image), PS_IMAGE},
    {"rootfsImageID", TEXT, AT(image_id), PS_IMAGE_ID},
    {"newPortMappings", RAW, AT(ports), PS_PORTS},
    {"netNsCtr", TEXT, AT(netns_ctr), PS_PORTS},
    {"labels", RAW, AT(labels), PS_LABELS},
    {"userVolumes", RAW, AT(mounts), PS_MOUNTS},
    {"pause", FLAG, AT(infra), PS_INFRA},
    {"spec", RAW, AT(spec), PS_REMOVE | PS_VOLUMES},
    {"namedVolumes", RAW, AT(volumes), PS_VOLUMES},
    {"newNetworks", RAW, AT(nets), PS_NETWORKS},
    {"restart_policy", TEXT, AT(policy), PS_POLICY},
    {"healthcheck", FLAG, AT(has_health), PS_HEALTH},
};

static int keep_text(struct berth_blob v, char **out)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    if (!v.data || json_text_str(v, &text) < 0)
        return 0;
    *out = buf_steal(&text);
    return *out ? 0 : -ENOMEM;
}

static bool is_null(struct berth_blob v)
{
    return !v.data || (v.len == 4 && memcmp(v.data, "null", 4) == 0);
}

static int read_config(struct row *row, struct berth_blob config, unsigned want,
                       struct berth_error *err)
{
    const char *names[ARRAY_LEN(config_members)];
    struct berth_blob values[ARRAY_LEN(config_members)];
    size_t which[ARRAY_LEN(config_members)], n = 0;
    int r;

    for (size_t i = 0; i < ARRAY_LEN(config_members); i++)
        if (config_members[i].want & want) {
            which[n] = i;
            names[n++] = config_members[i].name;
        }
    if (n == 0)
        return 0;
    r = json_project(config, names, n, values, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n && r == 0; i++) {
        void *at = (char *)row + config_members[which[i]].offset;

        if (is_null(values[i]))
            continue;
        if (config_members[which[i]].kept == TEXT) {
            r = keep_text(values[i], at);
        } else if (config_members[which[i]].kept == RAW) {
            *(char **)at = strndup(values[i].data, values[i].len);
            r = *(char **)at ? 0 : -ENOMEM;
        } else {
            *(bool *)at = true;
            json_text_bool(values[i], at); /* an object counts as true */
        }
    }
    if (row->created_text)
        time_parse(row->created_text, &row->created);
    return r < 0 ? fail(err, ENOMEM, "out of memory") : 0;
}

static void read_time(struct berth_blob v, berth_date *out)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;

    *out = DATE_NEVER;
    if (v.data && json_text_str(v, &text) == 0)
        time_parse(buf_str(&text), out);
}

static int read_state(struct row *row, struct berth_blob state, unsigned want,
                      struct berth_error *err)
{
    static const char *const names[] = {"state",       "exitCode",     "pid",   "conmonPid",
                                        "startedTime", "finishedTime", "runDir"};
    struct berth_blob v[ARRAY_LEN(names)];
    int64_t status = row->status;
    int r;

    row->started = row->finished = DATE_NEVER;
    if (!state.data)
        return 0; /* some old databases have none */
    r = json_project(state, names, ARRAY_LEN(names), v, err);
    if (r < 0)
        return r;
    row->exit_code = row->pid = row->conmon_pid = 0;
    json_text_i64(v[0], &status);
    row->status = (int)status;
    json_text_i64(v[1], &row->exit_code);
    json_text_i64(v[2], &row->pid);
    json_text_i64(v[3], &row->conmon_pid);
    read_time(v[4], &row->started);
    read_time(v[5], &row->finished);
    if ((want & PS_HEALTH) && row->has_health) {
        _cleanup_free_ char *dir = NULL;
        _cleanup_json_ json *log = NULL;

        keep_text(v[6], &dir);
        log = health_log(str_or(dir, ""));
        str_set(&row->health, json_str(log, "Status"));
    }
    return 0;
}

struct reading {
    struct rows *rows;
    unsigned want;
    struct berth_error *err;
};

static int read_record(void *arg, const struct berth_record *rec)
{
    struct reading *reading = arg;
    struct row *row;
    int r;

    if (strlen(rec->id) > ID_LEN)
        return 0;
    row = rows_add(reading->rows);
    if (!row)
        return fail(reading->err, ENOMEM, "out of memory");
    row->status = rec->status;
    strcpy(row->id, rec->id);
    if (str_set(&row->name, rec->name) < 0 || str_set(&row->pod, rec->pod) < 0)
        return fail(reading->err, ENOMEM, "out of memory");
    r = read_config(row, rec->config, reading->want, reading->err);
    if (r == 0)
        r = read_state(row, rec->state, reading->want, reading->err);
    return r < 0 ? error_wrap(reading->err, "container %s", rec->id) : 0;
}

static int add_network(void *arg, const struct berth_link *link)
{
    return list_add(arg, link->to);
}

/* Stores without links for networks have them in the configuration. */
static int add_stored_networks(struct row *row)
{
    _cleanup_json_ json *nets = NULL;

    if (json_parse_object((struct berth_blob){row->nets, strlen(row->nets)}, "networks", &nets,
                          NULL) < 0)
        return 0;
    json_object_object_foreach (nets, name, options) {
        (void)options;
        list_add(&row->networks, name);
    }
    list_sort(&row->networks);
    return row->networks.error;
}

/* What other records and links tell about the rows. */
static int read_around(struct engine *e, struct txn *t, struct rows *rows, unsigned want,
                       struct berth_error *err)
{
    bool links = state_caps(e->state) & BERTH_STATE_CAP_NETWORKS;
    struct berth_record pod = {.size = sizeof(pod)};
    int r;

    for (size_t i = 0; i < rows->n; i++) {
        struct row *row = &rows->items[i];

        if ((want & PS_NETWORKS) && !links && row->nets) {
            r = add_stored_networks(row);
            if (r < 0)
                return fail(err, ENOMEM, "out of memory");
        }
        if ((want & PS_NETWORKS) && links) {
            r = txn_links(t, BERTH_LINK_NETWORK, BERTH_FROM, row->id, add_network,
                          &row->networks, err);
            if (r < 0)
                return r;
        }
        if ((want & PS_POD_NAME) && row->pod) {
            r = txn_get(t, BERTH_POD, row->pod, BERTH_REC_NAME, &pod, err);
            if (r < 0 && r != -ENOENT)
                return r;
            if (r == 0 && str_set(&row->pod_name, pod.name) < 0)
                return fail(err, ENOMEM, "out of memory");
            error_clear(err);
        }
    }
    return 0;
}

/* A container whose process ended since it was last looked at: let the record follow. */
static void follow_reality(struct engine *e, struct row *row)
{
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct ctr *c = NULL;
    int r = ctr_load(e, row->id, &c, &err);

    if (r == 0)
        r = ctr_lock(c, &err);
    if (r == 0) {
        json_write(c->state, 0, &text);
        read_state(row, buf_blob(&text), 0, &err);
        ctr_unlock(c);
    } else if (r != -ENOENT) {
        log_error("container %s: %s", row->id, error_text(&err));
    }
    ctr_free(c);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->id, ((const struct row *)b)->id);
}

/* Members of a pod show the ports of the container whose network they share. */
static int share_ports(struct rows *rows, struct berth_error *err)
{
    SORT(rows->items, rows->n, by_id);
    for (size_t i = 0; i < rows->n; i++) {
        struct row *row = &rows->items[i], *owner;
        struct row key = {.id = ""};

        if (!row->netns_ctr || strlen(row->netns_ctr) > ID_LEN)
            continue;
        strcpy(key.id, row->netns_ctr);
        owner = bsearch(&key, rows->items, rows->n, sizeof(*rows->items), by_id);
        if (owner && owner != row && str_set(&row->ports, owner->ports) < 0)
            return fail(err, ENOMEM, "out of memory");
    }
    return 0;
}

int rows_read(struct engine *e, unsigned want, struct rows *out, struct berth_error *err)
{
    uint64_t members = BERTH_REC_NAME | BERTH_REC_ATTRS | BERTH_REC_CONFIG | BERTH_REC_STATE;
    _cleanup_rows_ struct rows external = {0};
    struct reading reading = {out, want, err};
    struct txn *t = NULL;
    /* First: what is recorded meanwhile is of this program. */
    int r = want & PS_EXTERNAL ? rows_external(e, &external, err) : 0;

    if (r == 0)
        r = store_begin(e, false, &t, err);
    if (r < 0)
        return r;
    r = store_scan(e, t, BERTH_CONTAINER, members, read_record, &reading, err);
    if (r >= 0 && (want & (PS_NETWORKS | PS_POD_NAME)))
        r = read_around(e, t, out, want, err);
    txn_rollback(t);
    if (r < 0)
        return r;
    for (size_t i = 0; i < out->n; i++) {
        struct row *row = &out->items[i];

        if (want & PS_SYNC || ctr_is_stale(e, row->id, row->status, row->pid, row->conmon_pid))
            follow_reality(e, row);
    }
    if (want & PS_PORTS)
        r = share_ports(out, err);
    return r < 0 ? r : rows_merge(out, &external, err);
}

/* ------------------------------------------------------------ looks elsewhere */

static void read_spaces(struct row *row)
{
    static const char *const files[N_SPACES] = {
        [SPACE_CGROUP] = "cgroup", [SPACE_IPC] = "ipc", [SPACE_MNT] = "mnt",
        [SPACE_NET] = "net",       [SPACE_PID] = "pid", [SPACE_USER] = "user",
        [SPACE_UTS] = "uts",
    };
    char path[64], target[64];

    if (row->pid <= 0)
        return;
    for (size_t i = 0; i < N_SPACES; i++) {
        ssize_t n;
        char *open;

        snprintf(path, sizeof(path), "/proc/%lld/ns/%s", (long long)row->pid, files[i]);
        n = readlink(path, target, sizeof(target) - 1);
        if (n <= 0)
            continue;
        target[n] = '\0';
        open = strchr(target, '[');
        if (open && target[n - 1] == ']') {
            target[n - 1] = '\0';
            str_set(&row->spaces[i], open + 1);
        }
    }
}

static int64_t tree_size; /* nftw() hands nothing through */

static int add_size(const char *path _unused_, const struct stat *st, int type,
                    struct FTW *at _unused_)
{
    if (type == FTW_F || type == FTW_SL)
        tree_size += st->st_size;
    return 0;
}

/* Bytes of the files that the container may have changed. */
static int read_size(struct engine *e, struct row *row, struct berth_error *err)
{
    _cleanup_storage_container_ struct storage_container record = {0};
    _cleanup_ctr_ struct ctr *c = NULL;
    _cleanup_free_ char *layer = NULL;
    const char *root;
    struct storage *storage;
    int r = ctr_load(e, row->id, &c, err);

    if (r < 0)
        return r;
    root = json_str(c->config, "rootfs");
    if (str_empty(root)) {
        r = engine_storage(e, &storage, err);
        if (r == 0)
            r = storage_container_lookup(storage, row->id, &record, err);
        if (r < 0)
            return r;
        layer = str_printf("%s/%s/%s/diff", e->conf->graph_root, e->conf->storage_driver,
                           record.layer);
        root = str_or(layer, "");
    }
    tree_size = 0;
    nftw(root, add_size, 16, FTW_PHYS | FTW_MOUNT);
    row->size_rw = tree_size;
    return 0;
}

int row_complete(struct engine *e, struct row *row, unsigned want, struct berth_error *err)
{
    if (row->external)
        return 0;
    if (want & PS_SPACES)
        read_spaces(row);
    return want & PS_SIZE ? read_size(e, row, err) : 0;
}
