/* provision_run.h - a provisioning machine (provision.h) over the clients of its devices, on the
 * loop; and looking for drift. Not thread-safe: the loop's thread only. */
#ifndef WAN_PROVISION_RUN_H
#define WAN_PROVISION_RUN_H

#include "wan/netconf_client.h"
#include "wan/provision.h"

struct provision_run; /* Opaque. */

struct provision_run_handler {
    /* All devices have it, unconfirmed. Call provision_run_verified(), now or within the time of
     * the configuration. NULL: what was read back is enough. */
    void (*verify)(void *arg, struct provision_run *);
    /* The end, once: as PROVISION_END. provision_run_machine() has the reports. */
    void (*done)(void *arg, struct provision_run *, enum err, const char *text);
};

struct provision_run_device {
    struct provision_device device;
    struct netconf_client *client; /* must outlive the run */
};

/* Starts. Texts and lists are copied, trees must outlive the run. Never NULL. */
struct provision_run *provision_run_new(uv_loop_t *, const struct provision_config *,
                                        const struct provision_run_device *, size_t n,
                                        const struct provision_run_handler *, void *arg);
void provision_run_verified(struct provision_run *, enum err, const char *text);
void provision_run_cancel(struct provision_run *, const char *why);
/* Before `done`: it stops where it is, and devices that have an unconfirmed commit go back by
 * themselves. Callable from inside a callback. NULL is fine. */
void provision_run_free(struct provision_run *);
const struct provision *provision_run_machine(const struct provision_run *);

/* ---- drift */

/* `err` ERR_OK: it was read, and `found` has how it differs; texts live during the call. */
typedef void drift_done_fn(void *arg, enum err, const char *text,
                           const struct vpn_differences *found);

/* Reads back what is ours on the device (running) and compares it with `want`, which must live
 * until `done`. */
void drift_check(struct netconf_client *, const struct netconf_xml *want, drift_done_fn *done,
                 void *arg);

#endif
