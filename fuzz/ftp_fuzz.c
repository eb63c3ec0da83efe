#include "proto/it/ftp/ftp.h"

#include "dissect.h"

FUZZ_DISSECTOR(ftp_protocol)
