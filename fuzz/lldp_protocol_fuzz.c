#include "proto/lldp/lldp_protocol.h"

#include "dissect.h"

FUZZ_DISSECTOR(lldp_protocol)
