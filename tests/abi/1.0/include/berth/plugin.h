/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth/plugin.h - what every berth plugin has in common.
 *
 * A plugin is one shared object that implements one backend of one kind: a
 * state store, a lock manager, an OCI runtime or a network.  It exports one
 * symbol, a constant descriptor, and imports nothing from berth: everything
 * that it may call arrives as a table of function pointers.  So a plugin links
 * against no berth library, and one binary can be loaded, preloaded into a
 * static build, or opened twice in one process.
 *
 * Do not include this file alone; include the header of your kind.  A plugin
 * ends with its descriptor (docs/plugins/tutorial.md builds one from nothing):
 *
 *      #include <berth/state.h>
 *      ...
 *      BERTH_STATE_PLUGIN(state_example, &ops,         // state_example.so
 *                         .name = "example", .version = "1.2",
 *                         .summary = "keeps records in a text file",
 *                         .license = "MIT", .contact = "https://example.org/bugs",
 *                         .caps = BERTH_STATE_CAP_PERSISTENT,
 *                         .threads = BERTH_THREADS_ONE);
 *
 * The rules, in short (docs/plugins/abi.md has them at length):
 *
 *   Versions    The core ABI (this file) and each kind have a major and a minor
 *               number of their own.  Within a major number nothing is removed,
 *               reordered or given another meaning; members are added at the
 *               end, each with a comment that names the minor number it came in.
 *   Sizes       Every struct that crosses the boundary begins with its size,
 *               set by the side that allocated it.  The reader takes members
 *               past that size as zero: see BERTH_HAS().
 *   Results     Functions return 0 or a documented positive value, or a
 *               negative errno.  On failure they leave out-parameters alone and
 *               have described the failure in the error they were lent.
 *   Memory      Nothing allocated on one side is freed on the other.  Pointers
 *               passed in are lent for that call: copy what you keep.  Pointers
 *               handed out stay valid until the time that the function states.
 *               Results of unknown length go into a buffer or a list of the
 *               host's (berth_buf, berth_list).
 *   Threads     A plugin declares what it can bear; the host keeps to it.
 *   Processes   An instance does not survive fork().  Every descriptor that a
 *               plugin opens is close-on-exec.  A plugin installs no signal
 *               handlers, changes no umask, locale, environment or working
 *               directory, prints nothing, and never calls exit() or abort().
 *   Unloading   Plugins are never unloaded: static data lives until the process
 *               ends, and no plugin needs a destructor.
 */
#ifndef BERTH_PLUGIN_H
#define BERTH_PLUGIN_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BERTH_ABI_MAJOR 1
#define BERTH_ABI_MINOR 0

/* ---------------------------------------------------------------- compiler */

#if defined(__GNUC__) || defined(__clang__)
#define BERTH_EXPORT         __attribute__((__visibility__("default")))
#define BERTH_PRINTF(fmt, a) __attribute__((__format__(__printf__, fmt, a)))
#else
#define BERTH_EXPORT
#define BERTH_PRINTF(fmt, a)
#endif

#ifdef __cplusplus
#define BERTH_EXTERN extern "C"
#else
#define BERTH_EXTERN extern
#endif

#define BERTH_PASTE_(a, b) a##b
#define BERTH_PASTE(a, b)  BERTH_PASTE_(a, b)
#define BERTH_STR_(a)      #a
#define BERTH_STR(a)       BERTH_STR_(a)

/*
 * The other side's struct may be shorter than yours.  BERTH_FITS: it has MEMBER
 * at all; of a struct that you were lent to fill in, write only such members.
 * BERTH_HAS: it has MEMBER and MEMBER is not zero; ask before you call any host
 * function that is newer than BERTH_ABI_NEEDS.
 */
/* clang-format off */
#define BERTH_FITS(p, member)                                                                 \
    ((size_t)((const char *)(&(p)->member + 1) - (const char *)(p)) <= (size_t)(p)->size)
#define BERTH_HAS(p, member) (BERTH_FITS(p, member) && (p)->member)
/* clang-format on */

/* ------------------------------------------------------------ small pieces */

/* Bytes that belong to someone else.  An absent value has data == NULL.  (Frozen:
 * other structs embed it.) */
struct berth_blob {
    const void *data;
    size_t len;
};

/* Points in time are absolute, in nanoseconds.  Deadlines are read off
 * CLOCK_MONOTONIC; dates (exit codes, creation times) off CLOCK_REALTIME. */
typedef uint64_t berth_deadline;
typedef int64_t berth_date;

#define BERTH_NO_WAIT      ((berth_deadline)0)  /* fail with -EBUSY at once */
#define BERTH_WAIT_FOREVER ((berth_deadline)-1) /* wait until interrupted */

enum berth_log_level {
    BERTH_LOG_ERROR = 3, /* the numbers of syslog(3) */
    BERTH_LOG_WARNING = 4,
    BERTH_LOG_NOTICE = 5,
    BERTH_LOG_INFO = 6,
    BERTH_LOG_DEBUG = 7,
};

/* Opaque objects of the host. */
struct berth_core;   /* the host itself: the first argument of its services */
struct berth_error;  /* why a call failed; may be NULL, every service accepts that */
struct berth_config; /* this instance's options, already checked against `options` */
struct berth_buf;    /* bytes that a plugin appends to */
struct berth_list;   /* strings that a plugin appends to */

/* ----------------------------------------------------------- host services */

/*
 * A program to run to its end.  The host forks, executes, feeds `input`,
 * gathers `output`, logs what arrives on standard error, and reaps.  Plugins
 * that start programs should do it this way only: the test host answers from a
 * script, so a plugin is tested without the program being installed.
 */
struct berth_run {
    uint32_t size;
    uint32_t flags;           /* BERTH_RUN_* */
    const char *const *argv;  /* argv[0] is the path; ends with NULL */
    const char *const *env;   /* the whole environment; NULL: a minimal one */
    const char *cwd;          /* NULL: "/" */
    struct berth_blob input;  /* for standard input; absent: /dev/null */
    struct berth_buf *output; /* takes standard output; NULL: the log */
    const int *fds;           /* descriptors that become 3, 4, ... */
    uint32_t n_fds;
    int32_t netns_fd;        /* network namespace to enter, or -1 */
    berth_deadline deadline; /* past it the program is killed: -ETIMEDOUT */

    /* Takes standard error, whatever the outcome; NULL: see BERTH_RUN_STDERR_IS_ERROR,
     * else the log. */
    struct berth_buf *errors;
};

#define BERTH_RUN_STDERR_IS_ERROR (1u << 0) /* on failure, stderr becomes the message */

/*
 * What a plugin may call.  The table and all it points to are constant and stay
 * valid as long as the process lives.  Every function may be called from any
 * thread.  `err` may always be NULL.
 */
struct berth_host {
    uint32_t size;
    uint16_t abi_major, abi_minor;
    const char *version; /* of berth, for messages only */
    struct berth_core *core;

    /* Log one line, without a newline.  The host adds the plugin's name.  Errors
     * that you return are not to be logged as well. */
    void (*log)(struct berth_core *core, int level, const char *file, int line, const char *fmt,
                ...) BERTH_PRINTF(5, 6);
    void (*vlog)(struct berth_core *core, int level, const char *file, int line,
                 const char *fmt, va_list ap) BERTH_PRINTF(5, 0);
    int (*log_enabled)(struct berth_core *core, int level);

    /* Describe a failure: `code` is a positive errno; the message is one clause,
     * in lower case, with no full stop and without strerror().  Returns -code, so
     *
     *      return berth_fail(h, err, ENOENT, "no bucket \"%s\"", name);
     *
     * wrap() puts "message: " before what is there and returns its code. */
    int (*fail)(struct berth_core *core, struct berth_error *err, int code, const char *file,
                int line, const char *fmt, ...) BERTH_PRINTF(6, 7);
    int (*vfail)(struct berth_core *core, struct berth_error *err, int code, const char *file,
                 int line, const char *fmt, va_list ap) BERTH_PRINTF(6, 0);
    int (*wrap)(struct berth_core *core, struct berth_error *err, const char *fmt, ...)
        BERTH_PRINTF(3, 4);

    /* Give out results.  0, or -ENOMEM / -E2BIG: then stop and return it. */
    int (*put)(struct berth_core *core, struct berth_buf *buf, const void *data, size_t len);
    int (*add)(struct berth_core *core, struct berth_list *list, const char *string);

    /* Options of this instance.  The host has checked types, filled in defaults
     * and refused unknown names, so these cannot fail for a declared option; an
     * optional string that nobody set is NULL.  Strings live as long as the
     * instance. */
    const char *(*option_string)(const struct berth_config *cfg, const char *name);
    int64_t (*option_int)(const struct berth_config *cfg, const char *name);
    int (*option_bool)(const struct berth_config *cfg, const char *name);

    /* The dates of exit codes and the like, so that tests can set the clock. */
    berth_date (*now)(struct berth_core *core);

    /* Non-zero once the user asked to stop.  Long loops and waits should look at
     * it now and then and return -ECANCELED. */
    int (*cancelled)(struct berth_core *core);

    /* Run a program: its exit status (0..255, 128+n for signal n), or -errno when
     * it could not be started or was killed at the deadline. */
    int (*run)(struct berth_core *core, const struct berth_run *what, struct berth_error *err);

    /* Buffers of the plugin's own, for what a program prints.  buf_new() gives NULL
     * without memory; buf_free() takes NULL.  What buf_data() gives is followed by a
     * NUL that does not count, is never NULL, and lives until the buffer changes. */
    struct berth_buf *(*buf_new)(struct berth_core *core);
    void (*buf_free)(struct berth_core *core, struct berth_buf *buf);
    struct berth_blob (*buf_data)(struct berth_core *core, const struct berth_buf *buf);

    /* New members go here.  [1.0] */
};

#define berth_log(h, level, ...) ((h)->log((h)->core, (level), __FILE__, __LINE__, __VA_ARGS__))
#define berth_debug(h, ...)                                                                    \
    do {                                                                                       \
        if ((h)->log_enabled((h)->core, BERTH_LOG_DEBUG))                                      \
            berth_log((h), BERTH_LOG_DEBUG, __VA_ARGS__);                                      \
    } while (0)
#define berth_wrap(h, err, ...) ((h)->wrap((h)->core, (err), __VA_ARGS__))
#define berth_fail(h, err, code, ...)                                                          \
    ((h)->fail((h)->core, (err), (code), __FILE__, __LINE__, __VA_ARGS__))

/*
 * Where this engine lives; lent for the call to open() and probe().  Paths are
 * absolute and clean.  Members that do not apply are NULL.
 */
struct berth_place {
    uint32_t size;
    uint32_t flags;          /* BERTH_PLACE_* */
    uint32_t uid, gid;       /* whose engine this is, outside any user namespace */
    const char *static_dir;  /* survives reboots; mode 0700, exists */
    const char *tmp_dir;     /* cleared at boot; mode 0700, exists */
    const char *graph_root;  /* image and layer storage */
    const char *run_root;    /* its runtime part */
    const char *volume_path; /* named volumes */
};

#define BERTH_PLACE_ROOTLESS   (1u << 0)
#define BERTH_PLACE_TRANSIENT  (1u << 1) /* nothing need survive a reboot */
#define BERTH_PLACE_READONLY   (1u << 2) /* write nothing, create nothing */
#define BERTH_PLACE_STATIC_SET (1u << 3) /* the user chose static_dir; some formats care */

/* --------------------------------------------------------- the descriptor */

enum berth_kind {
    BERTH_KIND_STATE = 1,
    BERTH_KIND_LOCK = 2,
    BERTH_KIND_OCI = 3,
    BERTH_KIND_NET = 4,
};

/* How much parallelism a plugin bears.  The host may be stricter, never laxer. */
enum berth_threads {
    BERTH_THREADS_ONE = 0,      /* one call at a time in the whole plugin (the default) */
    BERTH_THREADS_INSTANCE = 1, /* one call at a time per instance */
    BERTH_THREADS_PARALLEL = 2, /* any calls at once, except open/close of one instance */
};

enum berth_option_type {
    BERTH_OPTION_STRING = 1,
    BERTH_OPTION_PATH = 2, /* made absolute and clean by the host */
    BERTH_OPTION_INT = 3,
    BERTH_OPTION_SIZE = 4, /* "64M"; option_int() gives bytes */
    BERTH_OPTION_BOOL = 5,
    BERTH_OPTION_TIME = 6, /* "5min"; option_int() gives nanoseconds */
};

#define BERTH_OPTION_REQUIRED   (1u << 0)
#define BERTH_OPTION_DEPRECATED (1u << 1) /* accepted, with a warning */

/* One line of the plugin's section in the configuration file.  These lines are
 * also what `berth plugin info`, the manual page and the completion show. */
struct berth_option {
    const char *name; /* [a-z][a-z0-9_]* */
    uint32_t type;
    uint32_t flags;
    const char *preset; /* default, as text; NULL: none */
    const char *help;   /* one line, no full stop */
};

#define BERTH_PLUGIN_MAGIC 0x68747242u /* "Brth" */

struct berth_plugin {
    /* Filled in by the BERTH_<KIND>_PLUGIN() macro. */
    uint32_t magic;
    uint32_t size;
    uint16_t kind;
    uint16_t abi_major, abi_minor, abi_needs; /* of this file */
    uint16_t ops_major, ops_minor, ops_needs; /* of the kind's header */
    uint16_t option_size;                     /* sizeof (struct berth_option): their stride */
    const void *ops;                          /* const struct berth_<kind>_ops * */

    /* Filled in by the plugin, in this order. */
    const char *name;    /* "sqlite": unique within the kind, [a-z][a-z0-9_]* */
    const char *version; /* of the plugin */
    const char *summary; /* one line */
    const char *license; /* SPDX expression */
    const char *contact; /* where to report bugs: an address or a URL */
    uint64_t caps;       /* the kind's BERTH_<KIND>_CAP_* */
    uint32_t threads;    /* enum berth_threads */
    uint32_t n_options;
    const struct berth_option *options;
};

/*
 * The one exported symbol is <module>_LTX_berth_plugin, where <module> is the
 * file's name without ".so" and must be a C identifier.  The symbol carries the
 * module's name so that a lookup can never find the descriptor of another object
 * by mistake, and so that libtool can preload the module: lt_dlsym() asked for
 * "berth_plugin" tries this name first.
 */
#define BERTH_SYMBOL(module) BERTH_PASTE(module, _LTX_berth_plugin)

/*
 * The lowest minor number of the host that will do.  By default that is the one
 * this was compiled with, so that an older host refuses the plugin with a clear
 * message.  Define it lower, before including anything, if you test every newer
 * service with BERTH_HAS().
 */
#ifndef BERTH_ABI_NEEDS
#define BERTH_ABI_NEEDS BERTH_ABI_MINOR
#endif

/* clang-format off */
#define BERTH_PLUGIN_HEAD_(kind_, major_, minor_, needs_, ops_)                               \
    .magic = BERTH_PLUGIN_MAGIC, .size = (uint32_t)sizeof(struct berth_plugin),               \
    .kind = (kind_), .abi_major = BERTH_ABI_MAJOR, .abi_minor = BERTH_ABI_MINOR,              \
    .abi_needs = BERTH_ABI_NEEDS, .ops_major = (major_), .ops_minor = (minor_),               \
    .ops_needs = (needs_), .option_size = (uint16_t)sizeof(struct berth_option), .ops = (ops_)

/*
 * A note that can be read without loading the file ("readelf -p .note.berth"),
 * so that `berth plugin list` and packaging tools can tell what a file is even
 * when the libraries it needs are missing.
 */
#if defined(__ELF__) && !defined(BERTH_NO_NOTE)
#define BERTH_NOTE_(module_, text)                                                            \
    __attribute__((__used__, __section__(".note.berth"), __aligned__(4)))                     \
    static const struct {                                                                     \
        uint32_t namesz, descsz, type;                                                        \
        char name[8];                                                                         \
        char desc[(sizeof(text) + 3u) & ~(size_t)3u];                                         \
    } BERTH_PASTE(module_, _note) = {6u, (uint32_t)sizeof(text), 1u, "BERTH", text};
#else
#define BERTH_NOTE_(module_, text)
#endif

#define BERTH_PLUGIN_(module_, kind_, word_, major_, minor_, needs_, ops_, ...)               \
    BERTH_NOTE_(module_, "module=" BERTH_STR(module_) "\nkind=" word_                          \
                "\nabi=" BERTH_STR(BERTH_ABI_MAJOR) "." BERTH_STR(BERTH_ABI_MINOR)            \
                "\nops=" BERTH_STR(major_) "." BERTH_STR(minor_) "\n")                        \
    BERTH_EXTERN BERTH_EXPORT const struct berth_plugin BERTH_SYMBOL(module_);                \
    const struct berth_plugin BERTH_SYMBOL(module_) = {                                       \
        BERTH_PLUGIN_HEAD_(kind_, major_, minor_, needs_, ops_), __VA_ARGS__}
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif /* BERTH_PLUGIN_H */
