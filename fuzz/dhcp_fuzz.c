#include "proto/it/dhcp/dhcp.h"

#include "dissect.h"

FUZZ_DISSECTOR(dhcp_protocol)
