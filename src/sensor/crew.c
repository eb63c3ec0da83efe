#include "sensor/crew.h"

#include "base/alloc.h"
#include "base/attr.h"
#include "base/log.h"
#include "io/thread.h"
#include "sensor/sensor_private.h"
#include "sensor/transcript.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- What is passed on ---- */

/* How many batches somebody has done with; others wait for it. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t passed;
    _Atomic uint64_t n;
    uint64_t least;  /* that somebody waits for: to be woken takes long */
    unsigned n_held; /* who passed, and cannot go on: nobody waits for many now */
};

static void
gate_init(struct gate *g)
{
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->passed, NULL);
    g->least = UINT64_MAX;
}

static void
gate_fini(struct gate *g)
{
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->passed);
}

static void
gate_pass(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    uint64_t n = atomic_fetch_add_explicit(&g->n, 1, memory_order_release) + 1;
    bool is_awaited = n >= g->least;
    if (is_awaited)
        g->least = UINT64_MAX;
    pthread_mutex_unlock(&g->lock);
    if (is_awaited)
        pthread_cond_broadcast(&g->passed);
}

/* `or_held`: or somebody cannot go on. */
static void
gate_await(struct gate *g, uint64_t n, bool or_held)
{
    if (atomic_load_explicit(&g->n, memory_order_acquire) >= n)
        return;
    pthread_mutex_lock(&g->lock);
    while (atomic_load_explicit(&g->n, memory_order_acquire) < n && !(or_held && g->n_held)) {
        g->least = MIN(g->least, n);
        pthread_cond_wait(&g->passed, &g->lock);
    }
    pthread_mutex_unlock(&g->lock);
}

static void
gate_wait(struct gate *g, uint64_t n)
{
    gate_await(g, n, false);
}

static void
gate_hold(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->n_held++;
    g->least = UINT64_MAX;
    pthread_mutex_unlock(&g->lock);
    pthread_cond_broadcast(&g->passed);
}

static void
gate_go_on(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->n_held--;
    pthread_mutex_unlock(&g->lock);
}

enum work { WORK_FRAMES, WORK_TICK, WORK_END, WORK_STOP };

enum job_kind { JOB_FRAME, JOB_PACKET, JOB_OVER };

/* What the finder has found: a frame, a packet of it, the end of a conversation. */
struct job {
    uint8_t kind;
    bool is_new;
    uint8_t way;
    uint32_t slot;
    const struct frame *frame; /* NULL: none */
    const struct layers *layers;
};

struct batch {
    enum work work;
    nsec_t now; /* WORK_TICK */
    uint32_t n_frames;
    size_t n_octets; /* of frames */
    struct frame frames[CREW_FRAMES];
    struct stock copies; /* octets of frames */
    struct stock found;  /* layers, datagrams of fragments; the finder's */
    struct job *jobs;
    uint32_t n_jobs, capacity;
    struct transcript *transcripts; /* one for each worker */
    struct stock notes;             /* of who is told early */
};

/* The octets follow. */
struct note {
    uint64_t moment;
    size_t size;
};

struct worker {
    struct crew *crew;
    unsigned number;
    struct sensor *sensor;
    struct scribe scribe;
    struct gate done;
    pthread_t thread;
};

struct crew {
    struct sensor_config config;
    struct batch batches[CREW_BATCHES];
    struct gate given, found, told;
    uint64_t n_given, n_told; /* batches; the one that is being filled is none of them */
    struct sensor *finder;    /* NULL: the only worker finds, too */
    pthread_t finding;
    struct batch *batch; /* the finder's */
    const struct frame *frame;
    struct worker *workers;
    unsigned n_workers, n_threads; /* that were started */
    bool is_finding, is_started;   /* its thread was; all were */
    struct teller teller;
    struct stock_place *places;  /* of each transcript */
    const struct batch *telling; /* that the teller has */
    struct stock_place noted;
    bool is_early; /* somebody is told early: */
    struct sensor_config early;
    struct teller early_teller;
    struct stock_place *early_places;
    struct batch *early_batch;
    struct gate early_done;
    pthread_t early_thread;
    bool is_telling_early; /* its thread was started */
    void (*each)(void *arg, struct conversation *);
    void *each_arg;
};

static struct batch *
batch_at(struct crew *crew, uint64_t number)
{
    return &crew->batches[number % CREW_BATCHES];
}

/* ---- Finding whose packets are ---- */

static void
add_job(struct batch *b, const struct job *job)
{
    GROW(b->jobs, b->n_jobs, b->capacity);
    b->jobs[b->n_jobs++] = *job;
}

static void
on_packet(void *arg, const struct conversation *c, bool is_new, unsigned way, const struct frame *f,
          const struct layers *l)
{
    struct crew *crew = arg;
    add_job(crew->batch, &(struct job){.kind = JOB_PACKET,
                                       .is_new = is_new,
                                       .way = (uint8_t)way,
                                       .slot = c->slot,
                                       .frame = f,
                                       .layers = layers_keep(&crew->batch->found, f, l)});
}

static void
on_over(void *arg, const struct conversation *c)
{
    struct crew *crew = arg;
    add_job(crew->batch, &(struct job){.kind = JOB_OVER, .slot = c->slot, .frame = crew->frame});
}

static void
find_in(struct crew *crew, struct batch *b)
{
    crew->batch = b;
    for (uint32_t i = 0; i < b->n_frames; i++) {
        crew->frame = &b->frames[i];
        add_job(b, &(struct job){.kind = JOB_FRAME, .frame = crew->frame});
        sensor_frame(crew->finder, crew->frame);
    }
    crew->frame = NULL;
    if (b->work == WORK_TICK)
        sensor_tick(crew->finder, b->now);
    else if (b->work == WORK_END)
        sensor_end(crew->finder);
}

static void *
run_finder(void *arg)
{
    struct crew *crew = arg;
    for (uint64_t i = 0;; i++) {
        gate_wait(&crew->given, i + 1);
        struct batch *b = batch_at(crew, i);
        enum work work = b->work;
        find_in(crew, b);
        gate_pass(&crew->found);
        if (work == WORK_STOP)
            return NULL;
    }
}

/* ---- Looking into them ---- */

static void
do_job(struct worker *w, struct transcript *to, const struct job *job)
{
    uint32_t place = job->slot / w->crew->n_workers;
    scribe_begin(&w->scribe, to, job->frame, job->layers);
    if (job->kind == JOB_PACKET)
        sensor_take(w->sensor, &(struct sensor_packet){.place = place,
                                                       .slot = job->slot,
                                                       .is_new = job->is_new,
                                                       .way = job->way,
                                                       .frame = job->frame,
                                                       .layers = job->layers});
    else
        sensor_take_end(w->sensor, place, job->frame);
    scribe_end(&w->scribe);
}

static void
do_jobs(struct worker *w, const struct batch *b, struct transcript *to)
{
    for (uint32_t i = 0; i < b->n_jobs; i++) {
        const struct job *job = &b->jobs[i];
        if (job->kind != JOB_FRAME && job->slot % w->crew->n_workers == w->number)
            do_job(w, to, job);
    }
}

/* There is no finder: a whole sensor takes the frames. */
static void
do_frames(struct worker *w, const struct batch *b, struct transcript *to)
{
    for (uint32_t i = 0; i < b->n_frames; i++) {
        scribe_begin(&w->scribe, to, &b->frames[i], NULL);
        sensor_frame(w->sensor, &b->frames[i]);
        scribe_end(&w->scribe);
    }
    if (b->work == WORK_FRAMES)
        return;
    scribe_begin(&w->scribe, to, NULL, NULL);
    if (b->work == WORK_TICK)
        sensor_tick(w->sensor, b->now);
    else if (b->work == WORK_END)
        sensor_end(w->sensor);
    scribe_end(&w->scribe);
}

/* Who tells may be waiting for more than this one. */
static void
wait_until_told(struct worker *w, uint64_t n)
{
    struct gate *awaited = w->crew->is_early ? &w->crew->early_done : &w->done;
    gate_hold(awaited);
    gate_wait(&w->crew->told, n);
    gate_go_on(awaited);
}

static void *
run_worker(void *arg)
{
    struct worker *w = arg;
    struct crew *crew = w->crew;
    for (uint64_t i = 0;; i++) {
        gate_wait(crew->finder ? &crew->found : &crew->given, i + 1);
        struct batch *b = batch_at(crew, i);
        enum work work = b->work;
        struct transcript *to = &b->transcripts[w->number];
        if (crew->finder)
            do_jobs(w, b, to);
        else
            do_frames(w, b, to);
        bool is_much = transcript_octets(to) > CREW_TRANSCRIPT;
        gate_pass(&w->done);
        if (work == WORK_STOP)
            return NULL;
        if (is_much)
            wait_until_told(w, i + 1);
    }
}

/* ---- Telling ---- */

static void
heard(const struct teller *t, const struct frame *f)
{
    if (t->wanted->heard)
        t->wanted->heard(t->wanted->arg, f);
}

static void
tell_jobs(struct teller *t, const struct batch *b, unsigned n_workers, struct stock_place *places)
{
    for (uint32_t i = 0; i < b->n_jobs; i++) {
        const struct job *job = &b->jobs[i];
        unsigned by = job->slot % n_workers;
        if (job->kind == JOB_FRAME)
            heard(t, job->frame);
        else
            teller_tell(t, &b->transcripts[by], &places[by], job->frame);
    }
}

static void
tell_frames(struct teller *t, const struct batch *b, struct stock_place *place)
{
    for (uint32_t i = 0; i < b->n_frames; i++) {
        heard(t, &b->frames[i]);
        teller_tell(t, b->transcripts, place, &b->frames[i]);
    }
    if (b->work != WORK_FRAMES)
        teller_tell(t, b->transcripts, place, NULL);
}

/* `places`: of each transcript. */
static void
tell_batch(struct crew *crew, struct teller *t, const struct batch *b, struct stock_place *places)
{
    memset(places, 0, crew->n_workers * sizeof *places);
    if (crew->finder)
        tell_jobs(t, b, crew->n_workers, places);
    else
        tell_frames(t, b, places);
}

static void
wait_for_workers(struct crew *crew, uint64_t n, bool or_held)
{
    for (unsigned i = 0; i < crew->n_workers; i++)
        gate_await(&crew->workers[i].done, n, or_held);
}

static void *
run_early(void *arg)
{
    struct crew *crew = arg;
    for (uint64_t i = 0;; i++) {
        wait_for_workers(crew, i + 1, false);
        struct batch *b = batch_at(crew, i);
        enum work work = b->work;
        crew->early_batch = b;
        tell_batch(crew, &crew->early_teller, b, crew->early_places);
        gate_pass(&crew->early_done);
        if (work == WORK_STOP)
            return NULL;
    }
}

bool
crew_is_early(const struct crew *crew)
{
    return crew->is_early;
}

void *
crew_note(struct crew *crew, size_t size)
{
    struct note *note = stock_take(&crew->early_batch->notes, sizeof *note + size);
    *note = (struct note){.moment = crew->early_teller.moment, .size = size};
    return note + 1;
}

const void *
crew_noted(struct crew *crew)
{
    const struct note *note = stock_see(&crew->telling->notes, &crew->noted);
    if (!note || note->moment != crew->teller.moment)
        return NULL;
    stock_pass(&crew->noted, sizeof *note + note->size);
    return note + 1;
}

static void
empty(struct crew *crew, struct batch *b)
{
    for (unsigned i = 0; i < crew->n_workers; i++)
        transcript_reset(&b->transcripts[i]);
    stock_reset(&b->copies);
    stock_reset(&b->found);
    stock_reset(&b->notes);
    b->work = WORK_FRAMES;
    b->n_frames = b->n_jobs = 0;
    b->n_octets = 0;
}

static void
wait_for_taken(struct crew *crew, uint64_t n, bool or_held)
{
    if (crew->is_early)
        gate_await(&crew->early_done, n, or_held);
    else
        wait_for_workers(crew, n, or_held);
}

/* The oldest that was given. */
static void
tell_one(struct crew *crew)
{
    struct batch *b = batch_at(crew, crew->n_told);
    wait_for_taken(crew, crew->n_told + 1, false);
    crew->telling = b;
    crew->noted = (struct stock_place){0};
    tell_batch(crew, &crew->teller, b, crew->places);
    empty(crew, b);
    crew->n_told++;
    gate_pass(&crew->told);
}

/* The batch that is filled goes; the next has its place. */
static void
give(struct crew *crew, enum work work)
{
    batch_at(crew, crew->n_given)->work = work;
    crew->n_given++;
    gate_pass(&crew->given);
    if (crew->n_given - crew->n_told < CREW_BATCHES)
        return;
    /* To be woken once for many. */
    wait_for_taken(crew, crew->n_told + CREW_BATCHES / 2, true);
    for (unsigned i = 0; i < CREW_BATCHES / 2; i++)
        tell_one(crew);
}

void
crew_frame(struct crew *crew, const struct frame *f)
{
    struct batch *b = batch_at(crew, crew->n_given);
    struct frame *mine = &b->frames[b->n_frames++];
    *mine = *f;
    if (!crew->config.octets_stay) {
        uint8_t *copy = stock_take(&b->copies, f->size);
        if (f->size)
            memcpy(copy, f->data, f->size);
        mine->data = copy;
    }
    b->n_octets += f->size;
    if (b->n_frames == CREW_FRAMES || b->n_octets >= CREW_OCTETS)
        give(crew, WORK_FRAMES);
}

void
crew_settle(struct crew *crew)
{
    if (batch_at(crew, crew->n_given)->n_frames)
        give(crew, WORK_FRAMES);
    while (crew->n_told < crew->n_given)
        tell_one(crew);
}

void
crew_tick(struct crew *crew, nsec_t now)
{
    crew_settle(crew);
    batch_at(crew, crew->n_given)->now = now;
    give(crew, WORK_TICK);
    crew_settle(crew);
}

void
crew_end(struct crew *crew)
{
    crew_settle(crew);
    give(crew, WORK_END);
    crew_settle(crew);
}

static void
on_each(void *arg, struct conversation *c)
{
    struct crew *crew = arg;
    crew->each(crew->each_arg, &crew->teller.all[c->slot]);
}

void
crew_each(struct crew *crew, nsec_t since, void (*fn)(void *arg, struct conversation *), void *arg)
{
    crew_settle(crew);
    crew->each = fn;
    crew->each_arg = arg;
    sensor_each(crew->finder ? crew->finder : crew->workers[0].sensor, since, on_each, crew);
}

static void
add_counters(struct sensor_counters *sum, const struct sensor_counters *c)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)c;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

void
crew_count(struct crew *crew, struct sensor_counters *sum)
{
    crew_settle(crew);
    *sum = (struct sensor_counters){0};
    if (crew->finder)
        add_counters(sum, sensor_counters(crew->finder));
    for (unsigned i = 0; i < crew->n_workers; i++)
        add_counters(sum, sensor_counters(crew->workers[i].sensor));
}

/* ---- Making and ending ---- */

static void
make_finder(struct crew *crew, struct sensor_config *config)
{
    const struct sensor_route route = {.arg = crew, .packet = on_packet};
    config->memory /= crew->n_workers + 1;
    struct sensor_config finder = *config;
    finder.arg = crew;
    finder.ended = on_over;
    crew->finder = sensor_new(&finder);
    sensor_route(crew->finder, &route);
    config->conversations = (config->conversations + crew->n_workers - 1) / crew->n_workers;
}

static void
make_workers(struct crew *crew, struct sensor_config *config)
{
    crew->workers = xcalloc(crew->n_workers, sizeof *crew->workers);
    for (unsigned i = 0; i < crew->n_workers; i++) {
        struct worker *w = &crew->workers[i];
        *w = (struct worker){.crew = crew, .number = i};
        scribe_hear(&w->scribe, &crew->config, config);
        w->sensor = sensor_new(config);
        gate_init(&w->done);
    }
    for (unsigned i = 0; i < CREW_BATCHES; i++)
        crew->batches[i].transcripts = xcalloc(crew->n_workers, sizeof(struct transcript));
}

static void
make_early(struct crew *crew)
{
    const struct sensor_config *wanted = crew->config.early;
    crew->early = (struct sensor_config){.conversations = crew->config.conversations,
                                         .arg = wanted->arg,
                                         .packet = wanted->packet,
                                         .odd = wanted->odd,
                                         .message = wanted->message,
                                         .malformed = wanted->malformed};
    teller_init(&crew->early_teller, &crew->early);
    crew->early_places = xcalloc(crew->n_workers, sizeof *crew->early_places);
    gate_init(&crew->early_done);
}

/* Signals are for who calls. */
static bool
start(struct crew *crew)
{
    bool is_realtime;
    sigset_t all, was;
    int error = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    if (crew->finder) {
        error = thread_start(&crew->finding, 0, run_finder, crew, &is_realtime);
        crew->is_finding = !error;
    }
    for (unsigned i = 0; i < crew->n_workers && !error; i++) {
        struct worker *w = &crew->workers[i];
        error = thread_start(&w->thread, 0, run_worker, w, &is_realtime);
        crew->n_threads += !error;
    }
    if (crew->is_early && !error) {
        error = thread_start(&crew->early_thread, 0, run_early, crew, &is_realtime);
        crew->is_telling_early = !error;
    }
    crew->is_started = !error;
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (error)
        log_warn("no threads can be started: %s", strerror(error));
    return !error;
}

struct crew *
crew_new(const struct sensor_config *config)
{
    struct crew *crew = xcalloc(1, sizeof *crew);
    struct sensor_config its = {.protocols = config->protocols,
                                .conversations = config->conversations,
                                .memory = config->memory,
                                .silence = config->silence};
    unsigned cores = MIN(config->cores, CREW_MOST);
    crew->config = *config;
    crew->is_early = config->early && cores > 2;
    cores -= crew->is_early;
    crew->n_workers = cores > 2 ? cores - 2 : 1;
    gate_init(&crew->given);
    gate_init(&crew->found);
    gate_init(&crew->told);
    if (cores > 2)
        make_finder(crew, &its);
    make_workers(crew, &its);
    teller_init(&crew->teller, &crew->config);
    crew->places = xcalloc(crew->n_workers, sizeof *crew->places);
    if (crew->is_early)
        make_early(crew);
    if (start(crew))
        return crew;
    crew_free(crew);
    return NULL;
}

static void
stop(struct crew *crew)
{
    batch_at(crew, crew->n_given)->work = WORK_STOP;
    gate_pass(&crew->given);
    if (crew->is_finding)
        pthread_join(crew->finding, NULL);
    for (unsigned i = 0; i < crew->n_threads; i++)
        pthread_join(crew->workers[i].thread, NULL);
    if (crew->is_telling_early)
        pthread_join(crew->early_thread, NULL);
}

void
crew_free(struct crew *crew)
{
    if (!crew)
        return;
    if (crew->is_started)
        crew_end(crew);
    stop(crew);
    sensor_free(crew->finder);
    for (unsigned i = 0; i < crew->n_workers; i++) {
        sensor_free(crew->workers[i].sensor);
        gate_fini(&crew->workers[i].done);
    }
    for (unsigned i = 0; i < CREW_BATCHES; i++) {
        struct batch *b = &crew->batches[i];
        for (unsigned k = 0; k < crew->n_workers; k++)
            transcript_fini(&b->transcripts[k]);
        free(b->transcripts);
        stock_fini(&b->copies);
        stock_fini(&b->found);
        stock_fini(&b->notes);
        free(b->jobs);
    }
    gate_fini(&crew->given);
    gate_fini(&crew->found);
    gate_fini(&crew->told);
    if (crew->is_early) {
        gate_fini(&crew->early_done);
        teller_fini(&crew->early_teller);
    }
    teller_fini(&crew->teller);
    free(crew->places);
    free(crew->early_places);
    free(crew->workers);
    free(crew);
}
