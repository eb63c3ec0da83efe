#include "proto/ot/opcua/opcua.h"

#include "dissect.h"

FUZZ_DISSECTOR(opcua)
