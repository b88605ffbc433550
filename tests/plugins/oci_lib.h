/* SPDX-License-Identifier: Apache-2.0 */
/* oci_lib.h - what the tests of the OCI plugins share: an opened plugin, a container on
 * a hand-made bundle, programs that are really run, and proof that nothing is left. */
#ifndef TESTS_OCI_LIB_H
#define TESTS_OCI_LIB_H

#include <berth/oci.h>
#include <stdbool.h>

#include "tests/lib/testhost.h"

struct oci_fixture {
    struct testhost *th;
    struct berth_oci_ops ops;
    struct berth_oci *r;
    struct berth_config *cfg; /* its strings live as long as r */
    struct berth_error *err;
    uint64_t caps;
    char dir[256]; /* temporary, of this fixture */
    char bundle[512], run_dir[512], exit_dir[512], pid_file[600], monitor_pid_file[600];
    char id[65];
    struct berth_container c;
    unsigned runs;        /* programs that the plugin asked the host to run */
    char last_argv[4096]; /* of the last one, separated by blanks */
};

/* Load a plugin ("oci_crun") and make the directories of a container. */
void oci_setup(struct oci_fixture *f, const char *module);

/* Open an instance with options as name, value, ..., NULL; what open() gave. */
int oci_open(struct oci_fixture *f, ...);
void oci_teardown(struct oci_fixture *f);

/* Write config.json: a root file system and a command.  `linux_members` are those of the
 * object "linux", namespaces included; NULL: those of a plain container. */
void oci_config(struct oci_fixture *f, const char *root, const char *const *argv, bool terminal,
                const char *linux_members);

/* Write a text to a file. */
void oci_write(const char *path, const char *text);
bool oci_exists(const char *path);

/* Read a container's output up to the end of file: stdout and stderr into one text
 * each. */
void oci_copy(int fd, char *out, size_t out_size, char *errs, size_t errs_size);

/* Open descriptors of this process. */
unsigned oci_count_fds(void);

/* A deadline in so many seconds. */
berth_deadline oci_in(unsigned seconds);

#endif
