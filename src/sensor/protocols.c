#include "sensor/protocols.h"

#include "proto/arp/arp.h"
#include "proto/it/cdp/cdp.h"
#include "proto/it/dhcp/dhcp.h"
#include "proto/it/dns/dns.h"
#include "proto/it/ftp/ftp.h"
#include "proto/it/http/http.h"
#include "proto/it/ntp/ntp.h"
#include "proto/it/rdp/rdp.h"
#include "proto/it/smb/smb.h"
#include "proto/it/snmp/snmp.h"
#include "proto/it/ssh/ssh.h"
#include "proto/it/syslog/syslog.h"
#include "proto/it/telnet/telnet.h"
#include "proto/it/tftp/tftp.h"
#include "proto/it/tls/tls.h"
#include "proto/lldp/lldp_protocol.h"
#include "proto/ot/bacnet/bacnet.h"
#include "proto/ot/c1222/c1222.h"
#include "proto/ot/c37118/c37118.h"
#include "proto/ot/codesys/codesys.h"
#include "proto/ot/dnp3/dnp3.h"
#include "proto/ot/enip/enip.h"
#include "proto/ot/fins/fins.h"
#include "proto/ot/goose/goose_protocol.h"
#include "proto/ot/hartip/hartip.h"
#include "proto/ot/iec104/iec104.h"
#include "proto/ot/mms/mms.h"
#include "proto/ot/modbus/modbus.h"
#include "proto/ot/opcua/opcua.h"
#include "proto/ot/profinet/profinet.h"
#include "proto/ot/s7comm/s7comm.h"
#include "proto/ot/sel/sel.h"
#include "proto/ot/sv/sv_protocol.h"
#include "proto/ot/tristation/tristation.h"
#include "proto/ptp/ptp_protocol.h"

const struct protocol *const protocols_all[] = {
    &arp_protocol,
    &bacnet,
    &c1222,
    &c37118,
    &cdp_protocol,
    &codesys,
    &dhcp_protocol,
    &dnp3,
    &dns,
    &enip,
    &fins,
    &ftp_protocol,
    &goose_protocol,
    &hartip,
    &http,
    &iec104,
    &lldp_protocol,
    &mms,
    &modbus,
    &ntp_protocol,
    &opcua,
    &profinet_protocol,
    &ptp_protocol,
    &rdp,
    &s7comm,
    &sel,
    &smb,
    &snmp_protocol,
    &ssh,
    &sv_protocol,
    &syslog_protocol,
    &telnet_protocol,
    &tftp_protocol,
    &tls,
    &tristation,
    NULL,
};
