/* cmd.h - the verbs of `tieline`, by the file they are in. Each returns the exit status. */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "cli/cli.h"

/* cmd_model.c: the row's `data` is a struct kind. */
struct kind {
    const char *word, *plural; /* "circuit", "circuits": as in paths and documents */
    const struct column *list, *show;
};
extern const struct kind kind_site, kind_node, kind_link, kind_host, kind_router, kind_tunnel,
    kind_vpn, kind_circuit;
int cmd_list(struct cli *);
int cmd_show(struct cli *);
int cmd_put(struct cli *);
int cmd_create(struct cli *);
int cmd_remove(struct cli *);

/* cmd_create.c, cmd_circuit.c */
int cmd_circuit_create(struct cli *);
int cmd_circuit_list(struct cli *);
int cmd_circuit_show(struct cli *);
int cmd_build(struct cli *); /* circuits or tunnels: the row's `data` is their kind */
int cmd_teardown(struct cli *);
/* cmd_assure.c */
int cmd_circuit_test(struct cli *);
int cmd_circuit_fingerprint(struct cli *);
int cmd_circuit_what_if(struct cli *);
int cmd_circuit_fit(struct cli *);
int cmd_test_list(struct cli *);

/* cmd_node.c */
int cmd_node_rules(struct cli *);
int cmd_node_repair(struct cli *);
int cmd_node_release_port(struct cli *);
int cmd_denied_list(struct cli *);

/* cmd_ask.c */
int cmd_network_prove(struct cli *);
int cmd_network_conditions(struct cli *);
int cmd_site_peers(struct cli *);
int cmd_ask_reach(struct cli *);
int cmd_ask_who_reaches(struct cli *);
int cmd_ask_affected_by(struct cli *);
int cmd_ask_matrix(struct cli *);

/* cmd_wan.c: the row's `data` is a struct wan_list */
struct wan_list;
extern const struct wan_list wan_nodes, wan_links, wan_sources, wan_findings, wan_sessions,
    wan_lsps;
int cmd_wan_list(struct cli *);
int cmd_wan_lsps(struct cli *);
int cmd_wan_what_if(struct cli *);
int cmd_wan_tree(struct cli *);
int cmd_wan_optimise(struct cli *);
int cmd_wan_relieve(struct cli *);
int cmd_wan_drain(struct cli *);
int cmd_wan_resync(struct cli *);
int cmd_wan_restore(struct cli *);
int cmd_wan_import(struct cli *);

/* cmd_vpn.c */
int cmd_vpn_config(struct cli *);
int cmd_vpn_change(struct cli *);
int cmd_vpn_drift(struct cli *);
int cmd_vpn_restore(struct cli *);

/* cmd_inventory.c */
int cmd_inventory_import(struct cli *);
int cmd_inventory_export(struct cli *);
/* cmd_scenario.c, cmd_rules.c */
int cmd_model_run(struct cli *);
int cmd_rules_judge(struct cli *);

/* cmd_work.c, cmd_watch.c */
int cmd_work_list(struct cli *);
int cmd_work_show(struct cli *);
int cmd_work_approve(struct cli *);
int cmd_work_refuse(struct cli *);
int cmd_work_cancel(struct cli *);
int cmd_work_submit(struct cli *);
int cmd_work_watch(struct cli *);
int cmd_work_workflows(struct cli *);

/* cmd_exception.c */
int cmd_exception_list(struct cli *);
int cmd_exception_show(struct cli *);
int cmd_exception_acknowledge(struct cli *);
int cmd_exception_close(struct cli *);
int cmd_local_list(struct cli *);
int cmd_local_build(struct cli *);
int cmd_local_agree(struct cli *);
int cmd_local_end(struct cli *);
int cmd_circuit_stop(struct cli *);
int cmd_circuit_resume(struct cli *);

/* cmd_sensor.c */
int cmd_sensor_list(struct cli *);
int cmd_sensor_alerts(struct cli *);
int cmd_sensor_alert(struct cli *);
int cmd_sensor_incidents(struct cli *);
int cmd_sensor_assets(struct cli *);
int cmd_sensor_vulnerabilities(struct cli *);
int cmd_sensor_coverage(struct cli *);
int cmd_sensor_close(struct cli *);
extern const struct column sensor_incident_columns[];
void sensor_put_protocols(struct buf *, const json_t *asset, bool utc); /* names, with commas */
/* cmd_report.c */
int cmd_sensor_report(struct cli *);
/* cmd_habits.c */
int cmd_sensor_habits(struct cli *);
int cmd_sensor_approve(struct cli *);
int cmd_sensor_forget(struct cli *);

/* cmd_journal.c, cmd_verify.c */
int cmd_journal_list(struct cli *);
int cmd_journal_head(struct cli *);
int cmd_journal_follow(struct cli *);
int cmd_journal_export(struct cli *);
int cmd_journal_verify(struct cli *);
/* cmd_evidence.c */
int cmd_journal_checkpoint(struct cli *);
int cmd_journal_evidence(struct cli *);
int cmd_journal_check(struct cli *);
int cmd_journal_countersign(struct cli *);
/* cmd_content.c */
int cmd_content_sign(struct cli *);
int cmd_content_verify(struct cli *);
int cmd_content_key(struct cli *);

/* cmd_site.c */
int cmd_site_init(struct cli *);
int cmd_site_request(struct cli *);
int cmd_site_enrol(struct cli *);
int cmd_site_install(struct cli *);
int cmd_site_rotate(struct cli *);
int cmd_site_revoke(struct cli *);
int cmd_site_enrolled(struct cli *);

/* cmd_lab.c */
int cmd_lab(struct cli *);

/* cmd_edge.c: the row's `data` is the method */
int cmd_edge_trace(struct cli *);
int cmd_edge_status(struct cli *);
int cmd_edge_ports(struct cli *);
int cmd_edge_queues(struct cli *);
int cmd_edge_redundancy(struct cli *);
int cmd_edge_stats(struct cli *);
/* cmd_top.c, cmd_capture.c */
int cmd_edge_top(struct cli *);
int cmd_edge_capture(struct cli *);
int cmd_edge_clock(struct cli *);

/* cmd_login.c */
int cmd_login(struct cli *);
int cmd_logout(struct cli *);
int cmd_break_glass_seal(struct cli *);
int cmd_break_glass_list(struct cli *);
int cmd_session_list(struct cli *);
int cmd_session_revoke(struct cli *);

/* cmd_system.c */
int cmd_user_list(struct cli *);
int cmd_user_put(struct cli *);
int cmd_user_remove(struct cli *);
int cmd_whoami(struct cli *);
int cmd_health(struct cli *);
int cmd_version(struct cli *);
int cmd_help(struct cli *);
int cmd_completion(struct cli *);

/* ---- What several of them use ------------------------------------------------------------------
 */

/* cli_document.c: the objects of a kind in a file: one, a list, {"circuits": [...]} as the API
 * answers, or a whole document as `inventory export` writes it. What the API adds to objects, their
 * `status` and `live`, is left out. The caller owns *objects, an array. */
MUST_CHECK int document_read(struct cli *, const struct kind *, const char *path, json_t **objects);
/* Puts objects: one by PUT, more by one import, so that all or none are. With `fresh` none of them
 * may be there already. Says what came of it, unless `quiet`. */
MUST_CHECK int document_put(struct cli *, const struct kind *, const json_t *objects, bool fresh,
                            bool quiet);
/* Shows a report that was answered. CLI_FAILED: there are errors in it. */
MUST_CHECK int document_report(struct cli *, const json_t *report);

/* cmd_inventory.c: the format of files by their names, "csv", "json" or "scd"; and the files as
 * [{"name", "text"}], which the caller owns. */
MUST_CHECK int inventory_format(struct cli *, const char *const *paths, size_t n,
                                const char **format);
MUST_CHECK int inventory_files(struct cli *, const char *const *paths, size_t n, json_t *files);

/* cmd_work.c: submits an order (`input` is consumed) and follows it as --until says: "submitted",
 * "waiting", "closed". */
MUST_CHECK int work_order(struct cli *, const char *workflow, json_t *input);
/* "order 17 waits for an approval as OPERATOR or SECADM: tieline work approve 17"; nothing if it
 * waits for none. */
bool work_put_asked(struct buf *, const json_t *order);
/* The steps, or approvals, of an order. */
const json_t *work_steps(const json_t *order);
const json_t *work_approvals(const json_t *order);

/* cmd_watch.c: shows an order's progress until it is closed or, with `waiting`, until it waits. */
MUST_CHECK int work_follow(struct cli *, const char *id, bool waiting);

/* cmd_edge.c: asks the node of --node or --control; `params` is consumed, *answer borrowed as by
 * cli_call(). */
MUST_CHECK int edge_ask(struct cli *, const char *method, json_t *params, const json_t **answer);

/* cmd_circuit.c: what flows, "tcp 502", "goose 1001"; from where; to where. */
void circuit_put_service(struct buf *, const json_t *circuit, bool utc);

#endif
