/* handlers.h - what the routes do: the functions of the table in route.c. Each is described by its
 * row there and in doc/api.md. */
#ifndef GATEWAY_HANDLERS_H
#define GATEWAY_HANDLERS_H

#include "gateway/request.h"

typedef void api_handler_fn(struct api_request *);

api_handler_fn api_get_whoami, api_get_health, api_get_openapi; /* handlers_about.c */
api_handler_fn api_list_objects, api_get_object, api_put_object,
    api_delete_object; /* handlers_model.c */
api_handler_fn api_post_import, api_get_export, api_post_what_if,
    api_post_model; /* handlers_work.c */
api_handler_fn api_pass_on, api_list_orders, api_post_order, api_get_order,
    api_post_decision;                                                      /* handlers_work.c */
api_handler_fn api_post_cancel, api_post_test;                              /* handlers_work.c */
api_handler_fn api_get_fingerprint, api_list_exceptions, api_get_exception; /* handlers_watch.c */
api_handler_fn api_post_acknowledge, api_post_close;                        /* handlers_watch.c */
api_handler_fn api_list_sensors, api_list_alerts, api_get_alert, api_post_close_alert,
    api_list_incidents, api_list_assets, api_list_vulnerabilities, api_get_traffic, api_get_habits,
    api_post_approve_habit, api_post_forget_habit; /* handlers_sensor.c */
api_handler_fn api_get_rules, api_post_repair, api_post_release_port, api_post_rpc, api_get_proof,
    api_get_ask; /* handlers_node.c */
api_handler_fn api_post_break_glass, api_list_break_glass,
    api_post_break_glass_session; /* handlers_break_glass.c */
api_handler_fn api_get_login, api_post_session, api_list_sessions,
    api_delete_session;                           /* handlers_session.c */
api_handler_fn api_post_local, api_post_local_id; /* handlers_local.c */
api_handler_fn api_get_journal, api_get_events;   /* handlers_journal.c */
api_handler_fn api_list_lsps, api_post_on, api_put_optical, api_put_wan_plan, api_post_vpn_dry_run,
    api_get_vpn_drift, api_post_vpn_restore, api_get_wan_what_if;           /* handlers_wan.c */
api_handler_fn api_list_users, api_get_user, api_put_user, api_delete_user; /* handlers_users.c */

/* handlers_work.c: of a report (model/report.h) the first row or finding that is an error; NULL:
 * none. Borrowed. */
const json_t *api_first_error(const json_t *report);

/* handlers_session.c: the answer to who has logged in by what they showed. The token is in
 * r->kept. */
struct session;
void api_answer_session(struct api_request *, const struct session *);

#endif
