#include "proto/ot/profinet/profinet.h"

#include "dissect.h"

FUZZ_DISSECTOR(profinet_protocol)
