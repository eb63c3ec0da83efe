#include "proto/arp/arp.h"

#include "dissect.h"

FUZZ_DISSECTOR(arp_protocol)
