/* What another site says of its journal, and what it says it remembers of ours: whatever it is, it
 * is refused or means what it says. An answer that is taken is appended to a copy that is thrown
 * away: nothing that does not have the hash it claims gets in. */
#include "sync/replica.h"
#include "sync/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_request(const json_t *json)
{
    struct sync_place place, again;
    uint64_t offset, offset_again;
    struct diag diag;
    if (sync_request_parse(json, &place, &offset, &diag))
        return;
    json_t *copy = sync_request(&place, offset);
    if (sync_request_parse(copy, &again, &offset_again, &diag) || again.seq != place.seq ||
        offset_again != offset || memcmp(again.hash, place.hash, sizeof place.hash) != 0)
        abort();
    json_decref(copy);
}

static void
append(const struct sync_answer *answer)
{
    char directory[] = "/tmp/tieline-fuzz-XXXXXX";
    struct replica *replica;
    struct diag diag;
    if (!mkdtemp(directory) || replica_open(directory, "substation-a", &replica, &diag))
        abort();
    enum err err = replica_append(replica, &answer->identity, answer->events, answer->hash, &diag);
    const struct sync_place *place = replica_place(replica);
    size_t n = json_array_size(answer->events);
    if (err ? place->seq != 0 : place->seq != n)
        abort();
    if (!err && n && memcmp(place->hash, answer->hash, sizeof place->hash) != 0)
        abort();
    const char *suffixes[] = {"", "-wal", "-shm", "-journal"};
    char path[REPLICA_PATH_SIZE];
    snprintf(path, sizeof path, "%s", replica_path(replica));
    replica_close(replica);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char file[REPLICA_PATH_SIZE + 16];
        snprintf(file, sizeof file, "%s%s", path, suffixes[i]);
        unlink(file);
    }
    rmdir(directory);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sync_answer answer;
    struct diag diag;
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (!json)
        return 0;
    try_request(json);
    if (!sync_answer_parse(json, &answer, &diag) && !answer.differs && !answer.more)
        append(&answer);
    json_decref(json);
    return 0;
}
