#include "proto/it/tftp/tftp.h"

#include "dissect.h"

FUZZ_DISSECTOR(tftp_protocol)
