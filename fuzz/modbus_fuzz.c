#include "proto/ot/modbus/modbus.h"

#include "dissect.h"

FUZZ_DISSECTOR(modbus)
