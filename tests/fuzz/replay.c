/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - feeds a fuzz target without libFuzzer.
 *
 *      fuzz_note [FILE|DIRECTORY...]
 *
 * Without arguments: the target's corpus, tests/fuzz/corpus/FUZZ_NAME.  Each file is fed
 * whole, cut to many lengths, and with bytes changed; FUZZ_ROUNDS says how often (200).
 * The changes are the same each time, so a failure can be repeated.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned files, inputs;
static uint64_t state;

static uint32_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

/* Exactly `size` bytes on the heap, so that a sanitizer sees reads behind the end. */
static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy)
        abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    inputs++;
}

static void change(uint8_t *data, size_t size)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, '"', '{', '\n'};

    for (unsigned n = 1 + next() % 4; n > 0; n--) {
        size_t at = next() % size;

        switch (next() % 3) {
        case 0:
            data[at] = values[next() % sizeof(values)];
            break;
        case 1:
            data[at] ^= (uint8_t)(1u << next() % 8);
            break;
        default:
            data[at] = data[next() % size];
        }
    }
}

static void feed_file(const char *path, unsigned rounds)
{
    FILE *f = fopen(path, "re");
    static uint8_t data[1 << 20], changed[1 << 20];
    size_t size, step;

    if (!f) {
        perror(path);
        exit(1);
    }
    size = fread(data, 1, sizeof(data), f);
    fclose(f);
    files++;
    feed(data, size);
    step = size / 256 + 1;
    for (size_t cut = 0; cut < size; cut += step)
        feed(data, cut);
    state = 1;
    for (unsigned i = 0; i < rounds && size > 0; i++) {
        memcpy(changed, data, size);
        change(changed, size);
        feed(changed, size);
    }
}

static void feed_path(const char *path, unsigned rounds)
{
    struct dirent *entry;
    struct stat st;
    DIR *d;

    if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        feed_file(path, rounds);
        return;
    }
    d = opendir(path);
    if (!d) {
        perror(path);
        exit(1);
    }
    while ((entry = readdir(d))) {
        char file[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        feed_file(file, rounds);
    }
    closedir(d);
}

int main(int argc, char **argv)
{
    const char *top = getenv("top_srcdir"), *wanted = getenv("FUZZ_ROUNDS");
    unsigned rounds = wanted ? (unsigned)atoi(wanted) : 200;
    char corpus[4096];

    if (argc < 2) {
        snprintf(corpus, sizeof(corpus), "%s/tests/fuzz/corpus/" FUZZ_NAME, top ? top : ".");
        feed_path(corpus, rounds);
    }
    for (int i = 1; i < argc; i++)
        feed_path(argv[i], rounds);
    printf("%s: %u files, %u inputs\n", FUZZ_NAME, files, inputs);
    return files == 0;
}
