#include "proto/it/telnet/telnet.h"

#include "dissect.h"

FUZZ_DISSECTOR(telnet_protocol)
