/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_records.c - bytes as a file of containers/storage: read, changed, written, read again.
 * What was accepted once must stay readable, with the same records, whatever is done to it.
 */
#include "base/fs.h"
#include "base/str.h"
#include "storage/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];

static void remove_dir(void)
{
    fs_remove_tree(dir, NULL);
}

/* In memory, where syncing costs nothing. */
static const char *path(void)
{
    static char file[96];

    if (!*dir) {
        snprintf(dir, sizeof(dir), "%s/fuzz-records.XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (!mkdtemp(dir) || atexit(remove_dir) != 0)
            abort();
        snprintf(file, sizeof(file), "%s/layers.json", dir);
    }
    return file;
}

static void change(struct records *r)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;

    list_add(&names, "a \"name\"");
    for (size_t i = 0; i < r->n; i++) {
        _cleanup_list_ struct berth_list old = LIST_INIT;
        _cleanup_buf_ struct berth_buf id = BUF_INIT;

        record_names(&r->items[i], &old);
        if (record_str(&r->items[i], RECORD_ID, &id) < 0 || strchr(buf_str(&id), '/') ||
            records_find(r, RECORD_ID, buf_str(&id)) < 0)
            abort();
        record_flag(&r->items[i], "incomplete");
        if (records_set_names(r, i, &names, NULL) < 0 ||
            !record_has_name(&r->items[i], names.items[0]))
            abort();
        /* Flags may be nested too deeply for a tree. */
        if (records_set_incomplete(r, i, NULL) == 0 && !record_flag(&r->items[i], "incomplete"))
            abort();
    }
    if (r->n && records_find_name(r, names.items[0]) != (ssize_t)r->n - 1)
        abort();
    records_find_prefix(r, "a");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct records r = {0}, again = {0};
    size_t n;

    if (size > 65536)
        return 0;
    if (fs_replace(path(), data, size, 0600, false, NULL) < 0 || records_init(&r, path()) < 0 ||
        records_init(&again, path()) < 0)
        abort();
    if (records_load(&r, NULL) == 0) {
        change(&r);
        if (records_append(&r, "{\"id\":\"b\"}", 10, NULL) < 0 || records_save(&r, NULL) < 0 ||
            records_load(&again, NULL) < 0 || again.n != r.n)
            abort();
        n = again.n;
        records_remove(&again, 0);
        if (records_save(&again, NULL) < 0 || records_load(&r, NULL) < 0 || r.n != n - 1)
            abort();
    }
    records_clear(&r);
    records_clear(&again);
    return 0;
}
