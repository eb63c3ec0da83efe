/* service.h - the orchestrate service: keeps the model, carries work orders out, counts exceptions.
 *
 * It answers on the bus the requests that doc/architecture.md names as its own: model.*, work.*,
 * exception.*, circuit.what-if. What it does to the network it asks of the services lan and assure,
 * over the bus too, by orders whose every step is in the journal before it is carried out
 * (workflow_run.h). So it may end at any moment: the next one reads the journal and goes on.
 *
 * What is heavy (design, proof, import) is computed on a thread of libuv's pool, on a copy of the
 * network; the loop is never held up by it. */
#ifndef ORCHESTRATE_SERVICE_H
#define ORCHESTRATE_SERVICE_H

#include "bus/bus.h"
#include "journal/journal.h"
#include "model/state.h"

struct orchestrate_service; /* Opaque. */

/* All of it is borrowed and must outlive the service. */
struct orchestrate_service_config {
    uv_loop_t *loop;
    struct journal *journal;
    struct bus *bus;
    /* Whoever keeps it subscribes to the journal before the service is made, so that an event is in
     * the state before the service is told of it. */
    const struct state *state;
    const char *site;
    const char *workflows_dir; /* its *.yaml are the workflows that can be submitted */
    /* Exceptions only: the model and the orders are another site's business. */
    bool exceptions_only;
    /* Of this site, so that numbers of exceptions are not those of another one: EXCEPTION_IDS times
     * it are skipped (model/state.h). 0 for a site alone. */
    uint32_t number;
    /* Takes a request about an exception of another site, and answers it; its arguments are
     * borrowed. NULL: such requests are refused. */
    void (*elsewhere)(void *arg, uint32_t number, const char *subject, json_t *payload,
                      const char *reply_to);
    void *elsewhere_arg;
    nsec_t (*clock)(void); /* wall; NULL: clock_wall() */
    /* What local work is judged by (local_work.h): the time, NULL: `clock`; and, of a site that has
     * a centre, whether it is cut off from that one, NULL: this is the centre, or alone. */
    nsec_t (*now)(void *arg);
    bool (*cut_off)(void *arg);
    void *arg;
};

/* Reads the definitions and the journal, which must have nothing on its way that an earlier service
 * appended: one service per opening. Orders that were at work go on when the loop runs. The
 * caller owns the result. ERR_NOT_FOUND, ERR_IO: the directory or a file in it cannot be read.
 * ERR_EXISTS: two workflows of one name. ERR_UNSUPPORTED: a workflow calls an action that does not
 * exist. Errors of workflow_parse_yaml() and journal_subscribe(). `diag` names the file. */
MUST_CHECK enum err orchestrate_service_new(const struct orchestrate_service_config *,
                                            struct orchestrate_service **, struct diag *);

/* Ends at once; requests that wait are answered with ERR_CLOSED. To be called before the bus and
 * the journal go. The loop must turn until it is empty before it is closed. NULL is fine. */
void orchestrate_service_free(struct orchestrate_service *);

/* Work orders that are not closed. */
size_t orchestrate_service_open_orders(const struct orchestrate_service *);

#endif
