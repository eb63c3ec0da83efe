#include "io/xdp_program.h"

#include "base/attr.h"
#include "io/interface.h"
#include "packet/flow_key.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* The program, by hand: there is no compiler where it runs. Frames of the kind `aside` go on into
 * the kernel, where their own socket is:
 *
 *     if (ctx->data + 14 <= ctx->data_end && its destination and EtherType are those)
 *         return XDP_PASS;
 *
 * All others come here, get 8 octets of metadata in front of them, and go to the socket of their
 * queue:
 *
 *     if (bpf_xdp_adjust_meta(ctx, -8) == 0) {
 *         u64 *stamp = ctx->data_meta;
 *         if (stamp + 1 <= ctx->data)
 *             *stamp = bpf_ktime_get_tai_ns();
 *     }
 *     return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
 */
#define INSN(op, dst, src, offset, value)                                                          \
    {                                                                                              \
        .code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset), .imm = (value)          \
    }
#define MOV_REG(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define MOV_IMM(dst, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define CALL(function) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define LOAD_W(dst, src, offset) INSN(BPF_LDX | BPF_MEM | BPF_W, dst, src, offset, 0)
#define LOAD_H(dst, src, offset) INSN(BPF_LDX | BPF_MEM | BPF_H, dst, src, offset, 0)
#define UNLESS(reg, value, skip) INSN(BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, skip, (int32_t)(value))

#define PASS_SIZE 13 /* instructions */

static void
pass_aside(const struct frame_kind *kind, struct bpf_insn *program)
{
    uint32_t high;
    uint16_t low, type = to_be16(kind->type);
    memcpy(&high, kind->destination.octets, sizeof high);
    memcpy(&low, kind->destination.octets + 4, sizeof low);
    const struct bpf_insn pass[PASS_SIZE] = {
        LOAD_W(BPF_REG_2, BPF_REG_1, offsetof(struct xdp_md, data)),
        LOAD_W(BPF_REG_3, BPF_REG_1, offsetof(struct xdp_md, data_end)),
        MOV_REG(BPF_REG_4, BPF_REG_2),
        INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_4, 0, 0, 14),
        INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_4, BPF_REG_3, 8, 0),
        LOAD_W(BPF_REG_5, BPF_REG_2, 0),
        UNLESS(BPF_REG_5, high, 6),
        LOAD_H(BPF_REG_5, BPF_REG_2, 4),
        UNLESS(BPF_REG_5, low, 4),
        LOAD_H(BPF_REG_5, BPF_REG_2, 12),
        UNLESS(BPF_REG_5, type, 2),
        MOV_IMM(BPF_REG_0, XDP_PASS),
        INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    memcpy(program, pass, sizeof pass);
}

static int
load_program(int map_fd, const struct frame_kind *aside, char *log, size_t log_size)
{
    const struct bpf_insn all_others[] = {
        MOV_REG(BPF_REG_6, BPF_REG_1),
        MOV_IMM(BPF_REG_2, -8),
        CALL(BPF_FUNC_xdp_adjust_meta),
        INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 8, 0), /* no room: without a stamp */
        CALL(BPF_FUNC_ktime_get_tai_ns),
        LOAD_W(BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, data_meta)),
        LOAD_W(BPF_REG_3, BPF_REG_6, offsetof(struct xdp_md, data)),
        MOV_REG(BPF_REG_4, BPF_REG_2),
        INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_4, 0, 0, 8),
        INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_4, BPF_REG_3, 1, 0),
        INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_2, BPF_REG_0, 0, 0),
        INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0),
        INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map_fd),
        INSN(0, 0, 0, 0, 0), /* second half of the wide load */
        LOAD_W(BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, rx_queue_index)),
        MOV_IMM(BPF_REG_3, XDP_PASS),
        CALL(BPF_FUNC_redirect_map),
        INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    struct bpf_insn program[PASS_SIZE + ARRAY_SIZE(all_others)];
    size_t n = aside ? PASS_SIZE : 0;
    if (aside)
        pass_aside(aside, program);
    memcpy(program + n, all_others, sizeof all_others);
    LIBBPF_OPTS(bpf_prog_load_opts, options, .log_buf = log, .log_size = (uint32_t)log_size,
                .log_level = 1);
    return bpf_prog_load(BPF_PROG_TYPE_XDP, "tieline_port", "Dual BSD/GPL", program,
                         n + ARRAY_SIZE(all_others), &options);
}

static enum err
attach(struct xdp_program *p, const char *interface, struct diag *diag)
{
    static const uint32_t modes[] = {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};
    for (size_t i = 0; i < ARRAY_SIZE(modes) && p->link_fd < 0; i++) {
        LIBBPF_OPTS(bpf_link_create_opts, options, .flags = modes[i]);
        p->link_fd = bpf_link_create(p->program_fd, (int)if_nametoindex(interface), BPF_XDP,
                                     &options);
        if (p->link_fd < 0 && (errno == EBUSY || errno == EEXIST))
            break;
    }
    return p->link_fd >= 0 ? ERR_OK
                           : interface_fail(interface, "attaching the XDP program", errno, diag);
}

enum err
xdp_program_attach(struct xdp_program *p, const char *interface, unsigned n_queues,
                   const struct frame_kind *aside, struct diag *diag)
{
    char log[2048] = "";
    *p = XDP_PROGRAM_NONE;
    libbpf_set_print(NULL); /* what it has to say is in its results */
    p->map_fd = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "tieline_sockets", 4, 4, n_queues, NULL);
    if (p->map_fd < 0)
        return interface_fail(interface, "XSKMAP", errno, diag);
    p->program_fd = load_program(p->map_fd, aside, log, sizeof log);
    if (p->program_fd < 0)
        return interface_fail(interface, "XDP program", errno, diag);
    return attach(p, interface, diag);
}

static void
close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void
xdp_program_detach(struct xdp_program *p)
{
    close_fd(p->link_fd);
    close_fd(p->map_fd);
    close_fd(p->program_fd);
    *p = XDP_PROGRAM_NONE;
}

enum err
xdp_program_add(const struct xdp_program *p, const char *interface, struct xsk_socket *socket,
                struct diag *diag)
{
    int result = xsk_socket__update_xskmap(socket, p->map_fd);
    return result ? interface_fail(interface, "XSKMAP", -result, diag) : ERR_OK;
}

nsec_t
xdp_program_time(const uint8_t *frame, nsec_t now, nsec_t tai_offset, bool *stamped)
{
    uint64_t stamp;
    memcpy(&stamp, frame - sizeof stamp, sizeof stamp);
    nsec_t time = (nsec_t)stamp - tai_offset;
    *stamped = time <= now && now - time <= NSEC_PER_SEC; /* else there was no room for it */
    return *stamped ? time : now;
}
