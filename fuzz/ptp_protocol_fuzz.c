#include "proto/ptp/ptp_protocol.h"

#include "dissect.h"

FUZZ_DISSECTOR(ptp_protocol)
