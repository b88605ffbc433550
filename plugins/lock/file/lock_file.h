/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock_file.h - locks in files, shared with podman.
 *
 * podman's part: the directory <tmp_dir>/locks has one empty file per allocated number,
 * named by it.  Who holds the lock has a write lock of fcntl(2) on the whole file.
 * A number is given back by removing its file, and so, when a number is handed out again,
 * its file is another one, on which an old holder excludes nobody.
 *
 * berth's part: the file <tmp_dir>/locks.guard is never removed.  A holder first locks
 * the byte whose offset is the number.  So berth's processes always exclude each other,
 * and numbers that are not allocated can be locked without making a file for them, which
 * would allocate them.  podman and berth exclude each other through podman's files, that
 * is, on allocated numbers; as between two podmans, an old holder of a number that was
 * given back and handed out again is not kept from podman.
 *
 * All locks are of the open file description (F_OFD_SETLK).  Between processes they work
 * with podman's, which belong to the process.  Within a process they have none of the
 * traps of those: threads exclude each other, and closing some other descriptor of the
 * file takes no lock away.
 */
#ifndef LOCK_FILE_H
#define LOCK_FILE_H

#include <berth/lock.h>

#include <sys/types.h>

/* A number in text, with its NUL. */
#define NUMBER_SIZE 11

/* What to lock: byte AT of the file NAME in the directory DIR, or all of it (AT < 0). */
struct grab {
    int dir;
    const char *name;
    off_t at;
    int create; /* make the file if there is none */
};

/* Lock it: a descriptor to close (0 and up), or a negative errno that nobody has described
 * yet: -EBUSY, -ETIMEDOUT, -ECANCELED, -ENOENT (no such file), -EUCLEAN (not a regular
 * file), and so on.  The file is the one that has that name when the lock is there. */
int lock_grab(const struct berth_host *h, const struct grab *what, berth_deadline deadline);

/* Has somebody locked something of FD's file in the bytes FROM to TO?  1: yes, for one
 * *FIRST to *LAST; 0: no; or a negative errno. */
int lock_grabbed(int fd, off_t from, off_t to, off_t *first, off_t *last);

/* The directory that a lock is in, whichever instance and descriptor is used. */
struct place_id {
    dev_t dev;
    ino_t ino;
};

/* The locks that threads of this process hold.  All calls may come from any thread. */

/* Does the calling thread hold lock ID of that place? */
int held_here(const struct place_id *place, uint32_t id);

/* The calling thread has got it; GUARD and FILE (-1: none) are closed when it ends without
 * releasing it.  0 or -ENOMEM. */
int held_add(const struct place_id *place, uint32_t id, int guard, int file, const void *by);

/* The calling thread lets it go: 0, or -EPERM if it does not hold it. */
int held_drop(const struct place_id *place, uint32_t id);

/* Let all go that instance BY got, on whatever thread; how many that were. */
unsigned held_drop_all(const void *by);

/* The same in a child made by fork(): the parent goes on holding them. */
void held_forked(const void *by);

#endif
