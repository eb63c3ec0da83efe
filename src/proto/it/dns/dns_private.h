/* dns_private.h - between the tables and the code of DNS. */
#ifndef PROTO_IT_DNS_DNS_PRIVATE_H
#define PROTO_IT_DNS_DNS_PRIVATE_H

#include "base/attr.h"
#include "proto/it/dns/dns.h"

enum frame_found dns_frame(const uint8_t *, size_t, size_t *);
int dns_looks(const uint8_t *, size_t);
void dns_dissect(struct dissection *, struct cursor *);

#endif
