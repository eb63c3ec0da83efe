/* accounting.h - every changing request is on record before it is carried out: who, from where, by
 * which right, in which role (event access.granted, doc/events.md).
 *
 * It is done at one place, between the table of routes and the handlers, so that no handler can
 * leave it out; and the handler runs when the record is durable, so that nothing is done that
 * cannot be accounted for; but a right is taken away in any case. Under a break-glass code reading
 * is recorded too. */
#ifndef GATEWAY_ACCOUNTING_H
#define GATEWAY_ACCOUNTING_H

struct api_request;

/* Records what is to be recorded, and then has the request's handler called, now or later. Where
 * the journal takes nothing the request is answered with 503, unless it revokes (route.h). */
void account_and_handle(struct api_request *);

#endif
