#include "proto/it/dns/dns.h"

#include "dissect.h"

FUZZ_DISSECTOR(dns)
