#include "gateway/identity.h"

#include "io/testing.h"

struct scene {
    struct test_dir dir;
    char path[TEST_PATH_SIZE];
    struct identity *identity;
};

static void
write_users(struct scene *s, const char *text)
{
    char path[TEST_PATH_SIZE];
    FILE *file = fopen(test_path(&s->dir, "written", path), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(rename(path, s->path), 0);
}

static int
set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    s->dir = test_dir_make();
    test_path(&s->dir, "users.json", s->path);
    write_users(s, "{\"users\": {\"alice\": [\"ENGINEER\", \"VIEWER\"],"
                   " \"bob\": {\"roles\": [\"OPERATOR\"], \"sites\": [\"north\", \"south\"]},"
                   " \"carol\": {\"roles\": [\"SECADM\"], \"sites\": [\"elsewhere\"]},"
                   " \"ems/poller@ops\": []}}");
    assert_ok(identity_open(s->path, "north", &s->identity, NULL));
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct scene *s = *state;
    identity_close(s->identity);
    test_dir_remove(&s->dir);
    free(s);
    return 0;
}

static role_set
roles(struct scene *s, const char *name)
{
    struct person person;
    assert_ok(identity_resolve(s->identity, name, &person, NULL));
    assert_string_equal(person.name, name);
    return person.roles;
}

static void
a_name_in_the_file_has_its_roles(void **state)
{
    struct scene *s = *state;
    assert_int_equal(roles(s, "alice"), ROLE(ENGINEER) | ROLE(VIEWER));
    assert_int_equal(roles(s, "ems/poller@ops"), 0);
}

static void
roles_hold_at_the_sites_they_are_granted_for(void **state)
{
    struct scene *s = *state;
    assert_int_equal(roles(s, "bob"), ROLE(OPERATOR));
    assert_int_equal(roles(s, "carol"), 0);
}

static void
who_is_not_in_the_file_is_nobody(void **state)
{
    struct scene *s = *state;
    struct person person;
    assert_err(identity_resolve(s->identity, "mallory", &person, NULL), ERR_DENIED);
    assert_err(identity_resolve(s->identity, "Alice", &person, NULL), ERR_DENIED);
    assert_err(identity_resolve(s->identity, "", &person, NULL), ERR_DENIED);
}

static void
nobody_is_a_service_by_name(void **state)
{
    struct scene *s = *state;
    struct person person;
    assert_err(identity_resolve(s->identity, "system/lan", &person, NULL), ERR_DENIED);
}

static void
a_changed_file_counts_at_once(void **state)
{
    struct scene *s = *state;
    struct person person;
    write_users(s, "{\"users\": {\"alice\": [\"VIEWER\"]}}");
    assert_int_equal(roles(s, "alice"), ROLE(VIEWER));
    assert_err(identity_resolve(s->identity, "bob", &person, NULL), ERR_DENIED);
}

static void
a_broken_file_changes_nothing_and_is_told(void **state)
{
    struct scene *s = *state;
    write_users(s, "{\"users\": {\"alice\": [\"VIEWER\",]}}");
    assert_int_equal(roles(s, "alice"), ROLE(ENGINEER) | ROLE(VIEWER));
    assert_non_null(strstr(identity_problem(s->identity), "users.json: JSON, line 1"));
    unlink(s->path);
    assert_int_equal(roles(s, "bob"), ROLE(OPERATOR));
    assert_non_null(identity_problem(s->identity));
    write_users(s, "{\"users\": {\"alice\": [\"SECAUD\"]}}");
    assert_int_equal(roles(s, "alice"), ROLE(SECAUD));
    assert_null(identity_problem(s->identity));
}

static void
a_file_that_is_wrong_is_refused_with_the_place(void **state)
{
    struct scene *s = *state;
    static const struct {
        const char *text, *says;
        enum err err;
    } cases[] = {
        {"[]", "must be {\"users\"", ERR_INVALID},
        {"{\"users\": {}, \"more\": 1}", "must be", ERR_INVALID},
        {"{\"users\": {\"a b\": []}}", "\"a b\" is not a person's name", ERR_INVALID},
        {"{\"users\": {\"system/x\": []}}", "not a person's name", ERR_INVALID},
        {"{\"users\": {\"a\": 1}}", "user a: neither", ERR_INVALID},
        {"{\"users\": {\"a\": [\"KING\"]}}", "user a: role 1", ERR_INVALID},
        {"{\"users\": {\"a\": [1]}}", "user a: role 1", ERR_INVALID},
        {"{\"users\": {\"a\": [\"VIEWER\", \"VIEWER\"]}}", "VIEWER is there twice", ERR_INVALID},
        {"{\"users\": {\"a\": {\"sites\": []}}}", "user a: neither", ERR_INVALID},
        {"{\"users\": {\"a\": {\"roles\": [], \"site\": 1}}}", "site is unknown", ERR_INVALID},
        {"{\"users\": {\"a\": {\"roles\": [], \"sites\": \"x\"}}}", "an array", ERR_INVALID},
        {"{\"users\": {\"a\": [], \"a\": []}}", "duplicate", ERR_MALFORMED},
        {"", "JSON", ERR_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct identity *identity;
        struct diag diag = {""};
        write_users(s, cases[i].text);
        assert_err(identity_open(s->path, "north", &identity, &diag), cases[i].err);
        if (!strstr(diag.text, cases[i].says) || !strstr(diag.text, "users.json"))
            fail_msg("%s: %s", cases[i].text, diag.text);
    }
    unlink(s->path);
    struct identity *identity;
    assert_err(identity_open(s->path, "north", &identity, NULL), ERR_NOT_FOUND);
}

static enum err
change(struct scene *s, const char *name, const char *user, bool commit)
{
    struct identity_change *c;
    json_t *json = user ? json_loads(user, 0, NULL) : NULL;
    enum err err = identity_prepare(s->identity, name, json, &c, NULL);
    json_decref(json);
    if (err)
        return err;
    if (commit)
        return identity_commit(c, NULL);
    identity_drop(c);
    return ERR_OK;
}

static void
a_change_is_in_the_file_when_it_is_committed(void **state)
{
    struct scene *s = *state;
    struct person person;
    assert_ok(change(s, "dave", "{\"roles\": [\"VIEWER\"]}", false));
    assert_err(identity_resolve(s->identity, "dave", &person, NULL), ERR_DENIED);
    assert_ok(change(s, "dave", "{\"roles\": [\"VIEWER\"]}", true));
    assert_int_equal(roles(s, "dave"), ROLE(VIEWER));
    assert_ok(change(s, "alice", NULL, true));
    assert_err(identity_resolve(s->identity, "alice", &person, NULL), ERR_DENIED);
    identity_close(s->identity);
    assert_ok(identity_open(s->path, "north", &s->identity, NULL));
    assert_int_equal(roles(s, "dave"), ROLE(VIEWER));
    assert_int_equal(roles(s, "bob"), ROLE(OPERATOR));
}

static void
a_change_that_makes_no_sense_is_refused(void **state)
{
    struct scene *s = *state;
    assert_err(change(s, "system/x", "{\"roles\": []}", true), ERR_INVALID);
    assert_err(change(s, "dave", "{\"roles\": [\"KING\"]}", true), ERR_INVALID);
    assert_err(change(s, "nobody", NULL, true), ERR_NOT_FOUND);
}

static void
the_list_has_everybody(void **state)
{
    struct scene *s = *state;
    json_t *list = identity_list(s->identity);
    char *text = json_dumps(list, JSON_COMPACT);
    assert_string_equal(text, "[{\"name\":\"alice\",\"roles\":[\"ENGINEER\",\"VIEWER\"]},"
                              "{\"name\":\"bob\",\"roles\":[\"OPERATOR\"],"
                              "\"sites\":[\"north\",\"south\"]},"
                              "{\"name\":\"carol\",\"roles\":[\"SECADM\"],"
                              "\"sites\":[\"elsewhere\"]},"
                              "{\"name\":\"ems/poller@ops\",\"roles\":[]}]");
    free(text);
    json_decref(list);
    assert_null(identity_get(s->identity, "nobody"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(a_name_in_the_file_has_its_roles),
          TEST(roles_hold_at_the_sites_they_are_granted_for),
          TEST(who_is_not_in_the_file_is_nobody), TEST(nobody_is_a_service_by_name),
          TEST(a_changed_file_counts_at_once), TEST(a_broken_file_changes_nothing_and_is_told),
          TEST(a_file_that_is_wrong_is_refused_with_the_place),
          TEST(a_change_is_in_the_file_when_it_is_committed),
          TEST(a_change_that_makes_no_sense_is_refused), TEST(the_list_has_everybody))
