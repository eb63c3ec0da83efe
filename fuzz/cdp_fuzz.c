#include "proto/it/cdp/cdp.h"

#include "dissect.h"

FUZZ_DISSECTOR(cdp_protocol)
