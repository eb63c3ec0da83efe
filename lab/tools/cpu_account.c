#include "lab/tools/cpu_account.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static enum err
add(struct cpu_account *a, int pid)
{
    if (a->n == CPU_ACCOUNT_MAX)
        return ERR_LIMIT;
    a->pids[a->n++] = pid;
    return ERR_OK;
}

static bool
is_softirqd(const char *pid)
{
    char path[300], name[32] = "";
    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool is = fgets(name, sizeof name, f) && !strncmp(name, "ksoftirqd/", 10);
    fclose(f);
    return is;
}

static enum err
add_softirqd(struct cpu_account *a)
{
    enum err err = ERR_OK;
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    while (dir && !err && (entry = readdir(dir))) {
        if (isdigit((unsigned char)entry->d_name[0]) && is_softirqd(entry->d_name))
            err = add(a, atoi(entry->d_name));
    }
    if (dir)
        closedir(dir);
    return err;
}

enum err
cpu_account_init(struct cpu_account *a, const char *pids)
{
    *a = (struct cpu_account){.n = 0};
    while (*pids) {
        char *end;
        long pid = strtol(pids, &end, 10);
        if (end == pids || pid <= 0 || pid > INT32_MAX || (*end && *end != ','))
            return ERR_MALFORMED;
        enum err err = add(a, (int)pid);
        if (err)
            return err;
        pids = *end ? end + 1 : end;
    }
    a->n_asked = a->n;
    return add_softirqd(a);
}

/* The first number of schedstat is the time on a CPU, in nanoseconds. */
static nsec_t
task_time(int pid, const char *task)
{
    char path[320], line[128];
    long long ns = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, task);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0; /* the thread ended meanwhile */
    if (fgets(line, sizeof line, f))
        ns = strtoll(line, NULL, 10);
    fclose(f);
    return ns;
}

static enum err
process_time(int pid, nsec_t *sum)
{
    char path[64];
    struct dirent *entry;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return ERR_NOT_FOUND;
    while ((entry = readdir(dir))) {
        if (isdigit((unsigned char)entry->d_name[0]))
            *sum += task_time(pid, entry->d_name);
    }
    closedir(dir);
    return ERR_OK;
}

enum err
cpu_account_read(const struct cpu_account *a, struct cpu_time *time)
{
    struct cpu_time result = {0};
    for (unsigned i = 0; i < a->n; i++) {
        enum err err = process_time(a->pids[i], i < a->n_asked ? &result.asked : &result.softirqd);
        if (err)
            return err;
    }
    *time = result;
    return ERR_OK;
}

nsec_t
cpu_account_thread(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}
