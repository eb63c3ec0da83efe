/* openflow_switch - a switch made of samples: answers every request with the sample for it, takes
 * what has no answer, and tells a controller that sets its configuration of a packet, a removed
 * flow and a changed port. Serves a Unix socket until SIGTERM, each connection in a process of its
 * own.
 *
 * usage: openflow_switch UNIX-SOCKET */
#include "peer.h"
#include "samples.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void
on_signal(int signal UNUSED)
{
    ended = 1;
}

static int
listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    unlink(path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 8)) {
        perror(path);
        return -1;
    }
    return fd;
}

static void
notify(struct peer *p)
{
    for (size_t i = 0; i < n_samples; i++) {
        struct openflow_message m = samples[i].message;
        m.xid = 0;
        if (m.type == OFPT_PACKET_IN || m.type == OFPT_FLOW_REMOVED || m.type == OFPT_PORT_STATUS)
            (void)!openflow_session_send(p->session, &m);
    }
}

static void
serve_message(struct peer *p, const struct openflow_event *event, bool *listening)
{
    static const struct openflow_error unknown = {OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER, 0};
    struct openflow_message *reply = sample_reply(event->message);
    if (reply)
        (void)!openflow_session_send(p->session, reply);
    if (event->message->type == OFPT_EXPERIMENTER) {
        (void)!openflow_session_send_error(p->session, &unknown, &event->raw);
        *listening = true;
    } else if (event->message->type == OFPT_BARRIER_REQUEST && *listening) {
        notify(p);
        *listening = false;
    }
}

static void
serve(int fd)
{
    struct peer p;
    struct openflow_event event;
    struct buf text = BUF_INIT;
    bool listening = false;
    peer_init(&p, fd, OPENFLOW_SWITCH);
    while (!ended && p.fd >= 0) {
        if (!peer_next(&p, &event, NSEC_PER_SEC))
            continue;
        if (event.kind == OPENFLOW_MESSAGE) {
            buf_clear(&text);
            openflow_print(event.message, &text);
            printf("%s\n", buf_cstr(&text));
            serve_message(&p, &event, &listening);
        } else if (event.kind == OPENFLOW_REFUSED) {
            printf("refused: %s\n", event.diag.text);
        }
    }
    fflush(stdout);
    buf_fini(&text);
    peer_fini(&p);
}

int
main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    if (argc != 2) {
        fprintf(stderr, "usage: openflow_switch UNIX-SOCKET\n");
        return 2;
    }
    sigaction(SIGTERM, &action, NULL);
    signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
    samples_init();
    samples_for_ovs();
    int fd = listen_at(argv[1]);
    if (fd < 0)
        return 1;
    while (!ended) {
        int connection = accept(fd, NULL, NULL);
        if (connection < 0)
            continue;
        if (fork() == 0) {
            serve(connection);
            return 0;
        }
        close(connection);
    }
    close(fd);
    unlink(argv[1]);
    return 0;
}
