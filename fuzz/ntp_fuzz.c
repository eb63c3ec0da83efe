#include "proto/it/ntp/ntp.h"

#include "dissect.h"

FUZZ_DISSECTOR(ntp_protocol)
