/* SPDX-License-Identifier: Apache-2.0 */
/* ps.h - what the parts of `berth ps` share. */
#ifndef BERTH_CMD_PS_H
#define BERTH_CMD_PS_H

#include "cmd/cmd.h"
#include "cmd/template.h"
#include "engine/store.h"

/* What of a container is to be read; the rest is skipped over. */
#define PS_LABELS   (1u << 0)
#define PS_IMAGE_ID (1u << 1)
#define PS_MOUNTS   (1u << 2) /* user volumes */
#define PS_INFRA    (1u << 3)
#define PS_REMOVE   (1u << 4) /* removed when it ends */
#define PS_NETWORKS (1u << 5)
#define PS_POD_NAME (1u << 6)
#define PS_VOLUMES  (1u << 7) /* sources of mounts and named volumes */
#define PS_POLICY   (1u << 8) /* restart policy */
#define PS_SIZE     (1u << 9)
#define PS_SPACES   (1u << 10) /* namespaces of its process */
#define PS_HEALTH   (1u << 11)
#define PS_IMAGE    (1u << 12)
#define PS_COMMAND  (1u << 13)
#define PS_PORTS    (1u << 14)
#define PS_CREATED  (1u << 15)
#define PS_ALL      ((1u << 16) - 1)
/* And how: */
#define PS_EXTERNAL (1u << 16) /* with containers of other programs in the storage */
#define PS_SYNC     (1u << 17) /* look after every one, whether it seems to have ended or not */

enum ps_space {
    SPACE_CGROUP,
    SPACE_IPC,
    SPACE_MNT,
    SPACE_NET,
    SPACE_PID,
    SPACE_USER,
    SPACE_UTS
};
#define N_SPACES 7

/* One container.  Texts are the row's own; JSON texts are as stored; NULL: absent. */
struct row {
    char id[ID_LEN + 1];
    char *name, *pod, *pod_name;
    char *image, *image_id, *created_text, *policy, *netns_ctr, *health;
    char *command, *labels, *mounts, *ports, *spec, *volumes, *nets; /* JSON texts */
    struct berth_list networks;
    char *spaces[N_SPACES]; /* numbers, as text */
    berth_date created;
    berth_date started, finished;
    int64_t pid, conmon_pid, exit_code;
    int status;
    bool infra, has_health;
    bool external;   /* of another program: in the storage only */
    int64_t size_rw; /* bytes; -1: not looked at */
};

struct rows {
    struct row *items;
    size_t n, cap;
};

void rows_free(struct rows *rows);

/* Drop all but the first n. */
void rows_cut(struct rows *rows, size_t n);
#define _cleanup_rows_ _cleanup_(rows_free)

/* A new one at the end; NULL without memory. */
struct row *rows_add(struct rows *rows);

/* All containers in the storage, as rows of other programs' ones; and those of them that are
 * not in `rows` yet moved there. */
int rows_external(struct engine *e, struct rows *out, struct berth_error *err);
int rows_merge(struct rows *rows, struct rows *external, struct berth_error *err);

/* Read all containers in one transaction, then let those that ended follow reality.
 * want: PS_*. */
int rows_read(struct engine *e, unsigned want, struct rows *out, struct berth_error *err);

/* Fill in what costs a look elsewhere, for the rows that are shown: PS_SPACES, PS_SIZE. */
int row_complete(struct engine *e, struct row *row, unsigned want, struct berth_error *err);

/* Conditions of --filter. */
struct ps_filter;
int ps_filter_parse(const struct berth_list *texts, struct ps_filter **out, unsigned *want,
                    struct berth_error *err);
void ps_filter_free(struct ps_filter *f);

/* Has it a condition on status?  Then containers that do not run are shown too. */
bool ps_filter_has(const struct ps_filter *f, const char *key);

/* Look up what conditions name, once the rows are there. */
int ps_filter_prepare(struct ps_filter *f, const struct rows *rows, struct berth_error *err);
bool ps_filter_match(const struct ps_filter *f, const struct row *row);

/* Keep those that fit, at most `last` of them (newest; negative: all), in the order of
 * `sort`.  Drops the others. */
void rows_select(struct rows *rows, const struct ps_filter *f, bool all, int64_t last,
                 const char *sort);
void rows_sort(struct rows *rows, const char *key);

/* "running", or "storage" for one of another program. */
const char *row_state(const struct row *row);

/* Texts of columns; appended. */
void row_command(const struct row *row, bool whole, struct berth_buf *out);
void row_ports(const struct row *row, struct berth_buf *out);
void row_status(const struct row *row, struct berth_buf *out);
void row_size(const struct row *row, struct berth_buf *out);

/* A container as the list of --format json has it, and as templates see it. */
json *row_document(const struct row *row);
json *row_reporter(const struct row *row, bool whole, bool sized);

/* Which PS_* a template needs, and the titles of its columns. */
unsigned ps_wanted(const struct template *t);
json *ps_headers(void);

#endif
