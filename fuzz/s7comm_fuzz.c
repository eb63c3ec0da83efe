#include "proto/ot/s7comm/s7comm.h"

#include "dissect.h"

FUZZ_DISSECTOR(s7comm)
