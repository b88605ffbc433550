/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - finding and running netavark; see netavark.h. */
#include "netavark.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE_HINT                                                                             \
    "To resolve this error, set the helper_binaries_dir key in the `[engine]` section of "     \
    "containers.conf to the directory containing your helper binaries."

static bool is_file(const char *path)
{
    struct stat st;

    return path && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* "$BINDIR" at the beginning of a directory is where this program is. */
static char *in_directory(const char *dir, size_t len, const char *name)
{
    char self[4096], *slash;
    ssize_t got;

    if (len < 7 || strncmp(dir, "$BINDIR", 7) != 0 || (len > 7 && dir[7] != '/'))
        return na_format("%.*s/%s", (int)len, dir, name);
    got = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (got <= 0)
        return NULL;
    self[got] = '\0';
    slash = strrchr(self, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    return na_format("%s%.*s/%s", self, (int)len - 7, dir + 7, name);
}

static char *search(struct berth_net *n, const char *name)
{
    const char *env = getenv("CONTAINERS_HELPER_BINARY_DIR");
    const char *at = n->helper_dirs;
    char *path = NULL;

    if (env && *env) {
        path = in_directory(env, strlen(env), name);
        if (is_file(path))
            return path;
        free(path);
    }
    while (*at) {
        size_t len = strcspn(at, " ");

        path = len ? in_directory(at, len, name) : NULL;
        if (is_file(path))
            return path;
        free(path);
        at += len + (at[len] == ' ');
    }
    return NULL;
}

int prog_find(struct berth_net *n, char **out, struct berth_error *err)
{
    char *path = n->program ? strdup(n->program) : search(n, "netavark");

    if (path && is_file(path)) {
        *out = path;
        return 0;
    }
    free(path);
    if (n->program)
        return berth_fail(n->h, err, ENOENT, "could not find netavark: %s is no file",
                          n->program);
    if (!*n->helper_dirs)
        return berth_fail(n->h, err, ENOENT,
                          "could not find \"netavark\" because there are no helper binary "
                          "directories configured.  " PLACE_HINT);
    return berth_fail(n->h, err, ENOENT,
                      "could not find \"netavark\" in one of [%s].  " PLACE_HINT,
                      n->helper_dirs);
}

char *prog_find_dns(struct berth_net *n)
{
    return n->dns_program ? strdup(n->dns_program) : search(n, "aardvark-dns");
}

/* -------------------------------------------------------------- environment */

/* What netavark is told by variables. */
static void env_fill(struct berth_net *n, struct env *e)
{
    static const char *const without[] = {
        "RUST_LOG=", "RUST_BACKTRACE=", "NETAVARK_DNS_PORT=", NULL};
    bool debug = n->h->log_enabled(n->h->core, BERTH_LOG_DEBUG);
    bool info = n->h->log_enabled(n->h->core, BERTH_LOG_INFO);
    char port[32];

    env_make(e, without);
    env_add(e, "RUST_LOG", debug ? "netavark=debug" : info ? "netavark=info" : "netavark=warn");
    if (debug)
        env_add(e, "RUST_BACKTRACE", "1");
    snprintf(port, sizeof(port), "%lld", (long long)n->dns_port);
    if (n->dns_port)
        env_add(e, "NETAVARK_DNS_PORT", port);
}

/* ------------------------------------------------------------------ running */

/* The last line of what the program wrote on standard error. */
static const char *last_line(const char *text, size_t *len)
{
    size_t end = strlen(text), begin;

    while (end && text[end - 1] == '\n')
        end--;
    begin = end;
    while (begin && text[begin - 1] != '\n')
        begin--;
    *len = end - begin;
    return text + begin;
}

/* What was to be taken down and is not there any more: as good as done. */
static bool gone_already(const char *line, size_t len)
{
    static const char *const texts[] = {
        "failed to delete container veth ",
        "failed to get bridge interface: ", "IO error: aardvark pid not found",
        "IO error: No such file or directory (os error 2)"};
    static const char no_device[] = "No such device (os error 19)";

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        size_t n = strlen(texts[i]);

        if (len < n || strncmp(line, texts[i], n) != 0)
            continue;
        if (i >= 2 || memmem(line, len, no_device, strlen(no_device)))
            return true;
    }
    return false;
}

bool prog_only_gone(const char *text)
{
    static const char several[] = "netavark encountered multiple errors:";

    if (strncmp(text, several, strlen(several)) == 0)
        text += strlen(several);
    while (*text) {
        size_t len;

        text += strspn(text, "\n\t");
        if (strncmp(text, "- ", 2) == 0)
            text += 2;
        len = strcspn(text, "\n");
        if (len && !gone_already(text, len))
            return false;
        text += len;
    }
    return true;
}

/* It ended with a status other than 0: its own words, or what else there is. */
static int failed(struct berth_net *n, int status, struct berth_blob output, const char *errors,
                  struct berth_error *err)
{
    json *answer = js_parse(output);
    const char *text = js_str(answer, "error"), *line;
    size_t len;
    int r;

    if (*text && json_object_object_length(answer) == 1) {
        if (n->h->log_enabled(n->h->core, BERTH_LOG_INFO))
            r = berth_fail(n->h, err, EREMOTEIO, "netavark (exit code %d): %s", status, text);
        else if (strcmp(text, "No such file or directory (os error 2)") == 0)
            r = berth_fail(n->h, err, EREMOTEIO, "netavark: %s: is iptables installed?", text);
        else
            r = berth_fail(n->h, err, EREMOTEIO, "netavark: %s", text);
    } else {
        line = last_line(errors, &len);
        r = berth_fail(n->h, err, EREMOTEIO, "netavark: it ended with status %d%s%.*s", status,
                       len ? ": " : " and without a word", (int)(len > 2000 ? 2000 : len),
                       line);
    }
    json_object_put(answer);
    return r;
}

/* Nothing but things that were gone already: 1; else 0. */
static int only_gone(struct berth_net *n, struct berth_blob output)
{
    json *answer = js_parse(output);
    const char *text = js_str(answer, "error");
    int r = *text && prog_only_gone(text);

    if (r)
        berth_log(n->h, BERTH_LOG_INFO, "netavark: %s", text);
    json_object_put(answer);
    return r;
}

/* forgive: what was gone already is no failure. */
static int run(struct berth_net *n, const char *const *argv, struct berth_blob input,
               bool forgive, json **out, struct berth_error *err)
{
    struct berth_buf *output = n->h->buf_new(n->h->core), *errors = n->h->buf_new(n->h->core);
    struct berth_run what = {.size = sizeof(what),
                             .argv = argv,
                             .input = input,
                             .netns_fd = -1,
                             .output = output,
                             .errors = errors};
    struct berth_blob text;
    struct env env;
    int r;

    env_fill(n, &env);
    if (!output || !errors || env.failed) {
        r = NO_MEMORY(n, err);
        goto out;
    }
    what.env = (const char *const *)env.v;
    what.deadline = run_deadline(n);
    running_note(n);
    r = n->h->run(n->h->core, &what, err);
    running_forget(n);
    text = n->h->buf_data(n->h->core, output);
    if (r == -ETIMEDOUT)
        r = berth_fail(n->h, err, ETIMEDOUT, "netavark: it did not end in time and was killed");
    else if (r < 0)
        r = berth_wrap(n->h, err, "netavark: failed to start process");
    else if (r > 0 && forgive && only_gone(n, text))
        r = PROG_GONE;
    else if (r > 0)
        r = failed(n, r, text, n->h->buf_data(n->h->core, errors).data, err);
    else if (n->h->buf_data(n->h->core, errors).len)
        berth_log(n->h, BERTH_LOG_INFO, "netavark: %s",
                  (const char *)n->h->buf_data(n->h->core, errors).data);
    if (r == 0 && out) {
        *out = js_parse(text);
        if (!*out || !json_object_is_type(*out, json_type_object)) {
            json_object_put(*out);
            *out = NULL;
            r = berth_fail(n->h, err, EREMOTEIO,
                           "netavark: failed to decode result: not a JSON object");
        }
    }
out:
    env_free(&env);
    n->h->buf_free(n->h->core, output);
    n->h->buf_free(n->h->core, errors);
    return r;
}

int prog_run(struct berth_net *n, const char *verb, const char *netns, const json *document,
             json **out, struct berth_error *err)
{
    char *program = NULL, *dns = prog_find_dns(n);
    char *dns_arg = na_format("--aardvark-binary=%s", dns ? dns : "");
    struct berth_buf *input = n->h->buf_new(n->h->core);
    int r = prog_find(n, &program, err);

    if (r == 0 && (!dns_arg || !input || js_write(n->h, document, false, input) < 0 ||
                   n->h->put(n->h->core, input, "\n", 1) < 0))
        r = NO_MEMORY(n, err);
    if (r == 0) {
        const char *argv[] = {program,    "--config",
                              n->run_dir, n->rootless ? "--rootless=true" : "--rootless=false",
                              dns_arg,    verb,
                              netns,      NULL};
        struct berth_blob text = n->h->buf_data(n->h->core, input);

        berth_debug(n->h, "%s %s %s: %.*s", program, verb, netns, (int)text.len - 1,
                    (const char *)text.data);
        r = run(n, argv, text, strcmp(verb, "teardown") == 0, out, err);
    }
    n->h->buf_free(n->h->core, input);
    free(program);
    free(dns);
    free(dns_arg);
    return r;
}

int prog_update(struct berth_net *n, const json *net, struct berth_error *err)
{
    char *program = NULL, *servers = na_format("--network-dns-servers="), *dns_arg = NULL;
    char *dns = prog_find_dns(n);
    int r = prog_find(n, &program, err);

    for (size_t i = 0; servers && i < js_len(net, "network_dns_servers"); i++) {
        char *more = na_format("%s%s%s", servers, i ? "," : "",
                               json_object_get_string(js_at(net, "network_dns_servers", i)));

        free(servers);
        servers = more;
    }
    dns_arg = na_format("--aardvark-binary=%s", dns ? dns : "");
    if (r == 0 && (!servers || !dns_arg))
        r = NO_MEMORY(n, err);
    if (r == 0) {
        const char *argv[] = {program,
                              "--config",
                              n->run_dir,
                              n->rootless ? "--rootless=true" : "--rootless=false",
                              dns_arg,
                              "update",
                              js_str(net, "name"),
                              servers,
                              NULL};

        r = run(n, argv, (struct berth_blob){"", 0}, false, NULL, err);
    }
    free(program);
    free(dns);
    free(dns_arg);
    free(servers);
    return r;
}

static char *in_path(const char *name)
{
    const char *at = getenv("PATH");
    char *whole = na_format("%s:/usr/sbin:/sbin", at ? at : "/usr/local/sbin:/usr/bin:/bin");

    for (const char *dir = whole; dir && *dir;) {
        size_t len = strcspn(dir, ":");
        char *path = len ? na_format("%.*s/%s", (int)len, dir, name) : NULL;

        if (path && access(path, X_OK) == 0) {
            free(whole);
            return path;
        }
        free(path);
        dir += len + (dir[len] == ':');
    }
    free(whole);
    return NULL;
}

int prog_other(struct berth_net *n, const char *const *argv, struct berth_buf *out,
               struct berth_error *err)
{
    struct berth_run what = {.size = sizeof(what),
                             .flags = BERTH_RUN_STDERR_IS_ERROR,
                             .netns_fd = -1,
                             .output = out};
    const char *args[64];
    char *path = in_path(argv[0]);
    struct env env;
    size_t i = 0;
    int r = -ENOENT;

    if (!path)
        return r;
    args[0] = path;
    while (argv[++i] && i < 63)
        args[i] = argv[i];
    args[i] = NULL;
    what.argv = args;
    what.deadline = run_deadline(n);
    env_fill(n, &env);
    r = env.failed ? NO_MEMORY(n, err) : 0;
    what.env = (const char *const *)env.v;
    if (r == 0)
        r = n->h->run(n->h->core, &what, err);
    env_free(&env);
    free(path);
    return r;
}
