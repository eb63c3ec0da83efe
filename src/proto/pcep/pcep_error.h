/* pcep_error.h - what a PCErr says: Error-Types, Error-values and their names; and why a session
 * is closed.
 *
 * RFC 5440 section 9.12 and what has been added to its registry since, as far as something here
 * sends it or names it. */
#ifndef PROTO_PCEP_PCEP_ERROR_H
#define PROTO_PCEP_PCEP_ERROR_H

#include <stdint.h>

struct pcep_error {
    uint8_t type, value;
};

enum pcep_error_type {
    PCEP_ERROR_SESSION = 1,    /* session establishment failure */
    PCEP_ERROR_CAPABILITY = 2, /* capability not supported */
    PCEP_ERROR_UNKNOWN_OBJECT = 3,
    PCEP_ERROR_UNSUPPORTED_OBJECT = 4,
    PCEP_ERROR_POLICY = 5,
    PCEP_ERROR_MISSING_OBJECT = 6,
    PCEP_ERROR_SYNC_REQUEST_MISSING = 7,
    PCEP_ERROR_UNKNOWN_REQUEST = 8,
    PCEP_ERROR_SECOND_SESSION = 9,
    PCEP_ERROR_INVALID_OBJECT = 10,
    PCEP_ERROR_INVALID_OPERATION = 19,
    PCEP_ERROR_STATE_SYNC = 20,
    PCEP_ERROR_PATH_SETUP_TYPE = 21,
    PCEP_ERROR_BAD_PARAMETER = 23,
    PCEP_ERROR_INSTANTIATION = 24,
    PCEP_ERROR_START_TLS = 25,
    PCEP_ERROR_ASSOCIATION = 26,
};

/* Pairs that are sent by name. */
#define PCEP_ERROR(t, v) ((struct pcep_error){(t), (v)})
/* Session establishment failure (RFC 5440 section 7.15). */
#define PCEP_ERROR_INVALID_OPEN PCEP_ERROR(1, 1)
#define PCEP_ERROR_NO_OPEN PCEP_ERROR(1, 2)
#define PCEP_ERROR_UNACCEPTABLE PCEP_ERROR(1, 3)            /* and not negotiable */
#define PCEP_ERROR_UNACCEPTABLE_NEGOTIABLE PCEP_ERROR(1, 4) /* with an OPEN that would do */
#define PCEP_ERROR_SECOND_OPEN_UNACCEPTABLE PCEP_ERROR(1, 5)
#define PCEP_ERROR_PCERR_UNACCEPTABLE PCEP_ERROR(1, 6)
#define PCEP_ERROR_NO_KEEPALIVE PCEP_ERROR(1, 7)
#define PCEP_ERROR_VERSION PCEP_ERROR(1, 8)
/* Unknown and unsupported objects (RFC 5440 section 7.2). */
#define PCEP_ERROR_UNKNOWN_CLASS PCEP_ERROR(3, 1)
#define PCEP_ERROR_UNKNOWN_TYPE PCEP_ERROR(3, 2)
#define PCEP_ERROR_UNSUPPORTED_CLASS PCEP_ERROR(4, 1)
#define PCEP_ERROR_UNSUPPORTED_TYPE PCEP_ERROR(4, 2)
#define PCEP_ERROR_UNSUPPORTED_PARAMETER PCEP_ERROR(4, 4)
/* A mandatory object is missing (RFC 5440 section 7.15, 8231, 8232, 8800). */
#define PCEP_ERROR_NO_RP PCEP_ERROR(6, 1)
#define PCEP_ERROR_NO_RRO PCEP_ERROR(6, 2) /* in a request to reoptimise */
#define PCEP_ERROR_NO_ENDPOINTS PCEP_ERROR(6, 3)
#define PCEP_ERROR_NO_LSP PCEP_ERROR(6, 8)
#define PCEP_ERROR_NO_ERO PCEP_ERROR(6, 9)
#define PCEP_ERROR_NO_SRP PCEP_ERROR(6, 10)
#define PCEP_ERROR_NO_LSP_IDENTIFIERS PCEP_ERROR(6, 11)
#define PCEP_ERROR_NO_LSP_DB_VERSION PCEP_ERROR(6, 12)
#define PCEP_ERROR_NO_DISJOINTNESS_CONFIGURATION PCEP_ERROR(6, 15)
#define PCEP_ERROR_NO_SR_POLICY_TLV PCEP_ERROR(6, 21)
/* An object is invalid (RFC 5440 section 7.2, 8664 section 8.4, 8408 section 5). */
#define PCEP_ERROR_P_FLAG PCEP_ERROR(10, 1) /* clear where it must be set */
#define PCEP_ERROR_BAD_LABEL PCEP_ERROR(10, 2)
#define PCEP_ERROR_TOO_MANY_SIDS PCEP_ERROR(10, 3)
#define PCEP_ERROR_BAD_LABEL_FORMAT PCEP_ERROR(10, 4)
#define PCEP_ERROR_MIXED_ERO PCEP_ERROR(10, 5) /* SR and other subobjects in one ERO */
#define PCEP_ERROR_NO_SID_NOR_NAI_IN_ERO PCEP_ERROR(10, 6)
#define PCEP_ERROR_NO_SID_NOR_NAI_IN_RRO PCEP_ERROR(10, 7)
#define PCEP_ERROR_NO_NAME PCEP_ERROR(10, 8) /* SYMBOLIC-PATH-NAME (RFC 8281 section 5.3.1) */
#define PCEP_ERROR_MSD_EXCEEDED PCEP_ERROR(10, 9)
#define PCEP_ERROR_MIXED_RRO PCEP_ERROR(10, 10)
#define PCEP_ERROR_MALFORMED PCEP_ERROR(10, 11)
#define PCEP_ERROR_NO_SR_CAPABILITY PCEP_ERROR(10, 12)
#define PCEP_ERROR_NAI_TYPE PCEP_ERROR(10, 13)
#define PCEP_ERROR_UNKNOWN_SID PCEP_ERROR(10, 14)
#define PCEP_ERROR_MSD_ZERO PCEP_ERROR(10, 21)
#define PCEP_ERROR_NO_SRV6_CAPABILITY PCEP_ERROR(10, 34)
/* SRv6 (RFC 9603 section 9.4). */
#define PCEP_ERROR_NO_SRV6_SID_NOR_NAI_IN_RRO PCEP_ERROR(10, 35)
#define PCEP_ERROR_MIXED_SRV6_RRO PCEP_ERROR(10, 36)
#define PCEP_ERROR_SRV6_STRUCTURE PCEP_ERROR(10, 37)
#define PCEP_ERROR_SRV6_NAI_TYPE PCEP_ERROR(10, 40)
#define PCEP_ERROR_NO_SRV6_SID_NOR_NAI_IN_ERO PCEP_ERROR(10, 41)
#define PCEP_ERROR_MIXED_SRV6_ERO PCEP_ERROR(10, 42)
/* Invalid operation (RFC 8231 section 8.5, 8281 section 8.2). */
#define PCEP_ERROR_NOT_DELEGATED PCEP_ERROR(19, 1)         /* update of it */
#define PCEP_ERROR_UPDATE_NOT_NEGOTIATED PCEP_ERROR(19, 2) /* update without the capability */
#define PCEP_ERROR_UNKNOWN_PLSP_ID PCEP_ERROR(19, 3)       /* update of it */
#define PCEP_ERROR_STATE_LIMIT PCEP_ERROR(19, 4)           /* of the PCE, for its LSPs' state */
#define PCEP_ERROR_REPORT_NOT_NEGOTIATED PCEP_ERROR(19, 5) /* report without the capability */
#define PCEP_ERROR_INITIATED_LIMIT PCEP_ERROR(19, 6)       /* of PCE-initiated LSPs */
#define PCEP_ERROR_NOT_REVOKABLE PCEP_ERROR(19, 7)         /* delegation of a PCE-initiated LSP */
#define PCEP_ERROR_NON_ZERO_PLSP_ID PCEP_ERROR(19, 8)      /* in a request to initiate */
#define PCEP_ERROR_NOT_PCE_INITIATED PCEP_ERROR(19, 9)     /* not to be removed by it */
/* LSP state synchronisation (RFC 8231 section 8.5, 8232 section 8.3). */
#define PCEP_ERROR_REPORT_NOT_PROCESSED PCEP_ERROR(20, 1)
#define PCEP_ERROR_DB_VERSION_MISMATCH PCEP_ERROR(20, 2)
#define PCEP_ERROR_DB_VERSION_MISSING PCEP_ERROR(20, 3)
#define PCEP_ERROR_UNEXPECTED_RESYNC PCEP_ERROR(20, 4)  /* without the capability */
#define PCEP_ERROR_SYNC_NOT_COMPLETED PCEP_ERROR(20, 5) /* by the PCC */
#define PCEP_ERROR_NO_DELTA PCEP_ERROR(20, 6)
#define PCEP_ERROR_INVALID_DB_VERSION PCEP_ERROR(20, 7)
/* Path setup types (RFC 8408 section 5). */
#define PCEP_ERROR_UNSUPPORTED_SETUP_TYPE PCEP_ERROR(21, 1)
#define PCEP_ERROR_MISMATCHED_SETUP_TYPE PCEP_ERROR(21, 2)
/* Bad parameters, instantiation (RFC 8281 section 8.3, 8.4). */
#define PCEP_ERROR_NAME_IN_USE PCEP_ERROR(23, 1)
#define PCEP_ERROR_SPEAKER_ID_UNEXPECTED PCEP_ERROR(23, 2) /* the LSP is not PCE-initiated */
#define PCEP_ERROR_UNACCEPTABLE_PARAMETERS PCEP_ERROR(24, 1)
#define PCEP_ERROR_INSTANTIATION_INTERNAL PCEP_ERROR(24, 2)
#define PCEP_ERROR_INSTANTIATION_SIGNALLING PCEP_ERROR(24, 3)
/* StartTLS (RFC 8253 section 3.2). */
#define PCEP_ERROR_TLS_LATE PCEP_ERROR(25, 1)
#define PCEP_ERROR_TLS_UNEXPECTED PCEP_ERROR(25, 2)
#define PCEP_ERROR_TLS_ONLY PCEP_ERROR(25, 3)
#define PCEP_ERROR_TLS_NOT_HERE PCEP_ERROR(25, 4)
#define PCEP_ERROR_TLS_TIMEOUT PCEP_ERROR(25, 5)
/* Associations (RFC 8697 section 7.4). */
#define PCEP_ERROR_ASSOCIATION_TYPE PCEP_ERROR(26, 1)
#define PCEP_ERROR_ASSOCIATION_FULL PCEP_ERROR(26, 2)
#define PCEP_ERROR_ASSOCIATION_LIMIT PCEP_ERROR(26, 3)
#define PCEP_ERROR_ASSOCIATION_UNKNOWN PCEP_ERROR(26, 4)
#define PCEP_ERROR_ASSOCIATION_MISMATCH PCEP_ERROR(26, 6)
#define PCEP_ERROR_ASSOCIATION_REFUSED PCEP_ERROR(26, 7)
#define PCEP_ERROR_ASSOCIATION_ID_RANGE PCEP_ERROR(26, 8)

/* "Mandatory object missing"; static, never NULL. */
const char *pcep_error_type_name(unsigned type);
/* "ERO object missing"; static. NULL: no such value of that type. */
const char *pcep_error_value_name(const struct pcep_error *);

enum pcep_close_reason { /* RFC 5440 section 7.17 */
                         PCEP_CLOSE_NO_EXPLANATION = 1,
                         PCEP_CLOSE_DEADTIMER = 2,
                         PCEP_CLOSE_MALFORMED = 3,
                         PCEP_CLOSE_UNKNOWN_REQUESTS = 4,
                         PCEP_CLOSE_UNRECOGNIZED_MESSAGES = 5,
};

/* "DeadTimer expired"; static, never NULL. */
const char *pcep_close_reason_name(unsigned reason);

#endif
