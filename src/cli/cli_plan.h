/* cli_plan.h - a plan's summary and proof, as who has to approve it reads them. Pure. */
#ifndef CLI_CLI_PLAN_H
#define CLI_CLI_PLAN_H

#include "cli/cli_text.h"

/* Of work orders and of what-if: {"summary", "proof", "changes", "n-changes"}; each only if it is
 * there. An order without a summary of its own has {"shown"}: what its approvers are shown, which
 * may have the paths of tunnels, or the routers' configuration of VPNs. */
void plan_text(struct buf *, const json_t *plan, bool changes);
/* A VPN of such a summary, or of a dry run. */
void plan_vpn_text(struct buf *, const json_t *vpn);
/* Of an optimisation of the WAN: how full its links are now and then, and each move. */
void plan_put_moves(struct buf *, const json_t *summary);

#endif
