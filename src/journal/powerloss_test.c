/* The power goes at any moment: what was not synced is gone, or there in part, in any order.
 *
 * kill -9 leaves the kernel's page cache, so it proves nothing about syncing. Here a layer between
 * SQLite and the real files (a VFS, https://sqlite.org/vfs.html) keeps for each file what is on the
 * "disk": what was written before its last sync. When the power goes, each write since then has
 * reached the disk, or the first sectors of it, or nothing, as the dice say. The journal is opened
 * again from such a disk, and has every event that had been acknowledged. */
#include "journal/sqlite_testing.h"

#define SECTOR 512
#define N_FILES 2

/* A write or a truncation (no data) that has not been synced. */
struct pending {
    uint8_t *data;
    size_t offset, size;
};

struct disk_file {
    const char *suffix; /* "" or "-wal" */
    uint8_t *image;     /* what is on the disk */
    size_t size, room;
    struct pending *pending;
    size_t n_pending, pending_room;
};

static struct disk {
    uv_mutex_t lock;
    struct disk_file files[N_FILES];
    unsigned n_operations, fails_at; /* the power goes before operation `fails_at`; 0: never */
    unsigned n_syncs;                /* of the log */
    unsigned seed;
    bool is_off;            /* the images are what is left */
    bool lies;              /* a sync does nothing */
    unsigned failing_syncs; /* so many syncs of the log are errors */
} disk;

static sqlite3_vfs *real_vfs;

/* ---- what is on the disk */

static void
apply_write(struct disk_file *file, const struct pending *write, size_t size)
{
    if (!write->data) {
        file->size = MIN(file->size, write->offset);
        return;
    }
    size_t end = write->offset + size;
    if (end > file->room) {
        file->room = MAX(end, 2 * file->room);
        file->image = xrealloc(file->image, file->room, 1);
    }
    if (end > file->size) {
        memset(file->image + file->size, 0, end - file->size);
        file->size = end;
    }
    memcpy(file->image + write->offset, write->data, size);
}

static void
drop_pending(struct disk_file *file)
{
    for (size_t i = 0; i < file->n_pending; i++)
        free(file->pending[i].data);
    file->n_pending = 0;
}

static void
lose_power(void)
{
    disk.is_off = true;
    for (size_t i = 0; i < N_FILES; i++) {
        struct disk_file *file = &disk.files[i];
        for (size_t j = 0; j < file->n_pending; j++) {
            struct pending *write = &file->pending[j];
            unsigned fate = (unsigned)rand_r(&disk.seed) % 3;
            size_t torn = write->size / SECTOR
                              ? (size_t)rand_r(&disk.seed) % (write->size / SECTOR) * SECTOR
                              : 0;
            if (fate)
                apply_write(file, write, fate == 1 ? write->size : torn);
        }
        drop_pending(file);
    }
}

/* The lock is held. False: the power is off, what follows reaches no disk. */
static bool
begin_operation(void)
{
    if (!disk.is_off && ++disk.n_operations == disk.fails_at)
        lose_power();
    return !disk.is_off;
}

static void
note_write(struct disk_file *file, const void *data, size_t size, size_t offset)
{
    uv_mutex_lock(&disk.lock);
    if (begin_operation()) {
        GROW(file->pending, file->n_pending, file->pending_room);
        file->pending[file->n_pending++] = (struct pending){data ? xmemdup(data, size) : NULL,
                                                            offset, size};
    }
    uv_mutex_unlock(&disk.lock);
}

static void
note_sync(struct disk_file *file)
{
    uv_mutex_lock(&disk.lock);
    disk.n_syncs += file->suffix[0] != '\0';
    if (begin_operation() && !disk.lies) {
        for (size_t i = 0; i < file->n_pending; i++)
            apply_write(file, &file->pending[i], file->pending[i].size);
        drop_pending(file);
    }
    uv_mutex_unlock(&disk.lock);
}

static bool
power_is_on(void)
{
    uv_mutex_lock(&disk.lock);
    bool on = !disk.is_off;
    uv_mutex_unlock(&disk.lock);
    return on;
}

static void
disk_start(unsigned seed, unsigned fails_at)
{
    uv_mutex_init(&disk.lock);
    disk.files[0].suffix = "";
    disk.files[1].suffix = "-wal";
    disk.seed = seed;
    disk.fails_at = fails_at;
}

static void
disk_stop(void)
{
    for (size_t i = 0; i < N_FILES; i++) {
        drop_pending(&disk.files[i]);
        free(disk.files[i].pending);
        free(disk.files[i].image);
    }
    uv_mutex_destroy(&disk.lock);
    memset(&disk, 0, sizeof disk);
}

/* What is on the disk, as files to open. */
static void
disk_save(const char *path)
{
    for (size_t i = 0; i < N_FILES; i++) {
        char name[TEST_PATH_SIZE + 8];
        snprintf(name, sizeof name, "%s%s", path, disk.files[i].suffix);
        write_file(name, disk.files[i].image, disk.files[i].size);
    }
}

/* ---- the VFS: everything goes to the real file, and is noted on the way */

struct shim {
    sqlite3_file base;
    struct disk_file *file; /* NULL: not one of the two */
    sqlite3_file *real;
};

static sqlite3_file *
real_of(sqlite3_file *file)
{
    return ((struct shim *)file)->real;
}

static int
shim_close(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    int code = real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
    free(real);
    return code;
}

static int
shim_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), data, size, offset);
}

static int
shim_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    struct shim *shim = (struct shim *)file;
    if (shim->file)
        note_write(shim->file, data, (size_t)size, (size_t)offset);
    return shim->real->pMethods->xWrite(shim->real, data, size, offset);
}

static int
shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct shim *shim = (struct shim *)file;
    if (shim->file)
        note_write(shim->file, NULL, 0, (size_t)size);
    return shim->real->pMethods->xTruncate(shim->real, size);
}

static int
shim_sync(sqlite3_file *file, int flags UNUSED)
{
    struct shim *shim = (struct shim *)file;
    if (disk.failing_syncs && shim->file == &disk.files[1]) {
        disk.failing_syncs--;
        return SQLITE_IOERR_FSYNC;
    }
    if (shim->file)
        note_sync(shim->file);
    return SQLITE_OK; /* the real disk need not be bothered */
}

static int
shim_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int
shim_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int
shim_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int
shim_check_lock(sqlite3_file *file, int *reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int
shim_control(sqlite3_file *file, int operation, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, arg);
}

static int
shim_sector_size(sqlite3_file *file UNUSED)
{
    return SECTOR;
}

/* No promises: not that a sector is written whole, not that appending comes last. */
static int
shim_characteristics(sqlite3_file *file UNUSED)
{
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int
shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}

static int
shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void
shim_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int
shim_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 2, /* without memory-mapped reading */
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_file_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_lock,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector_size,
    .xDeviceCharacteristics = shim_characteristics,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int
shim_open(sqlite3_vfs *vfs UNUSED, const char *name, sqlite3_file *file, int flags, int *opened)
{
    struct shim *shim = (struct shim *)file;
    shim->real = xcalloc(1, (size_t)real_vfs->szOsFile);
    shim->file = flags & SQLITE_OPEN_MAIN_DB ? &disk.files[0]
                 : flags & SQLITE_OPEN_WAL   ? &disk.files[1]
                                             : NULL;
    int code = real_vfs->xOpen(real_vfs, name, shim->real, flags, opened);
    shim->base.pMethods = code ? NULL : &shim_methods;
    if (code)
        free(shim->real);
    return code;
}

/* From here on every database that is opened in this program lies on the disk above. */
static sqlite3_vfs shim_vfs;

static void
install_vfs(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    shim_vfs = *real_vfs;
    shim_vfs.zName = "disk";
    shim_vfs.szOsFile = sizeof(struct shim);
    shim_vfs.xOpen = shim_open;
    sqlite3_vfs_register(&shim_vfs, 1);
}

static void
remove_vfs(void)
{
    sqlite3_vfs_unregister(&shim_vfs);
    sqlite3_vfs_register(real_vfs, 1);
}

/* ---- the tests */

struct work {
    struct scene *scene;
    unsigned number, n_under_way;
    uint64_t acknowledged; /* seq of the last event acknowledged while there was power */
};

static void
keep_acknowledged(void *arg, enum err err, uint64_t first_seq, const char *why UNUSED)
{
    struct work *work = arg;
    work->n_under_way--;
    if (!err && power_is_on())
        work->acknowledged = MAX(work->acknowledged, first_seq);
}

/* Appends until the power goes: mostly small events, now and then some that fill the log. */
static void
work_until_power_fails(struct work *work)
{
    static char large[60000];
    memset(large, ' ', sizeof large - 1);
    memcpy(large, "{}", 2);
    while (power_is_on()) {
        for (unsigned i = 0; i < 4; i++) {
            struct journal_entry entry = numbered_entry(++work->number);
            if (work->number % 10 == 0)
                entry.body = large;
            assert_ok(
                journal_append(work->scene->journal, &entry, 1, keep_acknowledged, work, NULL));
            work->n_under_way++;
        }
        RUN_UNTIL(work->scene->loop, work->n_under_way < 4);
    }
}

/* The journal that the power loss left opens and is sound. Returns how many events it lacks of
 * those that had been acknowledged. */
static uint64_t
check_remains(struct scene *scene, uint64_t acknowledged)
{
    struct journal *journal;
    struct diag diag = {""};
    char path[TEST_PATH_SIZE];
    disk_save(test_path(&scene->dir, "remains.db", path));
    if (journal_open(NULL, path, &scene_config, &journal, &diag))
        fail_msg("%s", diag.text);
    uint64_t last = journal_head(journal)->seq;
    journal_close(journal, NULL, NULL);
    assert_sound(path, last);
    unlink(path);
    return acknowledged > last ? acknowledged - last : 0;
}

static uint64_t
work_and_lose_power(struct scene *scene, unsigned seed, unsigned fails_at, bool lies)
{
    struct work work = {.scene = scene};
    char name[32];
    snprintf(name, sizeof name, "%u.db", seed);
    test_path(&scene->dir, name, scene->path);
    disk_start(seed, fails_at);
    disk.lies = lies;
    install_vfs();
    scene_open(scene);
    work_until_power_fails(&work);
    scene_close(scene);
    remove_vfs();
    uint64_t missing = check_remains(scene, work.acknowledged);
    disk_stop();
    unlink(scene->path);
    return missing;
}

static void
nothing_acknowledged_is_lost_when_the_power_goes(void **state)
{
    unsigned seed = 5;
    for (unsigned i = 1; i <= 200; i++) {
        unsigned fails_at = 1 + (unsigned)rand_r(&seed) % (i % 4 ? 300 : 6000);
        assert_int_equal(work_and_lose_power(*state, i, fails_at, false), 0);
    }
}

/* That the test above can fail. */
static void
on_a_disk_that_lies_about_syncing_events_are_lost(void **state)
{
    struct scene *scene = *state;
    struct work work = {.scene = scene};
    disk_start(1, 2000);
    install_vfs();
    scene_open(scene);
    disk.lies = true;
    work_until_power_fails(&work);
    scene_close(scene);
    remove_vfs();
    assert_true(check_remains(scene, work.acknowledged) > 0);
    disk_stop();
}

static void
what_one_turn_of_the_loop_appends_shares_one_sync(void **state)
{
    struct scene *scene = *state;
    struct outcome outcomes[16] = {{0}};
    disk_start(1, 0);
    install_vfs();
    scene_open(scene);
    append_numbered(scene, 1, 1);
    unsigned before = disk.n_syncs;
    for (unsigned i = 0; i < 16; i++) {
        struct journal_entry entry = numbered_entry(i);
        assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &outcomes[i], NULL));
    }
    RUN_UNTIL(scene->loop, outcomes[15].n_calls);
    assert_int_equal(disk.n_syncs - before, 1);
    append_numbered(scene, 1, 1);
    assert_int_equal(disk.n_syncs - before, 2);
    scene_close(scene);
    remove_vfs();
    disk_stop();
}

/* A failed sync leaves whole frames in the log. They are not the journal's, not even for whoever
 * recovers the log after a crash. */
static void
what_a_failed_sync_left_behind_does_not_come_back(void **state)
{
    struct scene *scene = *state;
    struct journal_entry entry = numbered_entry(2);
    char path[TEST_PATH_SIZE], name[TEST_PATH_SIZE + 8];
    size_t size;
    disk_start(1, 0);
    install_vfs();
    scene_open(scene);
    append_numbered(scene, 1, 1);
    disk.failing_syncs = 1;
    struct outcome outcome = append_and_wait(scene, &entry, 1);
    assert_err(outcome.err, ERR_IO);
    assert_non_null(strstr(outcome.why, "disk I/O error (syncing)"));

    /* The files as a kill -9 would leave them now. */
    test_path(&scene->dir, "remains.db", path);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s%s", scene->path, i ? "-wal" : "");
        uint8_t *data = read_file(name, &size);
        snprintf(name, sizeof name, "%s%s", path, i ? "-wal" : "");
        write_file(name, data, size);
        free(data);
    }
    assert_sound(path, 1);
    assert_int_equal(append_and_wait(scene, &entry, 1).first_seq, 2);
    scene_close(scene);
    remove_vfs();
    disk_stop();
    assert_sound(scene->path, 2);
}

TEST_MAIN(TEST_IN_SCENE(nothing_acknowledged_is_lost_when_the_power_goes),
          TEST_IN_SCENE(on_a_disk_that_lies_about_syncing_events_are_lost),
          TEST_IN_SCENE(what_one_turn_of_the_loop_appends_shares_one_sync),
          TEST_IN_SCENE(what_a_failed_sync_left_behind_does_not_come_back))
