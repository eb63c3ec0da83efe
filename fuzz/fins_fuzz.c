#include "proto/ot/fins/fins.h"

#include "dissect.h"

FUZZ_DISSECTOR(fins)
