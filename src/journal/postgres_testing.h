/* postgres_testing.h - a PostgreSQL server of the tests' own: in a directory of its own, reached by
 * a Unix socket there, gone with the test. PostgreSQL does not run as root, so root's tests run it
 * as the user the package made. Static functions only. */
#ifndef JOURNAL_POSTGRES_TESTING_H
#define JOURNAL_POSTGRES_TESTING_H

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define POSTGRES_BIN "/usr/lib/postgresql/15/bin"

struct postgres_server {
    char dir[32], data[40];
    pid_t pid;         /* 0: it does not run */
    const char *fsync; /* a setting other than "fsync=on"; NULL: that */
    unsigned n_databases;
};

/* In the child: runs a program of PostgreSQL's, with its output in DIR/log. */
static inline void
postgres_exec(const struct postgres_server *server, const char *const *argv)
{
    struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/log", server->dir);
    if (getuid() == 0 && (!user || setgid(user->pw_gid) || setuid(user->pw_uid)))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT); /* a test that is killed leaves no server */
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(log, 1);
    dup2(log, 2);
    snprintf(path, sizeof path, POSTGRES_BIN "/%s", argv[0]);
    execv(path, (char *const *)argv);
    _exit(127);
}

static inline pid_t
postgres_spawn(const struct postgres_server *server, const char *const *argv)
{
    pid_t pid = fork();
    if (!pid)
        postgres_exec(server, argv);
    return pid;
}

static inline bool
postgres_ran(const struct postgres_server *server, const char *const *argv)
{
    int status = -1;
    pid_t pid = postgres_spawn(server, argv);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Formats the address of a database; `text` holds `size` octets. Returns it. */
static inline char *
postgres_address(const struct postgres_server *server, const char *database, char *text,
                 size_t size)
{
    snprintf(text, size, "postgresql:///%s?host=%s&user=postgres", database, server->dir);
    return text;
}

/* Starts the server in its directory, and waits until it answers. */
static inline bool
postgres_run(struct postgres_server *server)
{
    char address[128];
    const char *const argv[] = {"postgres",
                                "-D",
                                server->data,
                                "-k",
                                server->dir,
                                "-c",
                                "listen_addresses=",
                                "-c",
                                "max_connections=40",
                                "-c",
                                server->fsync ? server->fsync : "fsync=on",
                                "-c",
                                "autovacuum=off",
                                NULL};
    server->pid = postgres_spawn(server, argv);
    postgres_address(server, "postgres", address, sizeof address);
    for (int i = 0; server->pid > 0 && i < 3000; i++) {
        PGconn *conn = PQconnectdb(address);
        bool up = PQstatus(conn) == CONNECTION_OK;
        PQfinish(conn);
        if (up)
            return true;
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            break;
        usleep(20000);
    }
    server->pid = 0;
    return false;
}

/* SIGINT: at once, in order; SIGQUIT: as if the machine had lost its power, but for the disk's
 * cache. */
static inline void
postgres_stop(struct postgres_server *server, int number)
{
    if (server->pid && !kill(server->pid, number))
        waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

static inline void
postgres_end(struct postgres_server *server)
{
    postgres_stop(server, SIGINT);
    char *command = xasprintf("rm -rf %s", server->dir);
    if (server->dir[0] && system(command))
        fprintf(stderr, "%s is left behind\n", server->dir);
    free(command);
    server->dir[0] = '\0';
}

/* Says on standard error what is missing, and returns false. */
static inline bool
postgres_start(struct postgres_server *server)
{
    const char *const initdb[] = {"initdb", "-D", server->data, "-U",         "postgres",  "-A",
                                  "trust",  "-E", "UTF8",       "--locale=C", "--no-sync", NULL};
    struct passwd *user = getpwnam("postgres");
    *server = (struct postgres_server){.dir = "/tmp/tieline-pg-XXXXXX"};
    if (access(POSTGRES_BIN "/initdb", X_OK) || (getuid() == 0 && !user)) {
        fprintf(stderr, "PostgreSQL 15 is not installed: nothing of it is tested\n");
        server->dir[0] = '\0';
        return false;
    }
    if (!mkdtemp(server->dir) ||
        (getuid() == 0 && chown(server->dir, user->pw_uid, user->pw_gid))) {
        perror(server->dir);
        return false;
    }
    snprintf(server->data, sizeof server->data, "%s/data", server->dir);
    if (postgres_ran(server, initdb) && postgres_run(server))
        return true;
    char *command = xasprintf("tail -n 5 %s/log >&2", server->dir);
    fprintf(stderr, "PostgreSQL does not start:\n");
    (void)!system(command);
    free(command);
    postgres_end(server);
    return false;
}

/* Runs SQL in the database of that address; returns the first column of the last result's first
 * row, "" if there is none, NULL if it failed (and says why). free() it. */
static inline char *
postgres_sql(const char *address, const char *sql)
{
    PGconn *conn = PQconnectdb(address);
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    char *text = NULL;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        text = xstrdup(PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    else
        fprintf(stderr, "%s: %s", sql, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    return text;
}

/* A new, empty database; its address into `text`. */
static inline bool
postgres_create_database(struct postgres_server *server, char *text, size_t size)
{
    char name[16], sql[64];
    snprintf(name, sizeof name, "t%u", ++server->n_databases);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", name);
    postgres_address(server, "postgres", text, size);
    char *done = postgres_sql(text, sql);
    free(done);
    postgres_address(server, name, text, size);
    return done;
}

#endif
