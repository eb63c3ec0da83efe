/* A site that signs what its journal is, and a witness with a copy of it, over a bus that can be
 * cut. */
#include "sync/witness.h"

#include "base/alloc.h"
#include "bus/local.h"
#include "io/testing.h"
#include "io/timer.h"
#include "journal/checkpoint_log.h"
#include "journal/reader.h"
#include "sync/checkpointer.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SITE "substation-a"
#define CENTRE "control-centre"
#define SECOND "substation-b"

struct pair {
    struct test_dir dir;
    char copy_path[TEST_PATH_SIZE], journal_path[TEST_PATH_SIZE], memory_path[TEST_PATH_SIZE],
        log_path[TEST_PATH_SIZE];
    uv_loop_t *loop;
    struct bus *near, *own, *link, *site_bus; /* link: from the site to the witness */
    struct bus *second_link;
    struct bus_subscription *relay, *raised, *second;
    struct journal *journal; /* the witness's own */
    struct witness *witness;
    EVP_PKEY *site_key, *centre_key, *second_key, *stranger;
    struct content_trust *trust;
    struct merkle_tree tree; /* of the copy */
    struct journal_identity identity;
    uint64_t known; /* how much of the copy there is */
    bool cut, closed;
    unsigned n_raised;
    /* What came of asking. */
    bool answered;
    enum err err;
    char text[400];
    char *note;
};

/* ---- The journal, and what it is ---- */

static bool
take_leaf(void *arg, const struct journal_event *e)
{
    struct pair *p = arg;
    struct merkle_hash leaf;
    merkle_leaf(e->hash, sizeof e->hash, &leaf);
    merkle_append(&p->tree, &leaf);
    return true;
}

/* Lets the copy grow; the tree with it. */
static void
append(struct pair *p, unsigned n, const char *actor)
{
    const struct journal_config config = {.site = SITE};
    struct journal *journal;
    struct journal_reader *reader;
    struct diag diag = {""};
    if (journal_open(NULL, p->copy_path, &config, &journal, &diag))
        fail_msg("%s", diag.text);
    const struct journal_entry entry = {"test.happened", "thing/1", actor, "{}", 0};
    while (n--)
        assert_ok(journal_append_sync(journal, &entry, 1, NULL, &diag));
    journal_close(journal, NULL, NULL);
    assert_ok(journal_reader_open(p->copy_path, &reader, &diag));
    const struct journal_query query = {.from = p->tree.n + 1};
    assert_ok(journal_reader_read(reader, &query, take_leaf, p, &diag));
    p->identity = *journal_reader_identity(reader);
    journal_reader_close(reader);
    p->known = p->tree.n;
}

static char *
note_of(struct pair *p, const struct merkle_tree *tree, EVP_PKEY *key)
{
    struct checkpoint c = {.size = tree->n};
    struct buf note = BUF_INIT;
    struct diag diag = {""};
    checkpoint_origin(&p->identity, c.origin);
    merkle_root(tree, &c.root);
    assert_ok(checkpoint_sign(&c, SITE, key, &note, &diag));
    return buf_steal_cstr(&note);
}

/* ---- The two sites ---- */

static bool
find_copy(void *arg, const char *site, const char **path, uint64_t *seq)
{
    const struct pair *p = arg;
    *path = p->copy_path;
    *seq = p->known;
    return !strcmp(site, SITE);
}

static void
start_witness(struct pair *p)
{
    const struct witness_config config = {.loop = p->loop,
                                          .near = p->near,
                                          .bus = p->own,
                                          .journal = p->journal,
                                          .site = CENTRE,
                                          .secret = p->centre_key,
                                          .trust = p->trust,
                                          .directory = p->dir.path,
                                          .patience = NSEC_PER_SEC / 2,
                                          .copy = find_copy,
                                          .arg = p};
    struct diag diag = {""};
    assert_ok(witness_new(&config, &p->witness, &diag));
}

static void
restart_witness(struct pair *p)
{
    witness_free(p->witness);
    start_witness(p);
}

static void
on_raised(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct pair *p = arg;
    p->n_raised++;
    assert_string_equal(json_string_value(json_object_get(m->payload, "kind")),
                        "checkpoint-refused");
}

static void
on_answer(void *arg, const struct call_result *result)
{
    struct pair *p = arg;
    const char *note = json_string_value(json_object_get(result->value, "note"));
    p->answered = true;
    p->err = result->err;
    snprintf(p->text, sizeof p->text, "%s", result->err ? result->text : "");
    free(p->note);
    p->note = note ? xstrdup(note) : NULL;
}

/* Asks the witness for its signature and waits for the answer. */
static enum err
ask(struct pair *p, const char *note)
{
    p->answered = false;
    assert_int_equal(bus_request(p->near, "from." SITE ".witness.sign",
                                 json_pack("{ss}", "note", note), 10 * NSEC_PER_SEC, on_answer, p,
                                 NULL),
                     ERR_OK);
    RUN_UNTIL(p->loop, p->answered);
    return p->err;
}

static enum err
ask_tree(struct pair *p, const struct merkle_tree *tree)
{
    char *note = note_of(p, tree, p->site_key);
    enum err err = ask(p, note);
    free(note);
    return err;
}

static void
add_key(struct buf *lines, const char *name, EVP_PKEY **key)
{
    *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    note_put_verifier(lines, name, *key);
    buf_str(lines, "\n");
}

static int
set_up(void **state)
{
    struct pair *p = xcalloc(1, sizeof *p);
    const struct journal_config config = {.site = CENTRE};
    struct buf lines = BUF_INIT;
    struct diag diag = {""};
    p->dir = test_dir_make();
    test_path(&p->dir, "copy.db", p->copy_path);
    test_path(&p->dir, "journal.db", p->journal_path);
    test_path(&p->dir, SITE ".witnessed", p->memory_path);
    test_path(&p->dir, "checkpoints", p->log_path);
    add_key(&lines, SITE, &p->site_key);
    add_key(&lines, CENTRE, &p->centre_key);
    add_key(&lines, SECOND, &p->second_key);
    p->stranger = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_ok(content_trust_parse((char *)lines.data, lines.size, &p->trust, &diag));
    buf_fini(&lines);
    p->loop = test_loop_new();
    p->near = bus_local_new(p->loop, 0, 0);
    p->own = bus_local_new(p->loop, 0, 0);
    p->link = bus_local_new(p->loop, 0, 0);
    p->second_link = bus_local_new(p->loop, 0, 0);
    p->site_bus = bus_local_new(p->loop, 0, 0);
    assert_ok(bus_subscribe(p->own, "exception.raise", on_raised, p, &p->raised));
    assert_ok(journal_open(p->loop, p->journal_path, &config, &p->journal, &diag));
    append(p, 20, "alice");
    start_witness(p);
    *state = p;
    return 0;
}

static void
note_closed(void *arg)
{
    ((struct pair *)arg)->closed = true;
}

static int
tear_down(void **state)
{
    struct pair *p = *state;
    witness_free(p->witness);
    journal_close(p->journal, note_closed, p);
    RUN_UNTIL(p->loop, p->closed);
    bus_free(p->near);
    bus_free(p->own);
    bus_free(p->link);
    bus_free(p->second_link);
    bus_free(p->site_bus);
    test_loop_free(p->loop);
    content_trust_free(p->trust);
    EVP_PKEY_free(p->site_key);
    EVP_PKEY_free(p->centre_key);
    EVP_PKEY_free(p->second_key);
    EVP_PKEY_free(p->stranger);
    test_dir_remove(&p->dir);
    free(p->note);
    free(p);
    return 0;
}

static off_t
size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : st.st_size;
}

static uint64_t
n_refused(struct pair *p)
{
    return journal_head(p->journal)->seq;
}

/* ---- What it signs ---- */

static void
it_signs_what_its_copy_has(void **state)
{
    struct pair *p = *state;
    struct checkpoint c;
    struct diag diag = {""};
    for (int i = 0; i < 5; i++) {
        assert_ok(ask_tree(p, &p->tree));
        assert_ok(checkpoint_open(p->note, strlen(p->note), SITE, p->site_key, &c, &diag));
        assert_ok(checkpoint_open(p->note, strlen(p->note), CENTRE, p->centre_key, &c, &diag));
        assert_int_equal(c.size, p->tree.n);
        append(p, 7, "alice");
        if (i == 2)
            restart_witness(p);
    }
    assert_int_equal(p->n_raised, 0);
}

static void
asked_again_it_answers_the_same(void **state)
{
    struct pair *p = *state;
    assert_ok(ask_tree(p, &p->tree));
    char *first = xstrdup(p->note);
    off_t size = size_of(p->memory_path);
    assert_true(size > 0);
    assert_ok(ask_tree(p, &p->tree));
    assert_string_equal(p->note, first);
    restart_witness(p);
    assert_ok(ask_tree(p, &p->tree));
    assert_string_equal(p->note, first);
    assert_int_equal(size_of(p->memory_path), size);
    free(first);
}

/* Whatever the site's key signs. */
static void
it_signs_no_fork(void **state)
{
    struct pair *p = *state;
    struct merkle_tree before = p->tree, other = p->tree, larger;
    struct merkle_hash leaf;
    append(p, 1, "alice");
    larger = p->tree;
    merkle_leaf("x", 1, &leaf);
    merkle_append(&other, &leaf);
    assert_ok(ask_tree(p, &larger));
    off_t size = size_of(p->memory_path);
    for (int i = 0; i < 2; i++) {
        assert_err(ask_tree(p, &other), ERR_CONFLICT);
        assert_non_null(strstr(p->text, "it is a fork"));
        assert_err(ask_tree(p, &before), ERR_CONFLICT);
        assert_non_null(strstr(p->text, "cut off"));
        merkle_append(&other, &leaf);
        append(p, 1, "alice");
        assert_err(ask_tree(p, &other), ERR_CONFLICT);
        assert_non_null(strstr(p->text, "not that of the copy"));
        other = larger;
        other.peaks[0].octets[3] ^= 1;
        restart_witness(p);
    }
    assert_int_equal(size_of(p->memory_path), size);
    RUN_UNTIL(p->loop, n_refused(p) >= 1);
    assert_true(p->n_raised >= 1);
    assert_ok(ask_tree(p, &p->tree)); /* the journal itself goes on */
}

/* The copy was made anew from a journal that was rolled back and went on differently: the same id,
 * and a root that its copy has. */
static void
a_copy_that_was_made_anew_makes_no_fork(void **state)
{
    struct pair *p = *state;
    assert_ok(ask_tree(p, &p->tree));
    char *command = xasprintf(
        "sqlite3 '%s' 'DELETE FROM event WHERE seq > 15; UPDATE head SET seq = 15, "
        "hash = (SELECT hash FROM event WHERE seq = 15)'",
        p->copy_path);
    assert_int_equal(system(command), 0);
    free(command);
    p->tree = (struct merkle_tree){.n = 0};
    append(p, 3, "mallory");
    assert_err(ask_tree(p, &p->tree), ERR_CONFLICT);
    assert_non_null(strstr(p->text, "cut off"));
    append(p, 10, "mallory");
    for (int i = 0; i < 2; i++) {
        assert_err(ask_tree(p, &p->tree), ERR_CONFLICT);
        assert_non_null(strstr(p->text, "the first 20 events are not what was countersigned"));
        restart_witness(p);
    }
    /* A new journal of the site is another one. */
    unlink(p->copy_path);
    p->tree = (struct merkle_tree){.n = 0};
    append(p, 3, "alice");
    assert_ok(ask_tree(p, &p->tree));
}

static void
strangers_get_nothing(void **state)
{
    struct pair *p = *state;
    char *note = note_of(p, &p->tree, p->stranger);
    assert_err(ask(p, note), ERR_DENIED);
    free(note);
    assert_err(ask(p, "nonsense"), ERR_MALFORMED);
    struct journal_identity own = p->identity;
    strcpy(p->identity.site, "substation-b");
    assert_err(ask_tree(p, &p->tree), ERR_MALFORMED);
    p->identity = own;
    p->identity.id[0] ^= 1;
    assert_err(ask_tree(p, &p->tree), ERR_CONFLICT); /* after its patience */
    assert_non_null(strstr(p->text, "another journal"));
    assert_int_equal(size_of(p->memory_path), 0);
    RUN_UNTIL(p->loop, n_refused(p) == 1); /* told of once */
    assert_int_equal(p->n_raised, 1);
}

static void
more_copy(void *arg)
{
    struct pair *p = arg;
    p->known = p->tree.n;
}

static void
it_waits_for_its_copy(void **state)
{
    struct pair *p = *state;
    struct timer *timer = timer_new(p->loop, more_copy, p);
    p->known = 11;
    assert_err(ask_tree(p, &p->tree), ERR_TIMEOUT);
    assert_non_null(strstr(p->text, "11 of the 20 events"));
    timer_start(timer, NSEC_PER_SEC / 5);
    assert_ok(ask_tree(p, &p->tree));
    timer_free(timer);
    assert_int_equal(p->n_raised, 0);
}

/* ---- Killed between its memory and the answer ---- */

static void
kill_when_remembered(uv_check_t *handle)
{
    const struct pair *p = handle->data;
    if (p->answered)
        _exit(1); /* too late: nothing is shown */
    if (size_of(p->memory_path))
        raise(SIGKILL);
}

static void
killed_before_it_answers_it_remembers(void **state)
{
    struct pair *p = NULL;
    pid_t child;
    int status;
    assert_int_equal(set_up((void **)&p), 0);
    char *note = note_of(p, &p->tree, p->site_key);
    witness_free(p->witness); /* the child makes its own, on a loop of its own */
    p->witness = NULL;
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        uv_check_t check;
        p->loop = test_loop_new();
        p->near = bus_local_new(p->loop, 0, 0);
        p->own = bus_local_new(p->loop, 0, 0);
        start_witness(p);
        uv_check_init(p->loop, &check);
        check.data = p;
        uv_check_start(&check, kill_when_remembered);
        (void)ask(p, note);
        _exit(2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    off_t size = size_of(p->memory_path);
    assert_true(size > 0);
    start_witness(p);
    struct merkle_tree fork_of = p->tree;
    fork_of.peaks[2].octets[0] ^= 1; /* 20 events: bits 2 and 4 */
    assert_err(ask_tree(p, &fork_of), ERR_CONFLICT);
    assert_non_null(strstr(p->text, "it is a fork"));
    assert_ok(ask(p, note));
    assert_non_null(strstr(p->note, CENTRE));
    assert_int_equal(size_of(p->memory_path), size);
    free(note);
    tear_down((void **)&p);
    *state = NULL;
}

/* ---- The site ---- */

struct relayed {
    struct pair *pair;
    char *reply_to;
};

static void
relay_answer(void *arg, const struct call_result *result)
{
    struct relayed *r = arg;
    if (result->err)
        bus_reply_error(r->pair->link, r->reply_to, result->err, "%s", result->text);
    else
        bus_reply(r->pair->link, r->reply_to, json_deep_copy(result->value));
    free(r->reply_to);
    free(r);
}

static void
relay_request(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct pair *p = arg;
    if (p->cut) {
        bus_reply_error(bus, m->reply_to, ERR_CLOSED, "cut");
        return;
    }
    struct relayed *r = xcalloc(1, sizeof *r);
    *r = (struct relayed){p, xstrdup(m->reply_to)};
    assert_int_equal(bus_request(p->near, "from." SITE ".witness.sign", json_deep_copy(m->payload),
                                 10 * NSEC_PER_SEC, relay_answer, r, NULL),
                     ERR_OK);
}

/* Answers at once, whatever it is asked for. */
static void
countersign(struct bus *bus, const struct bus_message *m, const char *name, EVP_PKEY *key)
{
    struct buf note = BUF_INIT;
    buf_str(&note, json_string_value(json_object_get(m->payload, "note")));
    assert_ok(checkpoint_countersign(&note, name, key, NULL));
    bus_reply(bus, m->reply_to, json_pack("{ss}", "note", buf_cstr(&note)));
    buf_fini(&note);
}

static void
forge(void *arg, struct bus *bus, const struct bus_message *m)
{
    const struct pair *p = arg;
    countersign(bus, m, CENTRE, p->stranger);
}

static void
second(void *arg, struct bus *bus, const struct bus_message *m)
{
    const struct pair *p = arg;
    countersign(bus, m, SECOND, p->second_key);
}

static struct checkpointer *
start_site(struct pair *p)
{
    static struct checkpointer_witness witnesses[2];
    struct checkpointer *made;
    struct diag diag = {""};
    witnesses[0] = (struct checkpointer_witness){CENTRE, p->link};
    witnesses[1] = (struct checkpointer_witness){SECOND, p->second_link};
    const struct checkpointer_config config = {.loop = p->loop,
                                               .bus = p->site_bus,
                                               .identity = &p->identity,
                                               .tree = &p->tree,
                                               .path = p->log_path,
                                               .secret = p->site_key,
                                               .trust = p->trust,
                                               .every = NSEC_PER_SEC / 10,
                                               .events = 5,
                                               .witnesses = witnesses,
                                               .n_witnesses = p->second ? 2 : 1};
    assert_ok(checkpointer_new(&config, &made, &diag));
    return made;
}

/* What it says it is: "countersigned", ...; "" while there is none. */
static const char *
state_of_site(struct pair *p, uint64_t *events)
{
    static char state[32];
    p->answered = false;
    assert_int_equal(bus_request(p->site_bus, "journal.checkpoint", json_object(), NSEC_PER_SEC,
                                 on_answer, p, NULL),
                     ERR_OK);
    RUN_UNTIL(p->loop, p->answered);
    struct checkpoint c = {.size = 0};
    bool good = p->note && !checkpoint_parse(p->note, strlen(p->note), &c, NULL);
    *events = c.size;
    snprintf(state, sizeof state, "%s",
             !good                                                              ? ""
             : checkpoint_is_signed(p->note, strlen(p->note), CENTRE, p->trust) ? "countersigned"
                                                                                : "waiting");
    return state;
}

static bool
site_is(struct pair *p, const char *state, uint64_t events)
{
    uint64_t n;
    return !strcmp(state_of_site(p, &n), state) && n == events;
}

static void
a_site_has_its_newest_countersigned(void **state)
{
    struct pair *p = *state;
    assert_ok(bus_subscribe(p->link, "witness.sign", relay_request, p, &p->relay));
    struct checkpointer *site = start_site(p);
    RUN_UNTIL(p->loop, site_is(p, "countersigned", 20));
    p->cut = true;
    for (int i = 0; i < 3; i++) {
        append(p, 5, "alice");
        checkpointer_grown(site);
        RUN_UNTIL(p->loop, site_is(p, "waiting", p->tree.n));
    }
    checkpointer_free(site);
    site = start_site(p); /* it knows from its file what is to be countersigned */
    p->cut = false;
    RUN_UNTIL(p->loop, site_is(p, "countersigned", 35));
    checkpointer_free(site);
    p->cut = true;
    site = start_site(p);
    RUN_UNTIL(p->loop, site_is(p, "countersigned", 35));
    checkpointer_free(site);
    assert_int_equal(p->n_raised, 0);
}

static void
several_witnesses_sign_one_note(void **state)
{
    struct pair *p = *state;
    struct checkpoint c;
    assert_ok(bus_subscribe(p->link, "witness.sign", relay_request, p, &p->relay));
    assert_ok(bus_subscribe(p->second_link, "witness.sign", second, p, &p->second));
    struct checkpointer *site = start_site(p);
    for (unsigned i = 0; i < 2; i++) {
        RUN_UNTIL(p->loop, site_is(p, "countersigned", p->tree.n) &&
                               checkpoint_is_signed(p->note, strlen(p->note), SECOND, p->trust));
        assert_ok(checkpoint_open(p->note, strlen(p->note), SITE, p->site_key, &c, NULL));
        assert_string_equal(checkpoint_witness(p->note, strlen(p->note), SITE, p->trust, 0),
                            CENTRE);
        assert_string_equal(checkpoint_witness(p->note, strlen(p->note), SITE, p->trust, 1),
                            SECOND);
        assert_null(checkpoint_witness(p->note, strlen(p->note), SITE, p->trust, 2));
        append(p, 5, "alice");
        checkpointer_grown(site);
    }
    checkpointer_free(site);
}

static void
a_forged_countersignature_is_not_taken(void **state)
{
    struct pair *p = *state;
    assert_ok(bus_subscribe(p->link, "witness.sign", forge, p, &p->relay));
    struct checkpointer *site = start_site(p);
    RUN_UNTIL(p->loop, site_is(p, "waiting", 20));
    off_t size = size_of(p->log_path);
    run_turns(p->loop, 20);
    assert_true(site_is(p, "waiting", 20));
    assert_int_equal(size_of(p->log_path), size);
    checkpointer_free(site);
}

static void
how_often_is_read(void **state UNUSED)
{
    static const struct {
        const char *text;
        nsec_t every;
        uint64_t events;
    } good[] = {{"10m", 600 * NSEC_PER_SEC, 0}, {"30s", 30 * NSEC_PER_SEC, 0},
                {"2h", 7200 * NSEC_PER_SEC, 0}, {"500", 0, 500},
                {"1s,20", NSEC_PER_SEC, 20},    {"20,1s", NSEC_PER_SEC, 20}};
    static const char *const bad[] = {"",      "0",   "m",   "10d", "1,2",
                                      "1s,2s", "1s,", "-1s", "1 s", "0s"};
    nsec_t every;
    uint64_t events;
    struct diag diag;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_ok(checkpointer_parse_every(good[i].text, &every, &events, &diag));
        assert_int_equal(every, good[i].every);
        assert_int_equal(events, good[i].events);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_err(checkpointer_parse_every(bad[i], &every, &events, &diag), ERR_INVALID);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

TEST_MAIN(cmocka_unit_test(killed_before_it_answers_it_remembers),
          WITH_PAIR(it_signs_what_its_copy_has), WITH_PAIR(asked_again_it_answers_the_same),
          WITH_PAIR(it_signs_no_fork), WITH_PAIR(a_copy_that_was_made_anew_makes_no_fork),
          WITH_PAIR(strangers_get_nothing), WITH_PAIR(it_waits_for_its_copy),
          WITH_PAIR(a_site_has_its_newest_countersigned),
          WITH_PAIR(several_witnesses_sign_one_note),
          WITH_PAIR(a_forged_countersignature_is_not_taken), cmocka_unit_test(how_often_is_read))
