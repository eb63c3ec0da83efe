"""An application of os-ken's: lets ports 1 and 2 talk to each other. What arrives there goes to the
controller first, which sends it out of the other port and adds the flow for what follows; the flow
counts only when the barrier behind it is answered."""
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser


def add_flow(dp, priority, in_port, action):
    apply = parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, [action])
    match = parser.OFPMatch(in_port=in_port) if in_port else parser.OFPMatch()
    dp.send_msg(parser.OFPFlowMod(dp, priority=priority, match=match, instructions=[apply]))


class TwoPorts(app_manager.OSKenApp):
    OFP_VERSIONS = [ofp.OFP_VERSION]

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def on_features(self, event):
        dp = event.msg.datapath
        add_flow(dp, 0, None, parser.OFPActionOutput(ofp.OFPP_CONTROLLER, ofp.OFPCML_NO_BUFFER))
        dp.send_msg(parser.OFPBarrierRequest(dp))
        print(f"adopted {dp.id:x}", flush=True)

    @set_ev_cls(ofp_event.EventOFPBarrierReply, MAIN_DISPATCHER)
    def on_barrier(self, _event):
        print("barrier", flush=True)

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def on_packet_in(self, event):
        dp, in_port = event.msg.datapath, event.msg.match["in_port"]
        if in_port not in (1, 2):
            return
        out = parser.OFPActionOutput(3 - in_port)
        add_flow(dp, 1, in_port, out)
        dp.send_msg(parser.OFPBarrierRequest(dp))
        dp.send_msg(parser.OFPPacketOut(dp, buffer_id=ofp.OFP_NO_BUFFER, in_port=in_port,
                                        actions=[out], data=event.msg.data))
