/* SPDX-License-Identifier: Apache-2.0 */
/* attr.h - cleanup attributes and small macros that every file uses. */
#ifndef BERTH_BASE_ATTR_H
#define BERTH_BASE_ATTR_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Unused for clang, which does not count the cleanup as a use. */
#define _cleanup_(fn)    __attribute__((__cleanup__(fn), __unused__))
#define _printf_(fmt, a) __attribute__((__format__(__printf__, fmt, a)))
#define _unused_         __attribute__((__unused__))
#define _noreturn_       __attribute__((__noreturn__))
#define _must_check_     __attribute__((__warn_unused_result__))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))

/* Sort an array; one that is empty may be NULL, which qsort(3) does not take. */
#define SORT(array, n, compare)                                                                \
    do {                                                                                       \
        if ((n) > 1)                                                                           \
            qsort((array), (n), sizeof(*(array)), (compare));                                  \
    } while (0)

/* Move a pointer out of a variable that would otherwise be cleaned up. */
#define TAKE(p)                                                                                \
    ({                                                                                         \
        __typeof__(p) take_ = (p);                                                             \
        (p) = NULL;                                                                            \
        take_;                                                                                 \
    })
#define TAKE_FD(fd)                                                                            \
    ({                                                                                         \
        int take_ = (fd);                                                                      \
        (fd) = -1;                                                                             \
        take_;                                                                                 \
    })

static inline void attr_freep(void *p)
{
    free(*(void **)p);
}

/* Close *fd, if it is one, and forget it.  errno is kept. */
void attr_closep(int *fd);

static inline void attr_fclosep(FILE **f)
{
    if (*f)
        fclose(*f);
}

#define _cleanup_free_   _cleanup_(attr_freep)
#define _cleanup_close_  _cleanup_(attr_closep)
#define _cleanup_fclose_ _cleanup_(attr_fclosep)

#endif
