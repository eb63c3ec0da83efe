#include "proto/ot/goose/goose_protocol.h"

#include "dissect.h"

FUZZ_DISSECTOR(goose_protocol)
