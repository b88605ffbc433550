/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_cache.c - compiled filters, one file each in <tmp dir>/berth-seccomp.
 *
 * The file's name is the digest of all that decides what libseccomp makes: the document, in
 * which the profile, the capabilities and the architectures have gone, and the kernel.  The
 * library itself stands in the file, with what tells its own file from any other, so that it
 * need not be loaded to be known again.
 */
#include "base/fs.h"
#include "base/list.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "engine/seccomp.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sys/utsname.h>

#define FOLDER "berth-seccomp"
#define MAGIC  "berth\0bp"
#define FORMAT 1

#define ENTRIES_MAX 100 /* of some 10 KiB each */

/* What tells a file from any other. */
struct identity {
    char path[256];
    uint64_t dev, ino, size, mtime, ctime; /* times in nanoseconds */
};

struct head {
    char magic[8];
    uint32_t version;
    uint32_t len; /* bytes of the filter, which follows */
    uint8_t key[SHA256_LEN];
    struct identity library;
    uint8_t digest[SHA256_LEN]; /* of head, with zeros in this place, and filter */
};
_Static_assert(sizeof(struct head) == 8 + 8 + 2 * SHA256_LEN + 256 + 40, "no padding");

static uint64_t nanoseconds(struct timespec t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int identify(const char *path, struct identity *out)
{
    struct stat st;

    memset(out, 0, sizeof(*out));
    if (strlen(path) >= sizeof(out->path))
        return -ENAMETOOLONG;
    if (stat(path, &st) < 0)
        return -errno;
    strcpy(out->path, path);
    out->dev = st.st_dev;
    out->ino = st.st_ino;
    out->size = (uint64_t)st.st_size;
    out->mtime = nanoseconds(st.st_mtim);
    out->ctime = nanoseconds(st.st_ctim);
    return 0;
}

static int make_key(const json *filter, uint8_t out[static SHA256_LEN])
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct utsname kernel;
    struct sha256 s;

    if (uname(&kernel) < 0 || json_write(filter, JSON_RAW, &text) < 0)
        return -ENOMEM;
    sha256_begin(&s);
    sha256_add(&s, kernel.release, strlen(kernel.release) + 1);
    sha256_add(&s, kernel.machine, strlen(kernel.machine) + 1);
    sha256_add(&s, text.data, text.len);
    sha256_end(&s, out);
    return 0;
}

static void make_digest(struct head head, const void *filter, uint8_t out[static SHA256_LEN])
{
    struct sha256 s;

    memset(head.digest, 0, sizeof(head.digest));
    sha256_begin(&s);
    sha256_add(&s, &head, sizeof(head));
    sha256_add(&s, filter, head.len);
    sha256_end(&s, out);
}

static char *entry_path(const char *dir, const uint8_t key[static SHA256_LEN])
{
    char name[2 * SHA256_LEN + 1];

    for (size_t i = 0; i < SHA256_LEN; i++)
        sprintf(name + 2 * i, "%02x", key[i]);
    return path_join(dir, name);
}

/* NULL: it is ours alone; else one clause. */
static const char *distrust(const struct stat *st, mode_t kind)
{
    if ((st->st_mode & S_IFMT) != kind)
        return "is of another kind";
    if (st->st_uid != geteuid())
        return "belongs to somebody else";
    return st->st_mode & 077 ? "is open to others" : NULL;
}

/* NULL: the filter of this head may be used. */
static const char *check_entry(const struct head *head, const void *filter, size_t len,
                               const uint8_t key[static SHA256_LEN])
{
    uint8_t digest[SHA256_LEN];
    struct identity library;

    if (memcmp(head->magic, MAGIC, sizeof(head->magic)) != 0 || head->version != FORMAT)
        return "is no filter of this version";
    if (head->len != len || len == 0 || len % sizeof(struct sock_filter) != 0)
        return "has another length than it says";
    make_digest(*head, filter, digest);
    if (memcmp(digest, head->digest, sizeof(digest)) != 0)
        return "is damaged";
    if (memcmp(key, head->key, sizeof(head->key)) != 0)
        return "is the filter of another profile";
    if (!memchr(head->library.path, '\0', sizeof(head->library.path)) ||
        identify(head->library.path, &library) < 0 ||
        memcmp(&library, &head->library, sizeof(library)) != 0)
        return "was made by another libseccomp";
    return NULL;
}

static bool load(const char *path, const uint8_t key[static SHA256_LEN], struct berth_buf *bpf)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    const char *problem;
    struct head head;
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return false;
    if (fd < 0 || fstat(fd, &st) < 0)
        problem = strerror(errno);
    else
        problem = distrust(&st, S_IFREG);
    if (!problem && (fs_read_fd(fd, path, sizeof(head) + BPF_MAXINSNS * 8, &text, NULL) < 0 ||
                     text.len < sizeof(head)))
        problem = "is no filter of this version";
    if (!problem) {
        memcpy(&head, text.data, sizeof(head));
        problem = check_entry(&head, text.data + sizeof(head), text.len - sizeof(head), key);
    }
    if (problem)
        log_debug("the seccomp filter %s %s: making it anew", path, problem);
    return !problem && buf_put(bpf, text.data + sizeof(head), text.len - sizeof(head)) >= 0;
}

/* Every profile and every set of capabilities makes a file: so that they do not fill the
 * memory, all go when there are many. */
static void make_room(const char *dir)
{
    _cleanup_list_ struct berth_list names = LIST_INIT;
    DIR *d = opendir(dir);
    struct dirent *entry;

    while (d && (entry = readdir(d)))
        if (entry->d_name[0] != '.')
            list_add(&names, entry->d_name);
    for (size_t i = 0; names.n >= ENTRIES_MAX && i < names.n; i++)
        unlinkat(dirfd(d), names.items[i], 0);
    if (d)
        closedir(d);
}

static void store(const char *path, const uint8_t key[static SHA256_LEN],
                  const struct berth_buf *bpf)
{
    _cleanup_buf_ struct berth_buf text = BUF_INIT;
    struct head head = {.magic = MAGIC, .version = FORMAT, .len = (uint32_t)bpf->len};
    const struct seccomp_lib *lib;

    if (seccomp_lib(&lib, NULL) < 0 || identify(lib->path, &head.library) < 0)
        return;
    memcpy(head.key, key, sizeof(head.key));
    make_digest(head, bpf->data, head.digest);
    buf_put(&text, &head, sizeof(head));
    if (buf_put(&text, bpf->data, bpf->len) >= 0)
        fs_replace(path, text.data, text.len, 0600, false, NULL);
}

/* The directory, made if need be; NULL: there is none that is safe. */
static char *folder(const struct conf *c)
{
    char *dir = path_join(c->tmp_dir, FOLDER);
    struct stat st = {.st_mode = 0};

    if (dir && lstat(dir, &st) < 0 && errno == ENOENT && mkdir(dir, 0700) == 0)
        lstat(dir, &st);
    if (dir && !distrust(&st, S_IFDIR))
        return dir;
    log_debug("compiled seccomp filters are not kept: %s is not a directory of ours alone",
              str_or(dir, FOLDER));
    free(dir);
    return NULL;
}

int seccomp_cached(const struct conf *c, const json *filter, struct berth_buf *bpf,
                   struct berth_error *err)
{
    _cleanup_free_ char *dir = folder(c), *path = NULL;
    uint8_t key[SHA256_LEN];
    int r = make_key(filter, key);

    if (r < 0)
        return fail(err, -r, "seccomp: the filter cannot be named");
    path = dir ? entry_path(dir, key) : NULL;
    if (path && load(path, key, bpf))
        return 0;
    buf_reset(bpf);
    r = seccomp_compile(filter, bpf, NULL, err);
    if (r == 0 && path) {
        make_room(dir);
        store(path, key, bpf);
    }
    return r;
}
