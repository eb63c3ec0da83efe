#include "proto/it/snmp/snmp.h"

#include "dissect.h"

FUZZ_DISSECTOR(snmp_protocol)
