/* nats_testing.h - a real nats-server on loopback, for tests and benchmarks. Static functions only.
 *
 * The server is the caller's child: on a free port, with its files in the caller's directory. */
#ifndef BUS_NATS_TESTING_H
#define BUS_NATS_TESTING_H

#include "base/attr.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NATS_SERVER_DIED 30000 /* milliseconds of patience until it listens */

struct nats_server {
    char directory[64];
    char options[2048]; /* the configuration behind its first lines */
    int port;
    pid_t pid; /* 0: not running */
};

static inline UNUSED int
nats_test_socket(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address)) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline UNUSED int
nats_test_port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &size);
    return ntohs(address.sin_port);
}

static inline UNUSED int
nats_test_free_port(void)
{
    int fd = nats_test_socket(0);
    int port = nats_test_port_of(fd);
    close(fd);
    return port;
}

static inline UNUSED bool
nats_test_listens(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool listens = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return listens;
}

static inline void
nats_server_write_config(const struct nats_server *server, char *path, size_t size)
{
    snprintf(path, size, "%s/nats-%d.conf", server->directory, server->port);
    FILE *file = fopen(path, "w");
    if (!file)
        abort();
    fprintf(file, "listen: \"127.0.0.1:%d\"\nlog_file: \"%s/nats-%d.log\"\n%s\n", server->port,
            server->directory, server->port, server->options);
    fclose(file);
}

/* In the child. */
static inline void
nats_server_exec(const char *config)
{
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
    execlp("nats-server", "nats-server", "-c", config, (char *)NULL);
    execl("/usr/sbin/nats-server", "nats-server", "-c", config, (char *)NULL);
    _exit(127);
}

/* Ends it like a power cut. */
static inline UNUSED void
nats_server_kill(struct nats_server *server)
{
    if (server->pid) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}

/* Starts it again on the port it had. False: it died, or does not listen. */
static inline UNUSED bool
nats_server_start(struct nats_server *server)
{
    char config[128];
    nats_server_write_config(server, config, sizeof config);
    server->pid = fork();
    if (server->pid == 0)
        nats_server_exec(config);
    for (int ms = 0; ms < NATS_SERVER_DIED; ms += 5) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            server->pid = 0;
            return false;
        }
        if (nats_test_listens(server->port))
            return true;
        usleep(5000);
    }
    nats_server_kill(server);
    return false;
}

/* On a free port; another is taken if somebody else was quicker. */
static inline UNUSED bool
nats_server_open(struct nats_server *server, const char *directory, const char *options)
{
    *server = (struct nats_server){0};
    snprintf(server->directory, sizeof server->directory, "%s", directory);
    snprintf(server->options, sizeof server->options, "%s", options);
    for (int i = 0; i < 5; i++) {
        server->port = nats_test_free_port();
        if (nats_server_start(server))
            return true;
    }
    return false;
}

#endif
