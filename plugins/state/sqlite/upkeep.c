/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for damage, copying, and naming the files. */
#include "sqlite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the keys of the schema do not say, or cannot where they were switched off. */
static const struct rule {
    const char *find;   /* gives one text for each finding */
    const char *repair; /* NULL: mending would lose something */
    const char *message;
} rules[] = {
    {"SELECT ID FROM ContainerConfig UNION SELECT ID FROM PodConfig EXCEPT"
     " SELECT ID FROM IDNamespace",
     "INSERT OR IGNORE INTO IDNamespace(ID) SELECT ID FROM ContainerConfig UNION"
     " SELECT ID FROM PodConfig",
     "%s is not reserved in IDNamespace"},
    {"SELECT ID FROM IDNamespace EXCEPT SELECT ID FROM ContainerConfig EXCEPT"
     " SELECT ID FROM PodConfig",
     "DELETE FROM IDNamespace WHERE ID NOT IN (SELECT ID FROM ContainerConfig UNION"
     " SELECT ID FROM PodConfig)",
     "%s is reserved in IDNamespace for nothing"},
    {"SELECT ID FROM ContainerConfig INTERSECT SELECT ID FROM PodConfig", NULL,
     "%s is the ID of a container and of a pod"},
    {"SELECT 'container '||ID FROM ContainerConfig WHERE ID NOT IN"
     " (SELECT ID FROM ContainerState) UNION ALL"
     " SELECT 'pod '||ID FROM PodConfig WHERE ID NOT IN (SELECT ID FROM PodState) UNION ALL"
     " SELECT 'volume '||Name FROM VolumeConfig WHERE Name NOT IN (SELECT Name FROM "
     "VolumeState)",
     NULL, "%s has no state"},
    {"SELECT ID FROM ContainerState WHERE ID NOT IN (SELECT ID FROM ContainerConfig) UNION ALL"
     " SELECT ID FROM PodState WHERE ID NOT IN (SELECT ID FROM PodConfig) UNION ALL"
     " SELECT Name FROM VolumeState WHERE Name NOT IN (SELECT Name FROM VolumeConfig)",
     NULL, "%s has a state and no configuration"},
    {"SELECT ID||' -> '||DependencyID FROM ContainerDependency WHERE ID NOT IN"
     " (SELECT ID FROM ContainerConfig) OR DependencyID NOT IN (SELECT ID FROM "
     "ContainerConfig)",
     "DELETE FROM ContainerDependency WHERE ID NOT IN (SELECT ID FROM ContainerConfig)"
     " OR DependencyID NOT IN (SELECT ID FROM ContainerConfig)",
     "dependency %s: an end is not there"},
    {"SELECT ContainerID||' -> '||VolumeName FROM ContainerVolume WHERE ContainerID NOT IN"
     " (SELECT ID FROM ContainerConfig) OR VolumeName NOT IN (SELECT Name FROM VolumeConfig)",
     "DELETE FROM ContainerVolume WHERE ContainerID NOT IN (SELECT ID FROM ContainerConfig)"
     " OR VolumeName NOT IN (SELECT Name FROM VolumeConfig)",
     "volume %s: an end is not there"},
    {"SELECT ID||' -> '||ContainerID FROM ContainerExecSession WHERE ContainerID NOT IN"
     " (SELECT ID FROM ContainerConfig)",
     "DELETE FROM ContainerExecSession WHERE ContainerID NOT IN (SELECT ID FROM "
     "ContainerConfig)",
     "exec session %s: the container is not there"},
    {"SELECT ID||' in '||PodID FROM ContainerConfig WHERE PodID IS NOT NULL AND PodID NOT IN"
     " (SELECT ID FROM PodConfig)",
     NULL, "container %s: the pod is not there"},
    {"SELECT ID FROM PodState WHERE InfraContainerID IS NOT NULL",
     "UPDATE PodState SET InfraContainerID=NULL WHERE InfraContainerID IS NOT NULL",
     "pod %s names its infra container in a column, where podman cannot remove it"},
    {"SELECT 'container '||ID FROM ContainerConfig WHERE typeof(JSON) NOT IN ('text','blob')"
     " UNION ALL SELECT 'pod '||ID FROM PodConfig WHERE typeof(JSON) NOT IN ('text','blob')"
     " UNION ALL SELECT 'volume '||Name FROM VolumeConfig WHERE typeof(JSON)"
     " NOT IN ('text','blob')",
     NULL, "%s has a configuration that is no document"},
    {"SELECT 'container '||ID FROM ContainerState WHERE typeof(JSON) NOT IN ('text','blob')"
     " UNION ALL SELECT 'pod '||ID FROM PodState WHERE typeof(JSON) NOT IN ('text','blob')"
     " UNION ALL SELECT 'volume '||Name FROM VolumeState WHERE typeof(JSON)"
     " NOT IN ('text','blob')",
     NULL, "%s has a state that is no document"},
    {"SELECT 'container '||quote(ID) FROM ContainerConfig WHERE typeof(ID)<>'text' OR ID=''"
     " OR typeof(Name)<>'text' OR Name=''"
     " UNION ALL SELECT 'pod '||quote(ID) FROM PodConfig WHERE typeof(ID)<>'text' OR ID=''"
     " OR typeof(Name)<>'text' OR Name=''"
     " UNION ALL SELECT 'volume '||quote(Name) FROM VolumeConfig WHERE typeof(Name)<>'text'"
     " OR Name=''",
     NULL, "%s has a key that is no text"},
};

struct checking {
    struct berth_state *s;
    struct berth_list *report;
    struct berth_error *err;
    int64_t n;
    int index_damage;
};

static int say(struct checking *c, const char *line)
{
    c->n++;
    if (c->report && c->s->h->add(c->s->h->core, c->report, line) < 0)
        return berth_fail(c->s->h, c->err, ENOMEM, "cannot report findings");
    return 0;
}

/* What a rule finds, in its words. */
static int apply(struct checking *c, const struct rule *rule)
{
    char line[512];
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->s->db, rule->find, -1, &stmt, NULL), r = 0;

    while (rc == SQLITE_OK && r == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        const char *mark = strstr(rule->message, "%s");

        snprintf(line, sizeof(line), "%.*s%.300s%s", (int)(mark - rule->message), rule->message,
                 text ? text : "?", mark + 2);
        r = say(c, line);
        rc = SQLITE_OK;
    }
    if (r == 0 && rc != SQLITE_DONE) {
        /* A table that is gone or a page that is damaged is a finding itself. */
        snprintf(line, sizeof(line), "%s", sqlite3_errmsg(c->s->db));
        r = say(c, line);
    }
    sqlite3_finalize(stmt);
    return r;
}

static int check_pages(struct checking *c)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->s->db, "PRAGMA integrity_check", -1, &stmt, NULL), r = 0;

    while (rc == SQLITE_OK && r == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);

        rc = SQLITE_OK;
        if (!text || strcmp(text, "ok") == 0)
            continue;
        c->index_damage |= strstr(text, "index") != NULL;
        r = say(c, text);
    }
    if (r == 0 && rc != SQLITE_DONE)
        r = say(c, sqlite3_errmsg(c->s->db));
    sqlite3_finalize(stmt);
    return r;
}

static int mend(struct checking *c)
{
    int rc = sqlite3_exec(c->s->db, "PRAGMA defer_foreign_keys=ON", NULL, NULL, NULL);

    if (rc == SQLITE_OK && c->index_damage)
        rc = sqlite3_exec(c->s->db, "REINDEX", NULL, NULL, NULL);
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof(rules) / sizeof(*rules); i++)
        if (rules[i].repair)
            rc = sqlite3_exec(c->s->db, rules[i].repair, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : sq_fail(c->s, c->err, rc, "mending");
}

int64_t sq_check(struct berth_state *s, int repair, struct berth_list *report,
                 struct berth_error *err)
{
    struct checking c = {s, report, err, 0, 0};
    struct berth_txn *t;
    int r = sq_begin(s, repair ? BERTH_TXN_WRITE : 0, sq_patience(s), &t, err);

    if (r < 0)
        return r;
    r = sq_expect_all(s, err);
    if (r == 0)
        r = check_pages(&c);
    for (size_t i = 0; r == 0 && i < sizeof(rules) / sizeof(*rules); i++)
        r = apply(&c, &rules[i]);
    if (r == 0 && repair && c.n > 0)
        r = mend(&c);
    if (r == 0 && repair && c.n > 0)
        r = sq_commit(t, err);
    else
        sq_rollback(t);
    return r < 0 ? r : c.n;
}

static int write_all(struct berth_state *s, int fd, const unsigned char *data, size_t len,
                     struct berth_error *err)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len < 1 << 20 ? len : 1 << 20);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return berth_fail(s->h, err, errno, "cannot write the copy of %s", s->path);
        if (s->h->cancelled(s->h->core))
            return berth_fail(s->h, err, ECANCELED, "copying %s was stopped", s->path);
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int sq_backup(struct berth_state *s, int fd, struct berth_error *err)
{
    sqlite3_int64 size = 0;
    unsigned char *copy;
    struct berth_txn *t;
    int r = sq_begin(s, 0, sq_patience(s), &t, err);

    if (r < 0)
        return r;
    copy = sqlite3_serialize(s->db, "main", &size, 0);
    sq_rollback(t);
    if (!copy)
        return berth_fail(s->h, err, ENOMEM, "cannot copy %s", s->path);
    r = write_all(s, fd, copy, (size_t)size, err);
    sqlite3_free(copy);
    return r;
}

int sq_files(struct berth_state *s, struct berth_list *paths, struct berth_error *err)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    char *path = malloc(strlen(s->path) + 16);
    struct stat st;
    int r = path ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        sprintf(path, "%s%s", s->path, suffixes[i]);
        if (i == 0 || stat(path, &st) == 0)
            r = s->h->add(s->h->core, paths, path);
    }
    free(path);
    return r < 0 ? berth_fail(s->h, err, -r, "cannot name the files of %s", s->path) : 0;
}
