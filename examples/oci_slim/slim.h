/* SPDX-License-Identifier: Apache-2.0 */
/* slim.h - starting programs, the files of conmon, and conmon itself. */
#ifndef SLIM_H
#define SLIM_H

#include <berth/oci.h>

#define SECOND   ((berth_deadline)1000000000)
#define MAX_ARGS 96
#define PATH_LEN 4400
#define NOTHING  ((struct berth_blob){NULL, 0})

struct berth_oci {
    const struct berth_host *h;
    const char *runtime, *conmon;
};

struct args {
    const char *v[MAX_ARGS + 1];
    unsigned n;
};

struct pipes {
    int ours[3], theirs[3]; /* sync, start, attach */
};

berth_deadline now(void);

void nap(void);

void add(struct args *a, const char *word);

void adds(struct args *a, const char *const *words);

int fail_text(struct berth_oci *r, struct berth_error *err, const char *text);

/* Run a program to its end; what it printed goes into *out, if that is asked for. */
int run(struct berth_oci *r, const struct args *a, const char *cwd, const int *fds,
        uint32_t n_fds, struct berth_blob input, struct berth_buf *out,
        struct berth_error *err);

/* runtime WORD [FLAG] ID [LAST] */
int call(struct berth_oci *r, const char *word, const char *flag,
         const struct berth_container *c, const char *last, struct berth_buf *out,
         struct berth_error *err);

/* A file of a container, or of an exec session of its. */
void path_of(char out[PATH_LEN], const struct berth_container *c, const char *session,
             const char *name);

void exit_path(char out[PATH_LEN], const struct berth_container *c, const char *session);

/* The number in a file: 0, or -errno. */
int read_number(const char *path, int32_t *out);

/* Has it ended?  1: out says how; 0: there is no exit file. */
int ended(const struct berth_container *c, const char *session, struct berth_oci_status *out);

/* The host's struct may be shorter than ours. */
void give(struct berth_oci_status *out, const struct berth_oci_status *s);

void remove_files(const struct berth_container *c);

void close_all(int fds[3]);

/* One line of conmon's, {"data": 123, "message": "text"}: its number, and its text. */
int read_line(struct berth_oci *r, int fd, long *out, char text[8192], struct berth_error *err);

void add_shared(struct berth_oci *r, const struct berth_container *c, const char *unit,
                const char *dir, const char *pid_file, const char *exit_dir,
                const char *const *exit_command, struct args *a);

/* Let conmon run the runtime, and learn the pid. */
int launch(struct berth_oci *r, const struct args *a, const char *cwd, struct pipes *p,
           struct berth_error *err);

int read_pid(struct berth_oci *r, struct pipes *p, int32_t *out, struct berth_error *err);

#endif
