#include "proto/it/syslog/syslog.h"

#include "dissect.h"

FUZZ_DISSECTOR(syslog_protocol)
