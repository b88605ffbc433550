/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storage_tool.c - the container store on a command line, for tests with podman beside it.
 *
 *   storage_tool GRAPHROOT RUNROOT create NAME [--rm]    prints the ID
 *   storage_tool GRAPHROOT RUNROOT delete NAME-OR-ID
 *   storage_tool GRAPHROOT RUNROOT rename NAME-OR-ID NEW
 *   storage_tool GRAPHROOT RUNROOT lookup NAME-OR-ID     prints ID, names, image
 *   storage_tool GRAPHROOT RUNROOT list                  prints ID, names, image
 *   storage_tool GRAPHROOT RUNROOT mount NAME-OR-ID      prints the mount point
 *   storage_tool GRAPHROOT RUNROOT unmount NAME-OR-ID
 *   storage_tool GRAPHROOT RUNROOT hammer PREFIX N       makes N, deletes every second one
 *   storage_tool TMPDIR BACKEND events PREFIX N [MAX-SIZE] writes N events
 */
#include "base/id.h"
#include "base/str.h"
#include "engine/events.h"
#include "storage/storage.h"

static int print(void *arg, const struct storage_container *c)
{
    _cleanup_free_ char *names = list_join(&c->names, ",");

    (void)arg;
    printf("%s %s %s\n", c->id, names, *c->image ? c->image : "-");
    return 0;
}

static int create(struct storage *st, const char *name, bool rm, char id[static ID_LEN + 1],
                  struct berth_error *err)
{
    struct storage_new what = {.id = id, .name = name, .is_volatile = rm};

    id_generate(id);
    return storage_container_create(st, &what, NULL, NULL, err);
}

static int hammer(struct storage *st, const char *prefix, int n, struct berth_error *err)
{
    for (int i = 0; i < n; i++) {
        _cleanup_free_ char *name = str_printf("%s%d", prefix, i);
        char id[ID_LEN + 1];
        int r = create(st, name, i % 3 == 0, id, err);

        if (r == 0 && i % 2)
            r = storage_container_delete(st, id, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Events of every kind of object. */
static int events(const char *tmp_dir, const char *backend, const char *prefix, int n,
                  int64_t max)
{
    struct conf conf = {.tmp_dir = (char *)(uintptr_t)tmp_dir,
                        .events_logger = (char *)(uintptr_t)backend,
                        .events_logfile_max_size = max};
    _cleanup_json_ json *labels = json_new();
    struct engine e = {.conf = &conf};

    json_set_str(labels, "from", "berth <&>");
    for (int i = 0; i < n; i++) {
        _cleanup_free_ char *name = str_printf("%s%d", prefix, i);
        char id[ID_LEN + 1];
        struct event ev = {
            .type = "container", .status = "died", .id = id, .name = name, .exit_code = 7};

        id_generate(id);
        ev.pod = i % 2 ? id : NULL;
        ev.attributes = labels;
        event_write(&e, &ev);
        event_object(&e, "pod", "create", id, name);
        event_object(&e, "volume", "remove", NULL, name);
    }
    event_system(&e, "renumber");
    return 0;
}

static int run(struct storage *st, int argc, char **argv, struct berth_error *err)
{
    _cleanup_storage_container_ struct storage_container c = {0};
    char id[ID_LEN + 1];
    int r;

    if (str_eq(argv[0], "list"))
        return storage_container_each(st, print, NULL, err);
    if (argc < 2)
        return fail(err, EINVAL, "arguments are missing");
    if (str_eq(argv[0], "create")) {
        r = create(st, argv[1], argc > 2, id, err);
        if (r == 0)
            puts(id);
        return r;
    }
    if (str_eq(argv[0], "hammer"))
        return hammer(st, argv[1], argc > 2 ? atoi(argv[2]) : 10, err);
    r = storage_container_lookup(st, argv[1], &c, err);
    if (r < 0)
        return r;
    if (str_eq(argv[0], "lookup"))
        return print(NULL, &c);
    if (str_eq(argv[0], "mount")) {
        _cleanup_free_ char *path = NULL;

        r = storage_mount(st, c.id, &path, err);
        if (r == 0)
            puts(path);
        return r;
    }
    if (str_eq(argv[0], "unmount"))
        return storage_unmount(st, c.id, false, err);
    if (str_eq(argv[0], "delete"))
        return storage_container_delete(st, c.id, err);
    if (str_eq(argv[0], "rename") && argc > 2)
        return storage_container_rename(st, c.id, argv[2], err);
    return fail(err, EINVAL, "unknown operation %s", argv[0]);
}

int main(int argc, char **argv)
{
    _cleanup_storage_ struct storage *st = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;

    if (argc < 4) {
        fprintf(stderr, "usage: storage_tool GRAPHROOT RUNROOT OPERATION [ARG...]\n");
        return 2;
    }
    if (str_eq(argv[3], "events") && argc > 5)
        return events(argv[1], argv[2], argv[4], atoi(argv[5]), argc > 6 ? atoi(argv[6]) : 0);
    if (storage_open(argv[1], argv[2], NULL, &st, &err) < 0 ||
        run(st, argc - 3, argv + 3, &err) < 0) {
        fprintf(stderr, "Error: %s\n", error_text(&err));
        return 1;
    }
    return 0;
}
