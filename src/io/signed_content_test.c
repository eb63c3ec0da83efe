#include "io/signed_content.h"

#include "base/testing.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1800000000000000000)

struct bench {
    char dir[64];
    EVP_PKEY *key, *other;
    struct content_trust *trust;
    struct content_wanted wanted;
    struct diag diag;
};

static void
write_file(const struct bench *b, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", b->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void
remove_file(const struct bench *b, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", b->dir, name);
    assert_int_equal(remove(path), 0);
}

static EVP_PKEY *
make_key(uint8_t seed)
{
    uint8_t octets[32] = {seed};
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, octets, sizeof octets);
}

static struct content_trust *
trust_in(const char *name, EVP_PKEY *key)
{
    struct buf text = BUF_INIT;
    struct content_trust *trust = NULL;
    buf_str(&text, "# who may\n\n");
    note_put_verifier(&text, name, key);
    assert_err(content_trust_parse((const char *)text.data, text.size, &trust, NULL), ERR_OK);
    buf_fini(&text);
    return trust;
}

/* Signs what is in the directory now. */
static void
sign(struct bench *b, uint64_t release, nsec_t not_after, EVP_PKEY *key)
{
    struct content c;
    struct buf note = BUF_INIT;
    assert_err(content_describe(b->dir, &c, &b->diag), ERR_OK);
    strcpy(c.name, "things");
    strcpy(c.version, "1.0");
    c.release = release;
    c.not_after = not_after;
    assert_err(content_sign(&c, "maker", key, &note, &b->diag), ERR_OK);
    write_file(b, CONTENT_MANIFEST, buf_cstr(&note));
    buf_fini(&note);
    content_fini(&c);
}

static enum err
verify(struct bench *b)
{
    b->diag.text[0] = '\0';
    return content_verify(b->dir, b->trust, &b->wanted, NULL, &b->diag);
}

static void
assert_refused(struct bench *b, enum err err, const char *because)
{
    assert_err(verify(b), err);
    if (!strstr(b->diag.text, because))
        fail_msg("\"%s\" does not say \"%s\"", b->diag.text, because);
}

static int
set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    strcpy(b->dir, "/tmp/tieline-content-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    char below[128];
    snprintf(below, sizeof below, "%s/below", b->dir);
    assert_int_equal(mkdir(below, 0700), 0);
    write_file(b, "one.yaml", "one\n");
    write_file(b, "below/two.yaml", "two\n");
    b->key = make_key(1);
    b->other = make_key(2);
    b->trust = trust_in("maker", b->key);
    b->wanted = (struct content_wanted){.name = "things", .now = NOW};
    sign(b, 7, 0, b->key);
    *state = b;
    return 0;
}

static int
tear_down(void **state)
{
    struct bench *b = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", b->dir);
    assert_int_equal(system(command), 0);
    EVP_PKEY_free(b->key);
    EVP_PKEY_free(b->other);
    content_trust_free(b->trust);
    free(b);
    return 0;
}

static void
what_was_signed_is_taken(void **state)
{
    struct bench *b = *state;
    struct content c;
    assert_err(content_verify(b->dir, b->trust, &b->wanted, &c, &b->diag), ERR_OK);
    assert_string_equal(c.name, "things");
    assert_string_equal(c.signer, "maker");
    assert_int_equal(c.release, 7);
    assert_int_equal(c.n_files, 2);
    assert_string_equal(c.files[0].path, "below/two.yaml");
    content_fini(&c);
}

static void
a_file_that_changed_is_refused(void **state)
{
    struct bench *b = *state;
    write_file(b, "below/two.yaml", "twO\n");
    assert_refused(b, ERR_DENIED, "below/two.yaml: it is not what was signed");
    write_file(b, "below/two.yaml", "two\n\n");
    assert_refused(b, ERR_DENIED, "below/two.yaml: it has 5 octets, 4 were signed");
}

static void
a_file_too_many_is_refused(void **state)
{
    struct bench *b = *state;
    write_file(b, "below/extra.yaml", "");
    assert_refused(b, ERR_DENIED, "below/extra.yaml: the manifest does not name it");
}

static void
a_manifest_below_is_a_file_as_any_other(void **state)
{
    struct bench *b = *state;
    write_file(b, "below/" CONTENT_MANIFEST, "x");
    assert_refused(b, ERR_DENIED, "the manifest does not name it");
}

static void
a_missing_file_is_refused(void **state)
{
    struct bench *b = *state;
    remove_file(b, "one.yaml");
    assert_refused(b, ERR_DENIED, "one.yaml: it is missing");
}

static void
a_link_is_refused(void **state)
{
    struct bench *b = *state;
    char path[128];
    remove_file(b, "one.yaml");
    write_file(b, "below/one.yaml", "one\n");
    snprintf(path, sizeof path, "%s/one.yaml", b->dir);
    assert_int_equal(symlink("below/one.yaml", path), 0);
    assert_refused(b, ERR_INVALID, "one.yaml: neither a file nor a directory");
}

static void
without_a_manifest_nothing_is_taken(void **state)
{
    struct bench *b = *state;
    remove_file(b, CONTENT_MANIFEST);
    assert_refused(b, ERR_DENIED, "there is no " CONTENT_MANIFEST);
}

static void
another_key_does_not_count(void **state)
{
    struct bench *b = *state;
    sign(b, 7, 0, b->other);
    assert_refused(b, ERR_DENIED, "nobody who is trusted has signed");
}

static void
another_name_does_not_count(void **state)
{
    struct bench *b = *state;
    content_trust_free(b->trust);
    b->trust = trust_in("somebody", b->key);
    assert_refused(b, ERR_DENIED, "nobody who is trusted has signed");
}

static void
an_older_release_is_refused(void **state)
{
    struct bench *b = *state;
    b->wanted.release = 7;
    assert_err(verify(b), ERR_OK);
    b->wanted.release = 8;
    assert_refused(b, ERR_CONFLICT, "release 7 is older than 8");
}

static void
something_else_is_refused(void **state)
{
    struct bench *b = *state;
    b->wanted.name = "other-things";
    assert_refused(b, ERR_CONFLICT, "the manifest is of things, not of other-things");
}

static void
it_counts_until_its_time(void **state)
{
    struct bench *b = *state;
    sign(b, 7, NOW, b->key);
    assert_err(verify(b), ERR_OK);
    b->wanted.now = NOW + 1;
    assert_refused(b, ERR_DENIED, "the manifest has ended at 2027-01-15T08:00:00");
}

static void
a_manifest_cut_off_anywhere_is_refused(void **state)
{
    struct bench *b = *state;
    struct content c = {.n_files = 0};
    struct buf note = BUF_INIT;
    assert_err(content_describe(b->dir, &c, NULL), ERR_OK);
    strcpy(c.name, "things");
    strcpy(c.version, "1");
    assert_err(content_sign(&c, "maker", b->key, &note, NULL), ERR_OK);
    content_fini(&c);
    for (size_t size = 0; size < note.size; size++) {
        char *copy = malloc(size ? size : 1);
        memcpy(copy, note.data, size);
        assert_true(content_open(copy, size, b->trust, &c, NULL) != ERR_OK);
        free(copy);
    }
    assert_err(content_open((const char *)note.data, note.size, b->trust, &c, NULL), ERR_OK);
    content_fini(&c);
    for (size_t i = 0; i < note.size; i++) { /* nor one with another octet anywhere */
        note.data[i] ^= 1;
        assert_true(content_open((const char *)note.data, note.size, b->trust, &c, NULL) != ERR_OK);
        note.data[i] ^= 1;
    }
    buf_fini(&note);
}

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEAD "tieline-content/1\nname a\nversion 1\nrelease 1\n"

static void
a_signed_manifest_is_read_strictly(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {
        {HEAD "files 0\n", ERR_OK},
        {HEAD "files 1\n" HASH " 0 a/b c\n", ERR_OK},
        {HEAD "files 2\n" HASH " 0 a\n" HASH " 0 b\n", ERR_OK},
        {HEAD "files 2\n" HASH " 0 b\n" HASH " 0 a\n", ERR_MALFORMED},
        {HEAD "files 2\n" HASH " 0 a\n" HASH " 0 a\n", ERR_MALFORMED},
        {HEAD "files 2\n" HASH " 0 a\n", ERR_MALFORMED},
        {HEAD "files 1\n" HASH " 0 a\n" HASH " 0 b\n", ERR_MALFORMED},
        {HEAD "files 1\n" HASH " 0 ../a\n", ERR_MALFORMED},
        {HEAD "files 1\n" HASH " 0 a/../b\n", ERR_MALFORMED},
        {HEAD "files 1\n" HASH " 0 a/..\n", ERR_MALFORMED},
        {HEAD "files 1\n" HASH " 0 ./a\n", ERR_MALFORMED},
        {HEAD "files 1\n" HASH " 0 /a\n", ERR_MALFORMED},
        {HEAD "files 1\n" HASH " 0 a//b\n", ERR_MALFORMED},
        {HEAD "files 1\n" HASH " 00 a\n", ERR_MALFORMED},
        {HEAD "files 1\n" HASH " -1 a\n", ERR_MALFORMED},
        {HEAD "files 1\nE3" HASH " 0 a\n", ERR_MALFORMED},
        {HEAD "files 99999\n", ERR_MALFORMED},
        {HEAD "not-after tomorrow\nfiles 0\n", ERR_MALFORMED},
        {"tieline-content/2\nname a\nversion 1\nrelease 1\nfiles 0\n", ERR_MALFORMED},
        {"tieline-journal/a/b\n1\n" HASH "\n", ERR_MALFORMED},
        {"tieline-content/1\nname a b\nversion 1\nrelease 1\nfiles 0\n", ERR_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf note = BUF_INIT;
        struct content c;
        assert_err(note_sign(&note, cases[i].text, strlen(cases[i].text), "maker", b->key, NULL),
                   ERR_OK);
        assert_err(content_open((const char *)note.data, note.size, b->trust, &c, NULL),
                   cases[i].err);
        if (!cases[i].err)
            content_fini(&c);
        buf_fini(&note);
    }
}

static void
a_file_of_trust_is_read_strictly(void **state)
{
    struct bench *b = *state;
    struct content_trust *trust;
    struct buf line = BUF_INIT;
    const char *const wrong[] = {"", "# nobody\n", "maker\n", "maker+00000000+AAAA\n", "+1+2\n"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_err(content_trust_parse(wrong[i], strlen(wrong[i]), &trust, &b->diag),
                   ERR_MALFORMED);
    note_put_verifier(&line, "maker", b->key);
    line.data[0] = 'M'; /* the id is of "maker" */
    assert_err(content_trust_parse((const char *)line.data, line.size, &trust, &b->diag),
               ERR_MALFORMED);
    buf_fini(&line);
}

static void
one_file_can_be_checked_by_itself(void **state)
{
    struct bench *b = *state;
    struct content c;
    char path[128];
    assert_err(content_read(b->dir, b->trust, &b->wanted, &c, &b->diag), ERR_OK);
    snprintf(path, sizeof path, "%s/one.yaml", b->dir);
    int fd = open(path, O_RDONLY);
    assert_err(content_check_file(&c, "one.yaml", fd, &b->diag), ERR_OK);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_err(content_check_file(&c, "below/two.yaml", fd, &b->diag), ERR_DENIED);
    assert_err(content_check_file(&c, "three.yaml", fd, &b->diag), ERR_DENIED);
    close(fd);
    content_fini(&c);
}

/* From the Go checksum database's own documentation of signed notes (golang.org/x/mod/sumdb/note).
 */
static void
a_verifier_of_others_is_read(void **state UNUSED)
{
    static const char line[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    static const char note[] =
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "\xe2\x80\x94 PeterNeumann "
        "x08go/ZJkuBS9UG/"
        "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM"
        "=\n";
    char name[NOTE_NAME_MAX + 1];
    EVP_PKEY *key;
    assert_err(note_verifier(line, strlen(line), name, &key, NULL), ERR_OK);
    assert_string_equal(name, "PeterNeumann");
    size_t text_size = note_text_size(note, strlen(note));
    assert_true(note_is_signed(note, strlen(note), text_size, name, key));
    EVP_PKEY_free(key);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_signed_is_taken),
        TEST(a_file_that_changed_is_refused),
        TEST(a_file_too_many_is_refused),
        TEST(a_manifest_below_is_a_file_as_any_other),
        TEST(a_missing_file_is_refused),
        TEST(a_link_is_refused),
        TEST(without_a_manifest_nothing_is_taken),
        TEST(another_key_does_not_count),
        TEST(another_name_does_not_count),
        TEST(an_older_release_is_refused),
        TEST(something_else_is_refused),
        TEST(it_counts_until_its_time),
        TEST(a_manifest_cut_off_anywhere_is_refused),
        TEST(a_signed_manifest_is_read_strictly),
        TEST(a_file_of_trust_is_read_strictly),
        TEST(one_file_can_be_checked_by_itself),
        cmocka_unit_test(a_verifier_of_others_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
