#include "proto/ot/sv/sv_protocol.h"

#include "dissect.h"

FUZZ_DISSECTOR(sv_protocol)
