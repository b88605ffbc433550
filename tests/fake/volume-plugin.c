/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume-plugin.c - a volume plugin for tests: volumes are directories.
 *
 *   volume-plugin SOCKET DIR
 *
 * DIR/volumes has a directory for each volume, DIR/log a line for each call, and the word in
 * DIR/mode says how it answers: well (no such file), hang, junk, huge, error, chunked, none
 * (the connection ends), slow (byte by byte), late (List names nothing that is there yet),
 * other (not for volumes), or, with a slash in it, this text as the mount point.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *dir;
static char mode[64];

static void read_mode(void)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/mode", dir);
    f = fopen(path, "r");
    if (!f || fscanf(f, "%63s", mode) != 1)
        strcpy(mode, "well");
    if (f)
        fclose(f);
}

static void note(const char *call, const char *name)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/log", dir);
    f = fopen(path, "a");
    if (!f)
        return;
    fprintf(f, "%s %s\n", call, name);
    fclose(f);
}

static void send_text(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

static void answer(int fd, int status, const char *body)
{
    char text[70000];
    size_t n = strlen(body), half = n / 2;

    if (strcmp(mode, "chunked") == 0)
        n = (size_t)snprintf(
            text, sizeof(text),
            "HTTP/1.1 %d OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            "%zx\r\n%.*s\r\n%zx;x=y\r\n%s\r\n0\r\n\r\n",
            status, half, (int)half, body, n - half, body + half);
    else
        n = (size_t)snprintf(
            text, sizeof(text),
            "HTTP/1.1 %d OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", status, n,
            body);
    for (size_t i = 0; i < n && strcmp(mode, "slow") == 0; i++) {
        send_text(fd, text + i, 1);
        usleep(500);
    }
    if (strcmp(mode, "slow") != 0)
        send_text(fd, text, n);
}

/* The text of a member, of answers as simple as these. */
static void member(const char *body, const char *name, char *out, size_t size)
{
    char key[64];
    const char *at;

    snprintf(key, sizeof(key), "\"%s\":\"", name);
    at = strstr(body, key);
    at = at ? at + strlen(key) : "";
    snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

static void list(char *out, size_t size)
{
    char path[4096];
    struct dirent *e;
    DIR *d;
    size_t n = (size_t)snprintf(out, size, "{\"Volumes\":[");
    int first = 1;

    snprintf(path, sizeof(path), "%s/volumes", dir);
    d = strcmp(mode, "late") == 0 ? NULL : opendir(path);
    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.') {
            n += (size_t)snprintf(out + n, size - n, "%s{\"Name\":\"%s\",\"Mountpoint\":\"\"}",
                                  first ? "" : ",", e->d_name);
            first = 0;
        }
    if (d)
        closedir(d);
    snprintf(out + n, size - n, "]}");
}

static void serve(int fd, const char *call, const char *body)
{
    char name[300], path[4096], text[8192];
    struct stat st;
    int there;

    member(body, "Name", name, sizeof(name));
    snprintf(path, sizeof(path), "%s/volumes/%s", dir, name);
    there = *name && stat(path, &st) == 0;
    note(call, name);
    if (strcmp(call, "Plugin.Activate") == 0)
        answer(fd, 200,
               strcmp(mode, "other") == 0 ? "{\"Implements\":[\"NetworkDriver\"]}"
                                          : "{\"Implements\":[\"VolumeDriver\"]}");
    else if (strcmp(mode, "error") == 0)
        answer(fd, 500, "{\"Err\":\"out of order\"}");
    else if (strcmp(call, "VolumeDriver.List") == 0) {
        list(text, sizeof(text));
        answer(fd, 200, text);
    } else if (strcmp(call, "VolumeDriver.Create") == 0)
        answer(fd, mkdir(path, 0755) == 0 ? 200 : 500, "{\"Err\":\"\"}");
    else if (!there)
        answer(fd, 500, "{\"Err\":\"no such volume\"}");
    else if (strcmp(call, "VolumeDriver.Get") == 0) {
        snprintf(text, sizeof(text),
                 "{\"Volume\":{\"Name\":\"%s\",\"Mountpoint\":\"%s\",\"Status\":{}}}", name,
                 path);
        answer(fd, 200, text);
    } else if (strcmp(call, "VolumeDriver.Remove") == 0) {
        snprintf(text, sizeof(text), "rm -rf '%s'", path);
        answer(fd, system(text) == 0 ? 200 : 500, "{}");
    } else if (strcmp(call, "VolumeDriver.Mount") == 0) {
        snprintf(text, sizeof(text), "{\"Mountpoint\":\"%s\"}",
                 strchr(mode, '/') ? mode : path);
        answer(fd, 200, text);
    } else if (strcmp(call, "VolumeDriver.Unmount") == 0)
        answer(fd, 200, "{}");
    else
        answer(fd, 404, "{\"Err\":\"no such call\"}");
}

static void talk(int fd)
{
    char text[65536], call[64];
    size_t n = 0;

    for (;;) {
        ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
        char *body, *length;

        if (got <= 0)
            return;
        n += (size_t)got;
        text[n] = '\0';
        body = strstr(text, "\r\n\r\n");
        length = strstr(text, "Content-Length: ");
        if (!body || (length && strlen(body + 4) < strtoul(length + 16, NULL, 10)))
            continue;
        if (sscanf(text, "POST /%63[A-Za-z.] ", call) != 1)
            return;
        if (strcmp(mode, "hang") == 0) {
            pause();
            return;
        }
        if (strcmp(mode, "none") == 0)
            return;
        if (strcmp(mode, "junk") == 0) {
            send_text(fd, "junk\r\n\r\n", 8);
            return;
        }
        if (strcmp(mode, "huge") == 0) {
            send_text(fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
            for (int i = 0; i < 200; i++)
                send_text(fd, text, sizeof(text));
            return;
        }
        serve(fd, call, body + 4);
        return;
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (argc != 3 || s < 0)
        return 2;
    dir = argv[2];
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", argv[1]);
    if (bind(s, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(s, 8) < 0) {
        perror(argv[1]);
        return 1;
    }
    for (;;) {
        int fd = accept(s, NULL, NULL);

        if (fd < 0)
            continue;
        read_mode();
        if (fork() == 0) {
            signal(SIGCHLD, SIG_DFL);
            close(s);
            talk(fd);
            exit(0);
        }
        close(fd);
    }
}
