/* testing_pcap.h - for tests that hold a decoder against captures of others' traffic and against
 * what tshark says about them. The captures are outside the tree, in ../shared/data/pcaps: a test
 * that finds none calls pcap_data_missing() and skips loudly. Link ext_pcap. */
#ifndef BASE_TESTING_PCAP_H
#define BASE_TESTING_PCAP_H

#include "base/bytes.h"
#include "base/testing.h"

#include <dirent.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <unistd.h>

#define PCAP_DATA "../shared/data/pcaps"
#define TEST_SKIPPED 77

/* True, and said on standard error, when tshark is not on this machine. */
static inline UNUSED bool
tshark_missing(const char *test)
{
    if (system("tshark --version >/dev/null 2>&1") == 0)
        return false;
    fprintf(stderr, "%s: SKIPPED: tshark is not installed\n", test);
    return true;
}

/* The same, when the captures or tshark are not. */
static inline UNUSED bool
pcap_data_missing(const char *test)
{
    if (access(PCAP_DATA "/oracle.sh", R_OK) == 0)
        return tshark_missing(test);
    fprintf(stderr, "%s: SKIPPED: no captures in " PCAP_DATA "\n", test);
    return true;
}

/* Calls `each` with the path of every capture in PCAP_DATA/`directory`, not below it. Returns their
 * number. */
static inline UNUSED unsigned
pcap_each_file(const char *directory, void (*each)(const char *path, const char *name, void *arg),
               void *arg)
{
    char path[1024];
    snprintf(path, sizeof path, PCAP_DATA "/%s", directory);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    unsigned n = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strstr(entry->d_name, ".pcap"))
            continue;
        snprintf(path, sizeof path, PCAP_DATA "/%s/%s", directory, entry->d_name);
        each(path, entry->d_name, arg);
        n++;
    }
    closedir(dir);
    return n;
}

/* A frame of a capture, from behind its Ethertype on. */
struct pcap_payload {
    const uint8_t *data; /* a block of exactly its size, so that ASan sees one octet too far */
    size_t size;
    unsigned number; /* of the frame in the capture, from 1, as protocol analysers count */
    int64_t wall_ns;
};

/* Calls `each` for every frame whose Ethertype, behind any VLAN tags, is `ethertype`. */
static inline UNUSED void
pcap_each_payload(const char *path, uint16_t ethertype,
                  void (*each)(const struct pcap_payload *, void *arg), void *arg)
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_open_offline(path, why);
    assert_non_null(pcap);
    struct pcap_pkthdr *header;
    const uint8_t *frame;
    for (unsigned number = 1; pcap_next_ex(pcap, &header, &frame) == 1; number++) {
        size_t at = 12;
        while (at + 4 <= header->caplen && get_be16(frame + at) == 0x8100)
            at += 4;
        if (at + 2 > header->caplen || get_be16(frame + at) != ethertype)
            continue;
        size_t size = header->caplen - at - 2;
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, frame + at + 2, size);
        int64_t wall_ns = header->ts.tv_sec * INT64_C(1000000000) + header->ts.tv_usec * 1000;
        each(&(struct pcap_payload){copy, size, number, wall_ns}, arg);
        free(copy);
    }
    pcap_close(pcap);
}

/* Rows of the oracle, one per frame of the protocol. */
struct oracle {
    FILE *pipe;
    char *names, *line; /* cut at the tabs */
    size_t names_capacity, line_capacity;
    char *column[64], *value[64];
    unsigned n;
};

static inline unsigned
oracle_cut(char *line, char **parts)
{
    unsigned n = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *part; (part = strsep(&line, "\t")) && n < 64;)
        parts[n++] = part;
    return n;
}

/* Reads what a command prints: a line of column names, then rows. */
static inline UNUSED void
oracle_run(struct oracle *o, const char *command)
{
    *o = (struct oracle){0};
    o->pipe = popen(command, "r");
    assert_non_null(o->pipe);
    assert_true(getline(&o->names, &o->names_capacity, o->pipe) > 0);
    o->n = oracle_cut(o->names, o->column);
}

static inline UNUSED void
oracle_open(struct oracle *o, const char *protocol, const char *path)
{
    char command[2048];
    snprintf(command, sizeof command, "bash " PCAP_DATA "/oracle.sh %s '%s'", protocol, path);
    oracle_run(o, command);
}

static inline UNUSED bool
oracle_next(struct oracle *o)
{
    if (getline(&o->line, &o->line_capacity, o->pipe) <= 0)
        return false;
    assert_int_equal(oracle_cut(o->line, o->value), o->n);
    return true;
}

/* The column's text in the row, "" where tshark found no such field. */
static inline UNUSED const char *
oracle_get(const struct oracle *o, const char *column)
{
    for (unsigned i = 0; i < o->n; i++) {
        if (!strcmp(o->column[i], column))
            return o->value[i];
    }
    fail_msg("the oracle has no column %s", column);
    return NULL;
}

static inline UNUSED void
oracle_close(struct oracle *o)
{
    pclose(o->pipe);
    free(o->names);
    free(o->line);
}

#endif
