/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_load.c - src/load: what is loaded, and everything that is refused with its reason.
 *
 * Wrong plugins are built by the test from tests/plugins/samples/lock_sample.c, or made of
 * the right one by changing bytes.  Each case runs in a process of its own, since plugins
 * are never unloaded.
 */
#include "base/buf.h"
#include "base/fs.h"
#include "base/list.h"
#include "base/str.h"
#include "load/load.h"
#include <berth/lock.h>
#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>

static char dir[64];

static void setup(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test-load.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
    chmod(dir, 0700);
    ck_assert_int_eq(fs_remove_tree(dir, NULL), 0);
}

/* ------------------------------------------------------------------- helpers */

static void run(const char *command)
{
    int status = system(command);

    ck_assert_msg(status == 0, "status %d of: %s", status, command);
}

/* Build DIR/lock_NAME.so with these definitions; `libraries` go behind. */
static void build_with(const char *name, const char *flags, const char *libraries)
{
    _cleanup_free_ char *command =
        str_printf("${CC:-cc} -shared -fPIC -w -I\"${top_srcdir:-.}/include\" -DMODULE=lock_%s "
                   "-DNAME='\"%s\"' %s -o %s/lock_%s.so "
                   "\"${top_srcdir:-.}/tests/plugins/samples/lock_sample.c\" %s",
                   name, name, flags, dir, name, libraries);

    run(command);
}

static void build(const char *name, const char *flags)
{
    build_with(name, flags, "");
}

static struct conf *configure(const char *plugin_dir)
{
    struct conf *c = NULL;
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct conf_override o[] = {{"plugin_dirs", plugin_dir},
                                      {"graph_root", "/tmp/g"},
                                      {"run_root", "/tmp/r"},
                                      {"tmp_dir", "/tmp/t"}};

    ck_assert_msg(conf_load("/dev/null", o, ARRAY_LEN(o), &c, NULL, &err) == 0, "%s",
                  error_text(&err));
    return c;
}

/* Loading gives this code, and the message has its form: which plugin, the file and the
 * reason, what else there is.  `reason` may have %s for the directory. */
static void refused_from(const char *plugin_dir, uint32_t kind, const char *name, int code,
                         const char *reason)
{
    _cleanup_conf_ struct conf *c = configure(plugin_dir);
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_free_ char *head =
        str_printf("cannot use %s plugin \"%s\"\n  ", plugin_kind_name(kind), name);
    const struct plugin *p = NULL;
    int r = plugin_load(c, kind, name, &p, &err);
    const char *text = error_text(&err);

    ck_assert_int_eq(r, -code);
    ck_assert_int_eq(err.code, code);
    ck_assert_ptr_null(p);
    ck_assert_msg(str_starts(text, head), "%s", text);
    ck_assert_msg(strstr(text, reason), "%s\ninstead of: %s", text, reason);
    ck_assert_msg(strstr(text, " plugins: ") && str_ends(text, "(see `berth plugin list`)"),
                  "%s", text);
    ck_assert_uint_eq(plugins_loaded()->n, 0);
}

static void refused(const char *name, int code, const char *reason)
{
    _cleanup_free_ char *full =
        str_printf("\n  %s/lock_%s.so: %s\n  installed lock plugins: ", dir, name, reason);

    refused_from(dir, BERTH_KIND_LOCK, name, code, full);
}

static void copy(const char *from, const char *to)
{
    _cleanup_free_ char *source = str_printf("%s/%s", dir, from);
    _cleanup_free_ char *target = str_printf("%s/%s", dir, to);
    _cleanup_buf_ struct berth_buf bytes = BUF_INIT;

    ck_assert_int_eq(fs_read(source, 1 << 24, &bytes, NULL), 0);
    ck_assert_int_eq(fs_replace(target, bytes.data, bytes.len, 0755, false, NULL), 0);
}

/* Copy lock_good.so to lock_NAME.so with other bytes at an offset, cut to a length. */
static void damage(const char *name, size_t offset, const void *bytes, size_t n, size_t cut)
{
    _cleanup_free_ char *source = str_printf("%s/lock_good.so", dir);
    _cleanup_free_ char *target = str_printf("%s/lock_%s.so", dir, name);
    _cleanup_buf_ struct berth_buf b = BUF_INIT;

    ck_assert_int_eq(fs_read(source, 1 << 24, &b, NULL), 0);
    ck_assert_uint_le(offset + n, b.len);
    memcpy(b.data + offset, bytes, n);
    ck_assert_int_eq(fs_replace(target, b.data, MIN(cut, b.len), 0755, false, NULL), 0);
}

/* ------------------------------------------------------------------ what loads */

START_TEST(good_plugin)
{
    _cleanup_conf_ struct conf *c = configure(dir);
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_free_ char *path = str_printf("%s/lock_good.so", dir);
    const struct plugin *p = NULL, *again = NULL;
    const struct berth_lock_ops *ops;
    struct berth_locks *l = NULL;

    build("good", "");
    ck_assert_msg(plugin_load(c, BERTH_KIND_LOCK, "good", &p, &err) == 0, "%s",
                  error_text(&err));
    ck_assert_str_eq(p->module, "lock_good");
    ck_assert_str_eq(p->path, path);
    ck_assert_str_eq(p->desc.name, "good");
    ck_assert_str_eq(p->desc.version, "1.2");
    ck_assert_uint_eq(p->desc.n_options, 1);
    ck_assert_str_eq(p->desc.options[0].name, "speed");
    ops = p->ops;
    ck_assert_ptr_null(ops->held);
    ck_assert_int_eq(ops->open(plugin_host(p), NULL, NULL, 0, &l, &err), 0);
    ck_assert_int_eq(ops->claim(l, 3, &err), -EEXIST);
    ck_assert_str_eq(error_text(&err), "lock 3 is taken");
    ck_assert_int_eq(plugin_load(c, BERTH_KIND_LOCK, "good", &again, &err), 0);
    ck_assert_ptr_eq(p, again);
    ck_assert_int_eq(plugin_load_file(c, path, &again, &err), 0);
    ck_assert_ptr_eq(p, again);
    ck_assert_uint_eq(plugins_loaded()->n, 1);
    ck_assert_str_eq(plugins_loaded()->items[0], "lock_good");
}
END_TEST

/* Structs of a later minor version are larger; what we do not know is left out. */
START_TEST(later_minor)
{
    _cleanup_conf_ struct conf *c = configure(dir);
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct plugin *p = NULL;
    const struct berth_lock_ops *ops;

    build("later", "-DLARGER");
    ck_assert_msg(plugin_load(c, BERTH_KIND_LOCK, "later", &p, &err) == 0, "%s",
                  error_text(&err));
    ck_assert_uint_gt(p->file_size, sizeof(struct berth_plugin));
    ck_assert_uint_gt(p->file_ops_size, sizeof(struct berth_lock_ops));
    ck_assert_uint_eq(p->desc.option_size, sizeof(struct berth_option));
    ck_assert_uint_eq(p->desc.n_options, 2);
    ck_assert_str_eq(p->desc.options[1].name, "second");
    ck_assert_str_eq(p->desc.options[1].preset, "two");
    ops = p->ops;
    ck_assert_uint_eq(ops->size, sizeof(*ops));
}
END_TEST

/* Links are fine; what they lead to is looked at. */
START_TEST(through_links)
{
    _cleanup_free_ char *real = str_printf("%s/real", dir),
                        *links = str_printf("%s/links", dir);
    _cleanup_free_ char *from = str_printf("%s/lock_good.so", dir);
    _cleanup_free_ char *to = str_printf("%s/real/lock_good.so", dir);
    _cleanup_free_ char *link = str_printf("%s/links/lock_good.so", dir);
    _cleanup_conf_ struct conf *c = configure(links);
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct plugin *p = NULL;

    build("good", "");
    ck_assert_int_eq(mkdir(real, 0755) | mkdir(links, 0755), 0);
    ck_assert_int_eq(rename(from, to) | symlink(to, link), 0);
    chmod(real, 0777);
    ck_assert_int_eq(plugin_load(c, BERTH_KIND_LOCK, "good", &p, &err), -EPERM);
    error_clear(&err);
    chmod(real, 0755);
    ck_assert_msg(plugin_load(c, BERTH_KIND_LOCK, "good", &p, &err) == 0, "%s",
                  error_text(&err));
    ck_assert_str_eq(p->path, to);
}
END_TEST

/* ---------------------------------------------------------- where it is looked for */

START_TEST(places)
{
    _cleanup_free_ char *none = str_printf("%s/none", dir);
    _cleanup_free_ char *in_none =
        str_printf("there is no lock_x.so in %s (No such file or directory)", none);
    _cleanup_free_ char *in_empty = str_printf("there is no lock_x.so in %s\n", dir);

    refused_from(none, BERTH_KIND_LOCK, "x", ENOENT, in_none);
    refused_from(none, BERTH_KIND_LOCK, "x", ENOENT, "installed lock plugins: none (see");
    refused_from(dir, BERTH_KIND_LOCK, "x", ENOENT, in_empty);
    build("good", "");
    refused_from(dir, BERTH_KIND_LOCK, "x", ENOENT, "installed lock plugins: good (see");
    refused_from(dir, BERTH_KIND_STATE, "x", ENOENT, "installed state plugins: none (see");
    refused_from(dir, BERTH_KIND_LOCK, "shm", ENOENT, "\n  the package berth provides it\n");
}
END_TEST

START_TEST(wrong_words)
{
    static const char *const wrong[] = {"", "../good", "a/b", "Good", "go-od", "1st"};
    _cleanup_conf_ struct conf *c = configure(dir);

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        _cleanup_error_ struct berth_error err = ERROR_INIT;
        _cleanup_free_ char *text =
            str_printf("\"%s\" cannot be the name of a plugin", wrong[i]);
        const struct plugin *p;

        ck_assert_int_eq(plugin_load(c, BERTH_KIND_LOCK, wrong[i], &p, &err), -EINVAL);
        ck_assert_str_eq(error_text(&err), text);
    }
}
END_TEST

START_TEST(files)
{
    static const struct {
        const char *path, *text;
    } cases[] = {
        {"/tmp/lock_x", "cannot use plugin /tmp/lock_x: its name does not end in .so"},
        {"/tmp/x.so", "cannot use plugin /tmp/x.so: its name must be <kind>_<name>.so with the "
                      "kind state, lock, oci or net"},
        {"/nonexistent/lock_x.so",
         "cannot use plugin \"lock_x\"\n  /nonexistent/lock_x.so: cannot be opened: No such "
         "file or directory"},
    };
    _cleanup_conf_ struct conf *c = configure(dir);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_error_ struct berth_error err = ERROR_INIT;
        const struct plugin *p;

        ck_assert_int_lt(plugin_load_file(c, cases[i].path, &p, &err), 0);
        ck_assert_str_eq(error_text(&err), cases[i].text);
    }
}
END_TEST

/* ------------------------------------------------------------ who may change it */

START_TEST(writable_file)
{
    _cleanup_free_ char *path = str_printf("%s/lock_good.so", dir);

    build("good", "");
    chmod(path, 0775);
    refused("good", EPERM, "others may write to the file (mode 0775): not trusted");
    chmod(path, 0757);
    refused("good", EPERM, "others may write to the file (mode 0757): not trusted");
}
END_TEST

START_TEST(writable_directory)
{
    static const mode_t modes[] = {0777, 0770, 01777};

    build("good", "");
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        _cleanup_free_ char *reason =
            str_printf("others may write in the directory %s (mode %04o): not trusted", dir,
                       (unsigned)modes[i]);

        chmod(dir, modes[i]);
        refused("good", EPERM, reason);
    }
}
END_TEST

START_TEST(writable_parent)
{
    _cleanup_free_ char *sub = str_printf("%s/sub", dir);
    _cleanup_free_ char *from = str_printf("%s/lock_good.so", dir);
    _cleanup_free_ char *to = str_printf("%s/sub/lock_good.so", dir);
    _cleanup_free_ char *reason = str_printf(
        "\n  %s: others may write in the directory %s (mode 0777): not trusted", to, dir);

    build("good", "");
    ck_assert_int_eq(mkdir(sub, 0755) | rename(from, to), 0);
    chmod(dir, 0777);
    refused_from(sub, BERTH_KIND_LOCK, "good", EPERM, reason);
}
END_TEST

START_TEST(foreign_owner)
{
    _cleanup_free_ char *path = str_printf("%s/lock_good.so", dir);
    _cleanup_free_ char *file_reason =
        str_printf("the file %s belongs to user 12345: not trusted", path);
    _cleanup_free_ char *dir_reason =
        str_printf("the directory %s belongs to user 12345: not trusted", dir);

    if (geteuid() != 0) /* only root can give files away */
        return;
    build("good", "");
    ck_assert_int_eq(chown(path, 12345, 12345), 0);
    refused("good", EPERM, file_reason);
    ck_assert_int_eq(chown(path, 0, 0) | chown(dir, 12345, 0), 0);
    refused("good", EPERM, dir_reason);
}
END_TEST

/* ------------------------------------------------------------------ wrong files */

START_TEST(no_regular_file)
{
    _cleanup_free_ char *folder = str_printf("%s/lock_folder.so", dir);
    _cleanup_free_ char *fifo = str_printf("%s/lock_fifo.so", dir);
    _cleanup_free_ char *dangling = str_printf("%s/lock_dangling.so", dir);

    ck_assert_int_eq(mkdir(folder, 0755) | mkfifo(fifo, 0600) | symlink("gone", dangling), 0);
    refused("folder", ENOEXEC, "is no regular file");
    refused("fifo", ENOEXEC, "is no regular file");
    refused("dangling", ENOENT, "cannot be opened: No such file or directory");
}
END_TEST

START_TEST(no_elf)
{
    static const char text[] = "#!/bin/sh\nexit 0\n";
    _cleanup_free_ char *script = str_printf("%s/lock_script.so", dir);
    _cleanup_free_ char *empty = str_printf("%s/lock_empty.so", dir);

    ck_assert_int_eq(fs_replace(script, text, strlen(text), 0755, false, NULL), 0);
    ck_assert_int_eq(fs_replace(empty, "", 0, 0755, false, NULL), 0);
    refused("script", ENOEXEC, "is no ELF file");
    refused("empty", ENOEXEC, "is empty");
}
END_TEST

START_TEST(foreign_files)
{
    const uint8_t bits32 = ELFCLASS32, big = ELFDATA2MSB, weird = 9;
    const uint16_t machine = EM_SPARCV9, type = ET_REL, none = 0;
    const uint64_t far = 1ull << 62;

    build("good", "");
    damage("bits32", EI_CLASS, &bits32, 1, SIZE_MAX);
    refused("bits32", ENOEXEC, "is a 32-bit file, and this program has 64 bits");
    damage("big", EI_DATA, &big, 1, SIZE_MAX);
    refused("big", ENOEXEC, "is for big-endian machines");
    damage("weird", EI_CLASS, &weird, 1, SIZE_MAX);
    refused("weird", ENOEXEC, "is damaged: its tables make no sense");
    damage("machine", offsetof(ElfW(Ehdr), e_machine), &machine, 2, SIZE_MAX);
    refused("machine", ENOEXEC, "is for another kind of machine");
    damage("object", offsetof(ElfW(Ehdr), e_type), &type, 2, SIZE_MAX);
    refused("object", ENOEXEC, "is no shared object");
    damage("bare", offsetof(ElfW(Ehdr), e_phnum), &none, 2, SIZE_MAX);
    refused("bare", ENOEXEC, "is damaged: its tables make no sense");
    damage("far", offsetof(ElfW(Ehdr), e_phoff), &far, 8, SIZE_MAX);
    refused("far", ENOEXEC, "is cut off: parts that its header names are missing");
}
END_TEST

/* A good plugin cut at any length is refused, and only ever as such. */
START_TEST(cut_files)
{
    _cleanup_free_ char *good = str_printf("%s/lock_good.so", dir);
    struct stat st;

    build("good", "");
    ck_assert_int_eq(stat(good, &st), 0);
    for (size_t cut = 4; cut < (size_t)st.st_size; cut += cut < 200 ? 1 : 97) {
        damage("cut", 0, "", 0, cut);
        refused("cut", ENOEXEC, "is cut off: parts that its header names are missing");
    }
    damage("cut", 0, "", 0, 3);
    refused("cut", ENOEXEC, "is no ELF file");
}
END_TEST

START_TEST(wrong_names)
{
    _cleanup_free_ char *as_state = str_printf(
        "\n  %s/state_good.so: is a lock plugin (lock_good), not a state plugin\n", dir);

    build("good", "");
    copy("lock_good.so", "lock_other.so");
    copy("lock_good.so", "state_good.so");
    refused("other", ENOEXEC,
            "is the module \"lock_good\" under the name of another: it belongs into "
            "lock_good.so");
    refused_from(dir, BERTH_KIND_STATE, "good", ENOEXEC, as_state);
}
END_TEST

/* Variants of the sample: flags, and the reason why it is refused. */
static const struct {
    const char *name, *flags, *reason;
} variants[] = {
    {"plain", "-DNO_NOTE", "is no plugin of berth: it has no note that says so"},
    {"babble", "-DNOTE='\"hello\"'", "has a note that makes no sense"},
    {"half", "-DNOTE='\"module=lock_half\\nkind=lock\\n\"'", "has a note that makes no sense"},
    {"bin", "-DNOTE='\"module=lock_bin\\nkind=lock\\nabi=1.0\\nops=1.0\\n\\001\"'",
     "has a note that makes no sense"},
    {"differ", "-DNOTE='\"module=lock_differ\\nkind=net\\nabi=1.0\\nops=1.0\\n\"'",
     "has a note that makes no sense"},
    {"abinote", "-DNOTE='\"module=lock_abinote\\nkind=lock\\nabi=2.3\\nops=1.0\\n\"'",
     "is made for plugin ABI 2.3, and this program has 1.0"},
    {"opsnote", "-DNOTE='\"module=lock_opsnote\\nkind=lock\\nabi=1.0\\nops=7.0\\n\"'",
     "is made for lock ABI 7.0, and this program has 1.0"},
    {"magic", "-DEXTRA=.magic=1", "has a descriptor without the magic number of plugins"},
    {"small", "-DEXTRA=.size=40", "has a descriptor of 40 bytes, which cannot be"},
    {"kind", "-DEXTRA=.kind=BERTH_KIND_NET",
     "is a network plugin by its descriptor, not a lock plugin"},
    {"kind9", "-DEXTRA=.kind=9", "is of no known kind by its descriptor, not a lock plugin"},
    {"abi", "-DEXTRA=.abi_major=2", "is made for plugin ABI 2.0, and this program has 1.0"},
    {"ops", "-DEXTRA=.ops_major=3", "is made for lock ABI 3.0, and this program has 1.0"},
    {"needs", "-DEXTRA=.abi_needs=4",
     "needs plugin ABI 1.4, and this program has 1.0: a later berth is needed"},
    {"opsneeds", "-DEXTRA=.ops_needs=5",
     "needs lock ABI 1.5, and this program has 1.0: a later berth is needed"},
    {"named", "-DEXTRA='.name=\"shm\"'",
     "calls itself \"shm\" in its descriptor, not \"named\""},
    {"nameless", "-DEXTRA=.name=0", "calls itself \"\" in its descriptor, not \"nameless\""},
    {"threads", "-DEXTRA=.threads=3", "declares a thread model (3) that is not known"},
    {"options", "-DEXTRA=.n_options=2", "declares option 1 without a name or a known type"},
    {"stride", "-DEXTRA=.option_size=8", "has a table of options that makes no sense"},
    {"noops", "-DEXTRA=.ops=0", "has no table of functions, or one of 0 bytes"},
    {"lacks", "-DOPS_EXTRA='.count=0,.acquire=0,.drop=0'",
     "lacks 3 functions that a lock plugin must have: count, acquire, drop"},
    {"one", "-DOPS_EXTRA=.forked=0", "lacks 1 function that a lock plugin must have: forked"},
    {"short", "-DOPS_EXTRA='.size=offsetof(struct berth_lock_ops,held)'",
     "lacks 2 functions that a lock plugin must have: acquire, drop"},
    {"caps", "-DEXTRA=.caps=BERTH_LOCK_CAP_HELD",
     "lacks 1 function that a lock plugin must have: held"},
    {"hidden", "-DHIDDEN", "does not export lock_hidden_LTX_berth_plugin"},
    {"unresolved", "-DCALL=no_such_function", "undefined symbol: no_such_function"},
};

START_TEST(variant)
{
    build(variants[_i].name, variants[_i].flags);
    refused(variants[_i].name, ENOEXEC, variants[_i].reason);
}
END_TEST

START_TEST(missing_library)
{
    _cleanup_conf_ struct conf *c = configure(dir);
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_list_ struct berth_list missing = LIST_INIT;
    _cleanup_free_ char *libraries = str_printf("-L%s -lberthgone", dir);
    _cleanup_free_ char *path = str_printf("%s/lock_lib.so", dir);
    _cleanup_free_ char *command =
        str_printf("echo 'int gone(void) { return 0; }' > %s/gone.c && ${CC:-cc} -shared -fPIC "
                   "-Wl,-soname,libberthgone.so.1 -o %s/libberthgone.so %s/gone.c",
                   dir, dir, dir);
    struct plugin_note *notes;
    size_t n;

    run(command);
    build_with("lib", "-DCALL=gone", libraries);
    refused("lib", ENOEXEC,
            "libberthgone.so.1: cannot open shared object file: No such file or directory");
    /* The note can be read nevertheless, and tells which library is missing. */
    ck_assert_int_eq(plugin_notes(c, &notes, &n, &err), 0);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(notes[1].module, "lock_lib");
    ck_assert_ptr_null(notes[1].problem);
    ck_assert_str_eq(notes[0].module, "libberthgone");
    ck_assert_str_eq(notes[0].problem, "is no plugin of berth: it has no note that says so");
    plugin_notes_free(notes, n);
    ck_assert_int_eq(plugin_missing_libraries(path, &missing, &err), 0);
    ck_assert_uint_eq(missing.n, 1);
    ck_assert(str_starts(missing.items[0], "libberthgone.so.1: cannot open"));
    ck_assert_uint_eq(plugins_loaded()->n, 0);
}
END_TEST

/* What is installed is listed with its problems, earlier directories first. */
START_TEST(list)
{
    _cleanup_conf_ struct conf *c = configure(dir);
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    _cleanup_list_ struct berth_list names = LIST_INIT;
    _cleanup_free_ char *text = str_printf("%s/state_text.so", dir);
    struct plugin_note *notes;
    size_t n;

    build("good", "");
    build("abi", "-DNOTE='\"module=lock_abi\\nkind=lock\\nabi=2.3\\nops=1.0\\n\"'");
    ck_assert_int_eq(fs_replace(text, "x", 1, 0644, false, NULL), 0);
    ck_assert_int_eq(plugin_notes(c, &notes, &n, &err), 0);
    ck_assert_uint_eq(n, 3);
    ck_assert_str_eq(notes[0].module, "lock_abi");
    ck_assert_str_eq(notes[0].problem, "is made for plugin ABI 2.3, and this program has 1.0");
    ck_assert_uint_eq(notes[0].abi_major, 2);
    ck_assert_str_eq(notes[1].module, "lock_good");
    ck_assert_str_eq(notes[1].name, "good");
    ck_assert_uint_eq(notes[1].kind, BERTH_KIND_LOCK);
    ck_assert_ptr_null(notes[1].problem);
    ck_assert_str_eq(notes[2].problem, "is no ELF file");
    plugin_notes_free(notes, n);
    ck_assert_int_eq(plugin_names(c, BERTH_KIND_LOCK, &names, &err), 0);
    ck_assert_uint_eq(names.n, 1);
    ck_assert_str_eq(names.items[0], "good");
    ck_assert_uint_eq(plugins_loaded()->n, 0);
}
END_TEST

START_TEST(path_variable)
{
    _cleanup_conf_ struct conf *c = configure("/nonexistent");
    _cleanup_error_ struct berth_error err = ERROR_INIT;
    const struct plugin *p = NULL;
    bool honoured = geteuid() != 0;

#ifdef BERTH_UNINSTALLED
    honoured = true;
#endif
    build("good", "");
    setenv("BERTH_PLUGIN_PATH", dir, 1);
    ck_assert_int_eq(plugin_load(c, BERTH_KIND_LOCK, "good", &p, &err), honoured ? 0 : -ENOENT);
    error_clear(&err);
    setenv("BERTH_PLUGIN_PATH", "relative", 1);
    if (honoured) {
        ck_assert_int_eq(plugin_load(c, BERTH_KIND_LOCK, "other", &p, &err), -EINVAL);
        ck_assert(strstr(error_text(&err), "BERTH_PLUGIN_PATH: relative is no absolute path"));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load");
    TCase *tc = tcase_create("load");
    SRunner *runner;
    int failed;

    unsetenv("BERTH_CONF");
    unsetenv("BERTH_PLUGIN_PATH");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, good_plugin);
    tcase_add_test(tc, later_minor);
    tcase_add_test(tc, through_links);
    tcase_add_test(tc, places);
    tcase_add_test(tc, wrong_words);
    tcase_add_test(tc, files);
    tcase_add_test(tc, writable_file);
    tcase_add_test(tc, writable_directory);
    tcase_add_test(tc, writable_parent);
    tcase_add_test(tc, foreign_owner);
    tcase_add_test(tc, no_regular_file);
    tcase_add_test(tc, no_elf);
    tcase_add_test(tc, foreign_files);
    tcase_add_test(tc, cut_files);
    tcase_add_test(tc, wrong_names);
    tcase_add_loop_test(tc, variant, 0, (int)ARRAY_LEN(variants));
    tcase_add_test(tc, missing_library);
    tcase_add_test(tc, list);
    tcase_add_test(tc, path_variable);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK); /* what one has loaded stays loaded */
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
