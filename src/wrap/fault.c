/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c - see fault.h. */
#include "wrap/fault.h"
#include "base/error.h"

#ifdef BERTH_UNINSTALLED
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

struct rule {
    char *call; /* "state.commit" */
    uint64_t first;
    uint64_t seen;
    bool later_too;
    int code;
};

static struct rule *rules;
static size_t n_rules;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int log_fd = -1;

/* Codes that are no errno. */
enum { KILL_BEFORE = 1 << 16, KILL_AFTER, INTERRUPT };

static _Thread_local bool kill_after;

static int code_of(const char *word)
{
    uint64_t n;

    if (str_eq(word, "KILL"))
        return KILL_BEFORE;
    if (str_eq(word, "KILLED"))
        return KILL_AFTER;
    if (str_eq(word, "INT"))
        return INTERRUPT;
    if (str_to_u64(word, &n) == 0 && n > 0 && n < 4096)
        return (int)n;
    for (int code = 1; code < 200; code++)
        if (str_eq(strerrorname_np(code), word))
            return code;
    return 0;
}

/* "state.commit:3=EIO" */
static bool parse(char *text, struct rule *out)
{
    char *eq = strchr(text, '='), *colon;

    if (!eq)
        return false;
    *eq = '\0';
    *out = (struct rule){.first = 1, .code = code_of(eq + 1)};
    colon = strchr(text, ':');
    if (colon) {
        *colon++ = '\0';
        if (*colon && colon[strlen(colon) - 1] == '+') {
            out->later_too = true;
            colon[strlen(colon) - 1] = '\0';
        }
        if (str_to_u64(colon, &out->first) < 0 || out->first == 0)
            return false;
    }
    out->call = strdup(text);
    return out->call && out->code && strchr(text, '.');
}

static void init(void)
{
    const char *text = secure_getenv("BERTH_FAULT"), *path = secure_getenv("BERTH_FAULT_LOG");
    _cleanup_list_ struct berth_list parts = LIST_INIT;

    if (!str_empty(path))
        log_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (str_empty(text))
        return;
    list_split(&parts, text, ',', false);
    rules = calloc(parts.n + 1, sizeof(*rules));
    for (size_t i = 0; rules && i < parts.n; i++) {
        if (!parse(parts.items[i], &rules[n_rules])) {
            log_error("BERTH_FAULT: \"%s\" is not kind.operation:number=ERRNO", parts.items[i]);
            abort();
        }
        n_rules++;
    }
}

int fault_wanted(const char *kind, const char *op)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    size_t len = strlen(kind);
    int code = 0;

    pthread_once(&once, init);
    if (log_fd >= 0)
        dprintf(log_fd, "%s.%s\n", kind, op);
    if (n_rules == 0)
        return 0;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < n_rules; i++) {
        struct rule *r = &rules[i];

        if (strncmp(r->call, kind, len) != 0 || r->call[len] != '.' ||
            strcmp(r->call + len + 1, op) != 0)
            continue;
        r->seen++;
        if (r->seen == r->first || (r->later_too && r->seen > r->first))
            code = r->code;
    }
    pthread_mutex_unlock(&mutex);
    if (code == KILL_BEFORE)
        raise(SIGKILL);
    if (code == INTERRUPT)
        raise(SIGINT);
    kill_after = code == KILL_AFTER;
    return code == KILL_AFTER || code == INTERRUPT ? 0 : code;
}

void fault_done(void)
{
    if (kill_after)
        raise(SIGKILL);
}
#else
void fault_done(void)
{
}

int fault_wanted(const char *kind, const char *op)
{
    (void)kind;
    (void)op;
    return 0;
}
#endif

int fault_point(const char *kind, const char *step, struct berth_error *err)
{
    int code = fault_wanted(kind, step);

    if (code)
        return fail(err, code, "injected fault at %s.%s", kind, step);
    fault_done();
    return 0;
}
