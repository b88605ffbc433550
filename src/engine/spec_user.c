/* SPDX-License-Identifier: Apache-2.0 */
/* spec_user.c - users and groups as the container's own files know them. */
#include "engine/spec_priv.h"
#include <fcntl.h>

#define DB_MAX (4u << 20)

int spec_open_in_root(const char *root, const char *path, int flags)
{
    _cleanup_close_ int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return dir < 0 ? -errno : fs_open_in(dir, path, flags, 0600);
}

void spec_user_free(struct spec_user *u)
{
    free(u->home);
    free(u->groups);
    *u = (struct spec_user){0};
}

/* The text of a file; a missing one is empty. */
static int db_read(const char *root, const char *instead, const char *path,
                   struct berth_buf *out, struct berth_error *err)
{
    _cleanup_close_ int fd =
        instead ? open(instead, O_RDONLY | O_CLOEXEC) : spec_open_in_root(root, path, O_RDONLY);
    struct stat st;

    if (instead && fd < 0)
        fd = -errno;
    if (fd == -ENOENT || fd == -ENOTDIR)
        return 0;
    if (fd < 0)
        return spec_fail_errno(err, -fd, "open %s in %s", path, root);
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return fs_read_fd(fd, path, DB_MAX, out, err);
}

/* Cut the next line into at most n fields at ':'; false at the end of the text. */
static bool db_line(char **at, char **field, size_t n, size_t *found)
{
    char *line = *at, *end;

    if (!line || !*line)
        return false;
    end = strchrnul(line, '\n');
    *at = *end ? end + 1 : end;
    *end = '\0';
    for (*found = 0; *found < n && line; (*found)++) {
        char *colon = strchr(line, ':');

        field[*found] = line;
        if (colon && *found + 1 < n)
            *colon = '\0';
        line = colon ? colon + 1 : NULL;
    }
    return true;
}

static bool id_number(const char *text, uint32_t *out)
{
    uint64_t v;

    if (str_to_u64(text, &v) < 0 || v > INT32_MAX)
        return false;
    *out = (uint32_t)v;
    return true;
}

static void add_group(struct spec_user *u, uint32_t gid)
{
    uint32_t *grown;

    for (size_t i = 0; i < u->n_groups; i++)
        if (u->groups[i] == gid)
            return;
    grown = realloc(u->groups, (u->n_groups + 1) * sizeof(*grown));
    if (!grown)
        return;
    u->groups = grown;
    u->groups[u->n_groups++] = gid;
}

static bool member(const char *list, const char *name)
{
    size_t len = strlen(name);

    while (*list) {
        size_t n = strcspn(list, ",");

        if (n == len && strncmp(list, name, n) == 0)
            return true;
        list += n + (list[n] == ',');
    }
    return false;
}

/* Supplementary groups that list `name`; with `group` also the gid of that group. */
static int groups_of(char *text, const char *name, const char *group, struct spec_user *u,
                     bool *found)
{
    char *field[4];
    uint32_t gid;
    size_t n;

    while (db_line(&text, field, 4, &n)) {
        if (n < 3 || !id_number(field[2], &gid))
            continue;
        if (name && n == 4 && member(field[3], name))
            add_group(u, gid);
        if (group && !*found && str_eq(field[0], group)) {
            u->gid = gid;
            *found = true;
        }
    }
    return 0;
}

/* Find a user by name, then by number; *name becomes its name (allocated). */
static int find_user(char *text, const char *who, struct spec_user *u, char **name)
{
    char *field[7], *start = strdup(text), *at = text;
    uint32_t wanted = 0, uid, gid;
    bool number = id_number(who, &wanted);
    size_t n;

    for (int pass = 0; start && pass < (number ? 2 : 1) && !u->known; pass++) {
        if (pass)
            at = start;
        while (!u->known && db_line(&at, field, 7, &n)) {
            if (n < 4 || !id_number(field[2], &uid) || !id_number(field[3], &gid))
                continue;
            if (pass ? uid != wanted : !str_eq(field[0], who))
                continue;
            u->known = true;
            u->uid = uid;
            u->gid = gid;
            u->home = strdup(n > 5 ? field[5] : "");
            *name = strdup(field[0]);
        }
    }
    free(start);
    if (!u->known && number)
        u->uid = wanted;
    return u->known || number ? 0 : -ENOENT;
}

int spec_user_lookup(const char *root, const char *passwd, const char *group, const char *user,
                     struct spec_user *out, struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf users = BUF_INIT, groups = BUF_INIT;
    _cleanup_free_ char *who = NULL, *name = NULL;
    char empty[1] = {0};
    const char *group_text = strchr(user, ':');
    struct spec_user u = {0};
    bool found = false;
    int r;

    who = strndup(user, strcspn(user, ":"));
    if (!who)
        return fail(err, ENOMEM, "out of memory");
    r = db_read(root, passwd, "/etc/passwd", &users, err);
    if (r >= 0)
        r = db_read(root, group, "/etc/group", &groups, err);
    if (r < 0)
        return r;
    if (find_user(users.data ? users.data : empty, *who ? who : "0", &u, &name) < 0)
        return fail(err, ENOENT, "unable to find user %s: no matching entries in passwd file",
                    who);
    if (!*who && !name)
        name = strdup("root");
    groups_of(groups.data ? groups.data : empty, group_text ? NULL : name,
              group_text ? group_text + 1 : NULL, &u, &found);
    if (group_text && !found && !id_number(group_text + 1, &u.gid)) {
        spec_user_free(&u);
        return fail(err, ENOENT, "unable to find group %s: no matching entries in group file",
                    group_text + 1);
    }
    *out = u;
    return 0;
}

int spec_group_lookup(const char *root, const char *group_file, const char *name, uint32_t *out,
                      struct berth_error *err)
{
    _cleanup_buf_ struct berth_buf groups = BUF_INIT;
    char empty[1] = {0};
    struct spec_user u = {0};
    bool found = false;
    int r = db_read(root, group_file, "/etc/group", &groups, err);

    if (r < 0)
        return r;
    groups_of(groups.data ? groups.data : empty, NULL, name, &u, &found);
    if (!found && !id_number(name, &u.gid))
        return fail(err, ENOENT, "Unable to find group %s: no matching entries in group file",
                    name);
    *out = u.gid;
    return 0;
}
