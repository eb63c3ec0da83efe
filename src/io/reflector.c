#include "io/reflector.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "io/bpf_error.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of our filters, by which we find them again. The priority comes before that of the isolation. */
#define HANDLE 0x7468u
#define PRIORITY 1u
#define FRAME_SIZE 60

static const enum bpf_tc_attach_point points[] = {BPF_TC_INGRESS, BPF_TC_EGRESS};

struct reflector {
    unsigned ifindex;
    bool made_hook;       /* the qdisc is ours */
    uint32_t programs[2]; /* ids of the filters' programs, by the order of points[] */
    int map_fd;
    _Atomic uint64_t *touched; /* the map's only value: monotonic nanoseconds */
};

/* ---- The programs, by hand: there is no compiler where they run ---- */

#define INSN(op, dst, src, offset, value)                                                          \
    {                                                                                              \
        .code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset), .imm = (int32_t)(value) \
    }
#define MOV_REG(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define MOV_IMM(dst, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define ADD_IMM(dst, value) INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, value)
#define CALL(function) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define LOAD(size, dst, src, offset) INSN(BPF_LDX | BPF_MEM | (size), dst, src, offset, 0)
#define STORE(size, dst, offset, value) INSN(BPF_ST | BPF_MEM | (size), dst, 0, offset, value)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
/* Jumps to the instruction `to` of a program in which this one is `from`. */
#define UNLESS(reg, value, from, to)                                                               \
    INSN(BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, (to) - (from)-1, value)

static int
load(const struct bpf_insn *program, size_t n)
{
    return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tieline_reflect", "Dual BSD/GPL", program, n,
                         NULL);
}

/* The first of both: r6 is the context, r7 the frame, of that kind; otherwise it goes to NO, where
 * the next filter is asked. */
#define CHECK_KIND(high, type, NO)                                                                 \
    MOV_REG(BPF_REG_6, BPF_REG_1),                                                                 \
        LOAD(BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct __sk_buff, vlan_present)),               \
        UNLESS(BPF_REG_2, 0, 2, NO),                                                               \
        LOAD(BPF_W, BPF_REG_7, BPF_REG_6, offsetof(struct __sk_buff, data)),                       \
        LOAD(BPF_W, BPF_REG_3, BPF_REG_6, offsetof(struct __sk_buff, data_end)),                   \
        MOV_REG(BPF_REG_2, BPF_REG_7), ADD_IMM(BPF_REG_2, FRAME_SIZE),                             \
        INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_2, BPF_REG_3, (NO)-7 - 1, 0),                      \
        LOAD(BPF_W, BPF_REG_2, BPF_REG_7, 0), UNLESS(BPF_REG_2, high, 9, NO),                      \
        LOAD(BPF_W, BPF_REG_2, BPF_REG_7, 12), /* EtherType, and half of the identifier */         \
        UNLESS(BPF_REG_2, type, 11, NO), LOAD(BPF_H, BPF_REG_2, BPF_REG_7, 4)

static uint32_t
word(const uint8_t *octets)
{
    uint32_t value;
    memcpy(&value, octets, sizeof value);
    return value;
}

static uint16_t
half(const uint8_t *octets)
{
    uint16_t value;
    memcpy(&value, octets, sizeof value);
    return value;
}

static int
load_ingress(const struct reflector_config *c, int map_fd, unsigned ifindex,
             const struct mac *source)
{
    enum { ENOUGH = 36, NO = 38 };
    uint8_t head[FRAME_SIZE];
    memcpy(head, c->kind.destination.octets, 6);
    memcpy(head + 6, source->octets, 6);
    put_be16(head + 12, c->kind.type);
    put_be32(head + 14, c->identifier);
    const struct bpf_insn program[] = {
        CHECK_KIND(word(head), word(head + 12), NO),
        UNLESS(BPF_REG_2, half(head + 4), 13, NO),
        LOAD(BPF_H, BPF_REG_2, BPF_REG_7, 16),
        UNLESS(BPF_REG_2, half(head + 16), 15, NO),
        LOAD(BPF_B, BPF_REG_2, BPF_REG_7, c->at),
        UNLESS(BPF_REG_2, c->request, 17, ENOUGH),
        /* Is anybody there? */
        STORE(BPF_W, BPF_REG_10, -4, 0),
        MOV_REG(BPF_REG_2, BPF_REG_10),
        ADD_IMM(BPF_REG_2, -4),
        INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map_fd),
        INSN(0, 0, 0, 0, 0),
        CALL(BPF_FUNC_map_lookup_elem),
        INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, ENOUGH - 24 - 1, 0),
        LOAD(BPF_DW, BPF_REG_8, BPF_REG_0, 0),
        ADD_IMM(BPF_REG_8, c->patience),
        CALL(BPF_FUNC_ktime_get_ns),
        INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_0, BPF_REG_8, ENOUGH - 28 - 1, 0),
        /* It leaves as it came, but for two fields. */
        STORE(BPF_B, BPF_REG_7, c->at, c->reply),
        STORE(BPF_H, BPF_REG_7, 6, (int16_t)half(head + 6)),
        STORE(BPF_W, BPF_REG_7, 8, word(head + 8)),
        MOV_IMM(BPF_REG_1, ifindex),
        MOV_IMM(BPF_REG_2, 0),
        CALL(BPF_FUNC_redirect),
        EXIT,
        MOV_IMM(BPF_REG_0, TC_ACT_SHOT), /* ENOUGH */
        EXIT,
        MOV_IMM(BPF_REG_0, TC_ACT_UNSPEC), /* NO */
        EXIT,
    };
    _Static_assert(ARRAY_SIZE(program) == NO + 2, "the jumps arrive");
    return load(program, ARRAY_SIZE(program));
}

static int
load_egress(const struct reflector_config *c)
{
    enum { NO = 16 };
    uint8_t head[FRAME_SIZE];
    memcpy(head, c->kind.destination.octets, 6);
    put_be16(head + 12, c->kind.type);
    put_be32(head + 14, c->identifier);
    const struct bpf_insn program[] = {
        CHECK_KIND(word(head), word(head + 12), NO),
        UNLESS(BPF_REG_2, half(head + 4), 13, NO),
        MOV_IMM(BPF_REG_0, TC_ACT_OK),
        EXIT,
        MOV_IMM(BPF_REG_0, TC_ACT_UNSPEC), /* NO */
        EXIT,
    };
    _Static_assert(ARRAY_SIZE(program) == NO + 2, "the jumps arrive");
    return load(program, ARRAY_SIZE(program));
}

/* ---- Life ---- */

static int
attach(unsigned ifindex, enum bpf_tc_attach_point point, int program, uint32_t *id)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .flags = BPF_TC_F_REPLACE,
                .handle = HANDLE, .priority = PRIORITY);
    int error = program < 0 ? -errno : bpf_tc_attach(&hook, &options);
    *id = error ? 0 : options.prog_id;
    return error;
}

static enum err
open_map(struct reflector *r, const char *name, struct diag *diag)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
    r->map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "tieline_touched", 4, 8, 1, &options);
    if (r->map_fd < 0)
        return bpf_error(diag, name, "BPF map", errno);
    void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
                      r->map_fd, 0);
    if (page == MAP_FAILED)
        return bpf_error(diag, name, "BPF map", errno);
    r->touched = page;
    return ERR_OK;
}

static enum err
hardware_address(const char *name, struct mac *mac, struct diag *diag)
{
    struct ifreq ifr = {.ifr_ifindex = 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(ifr.ifr_name, name, strnlen(name, sizeof ifr.ifr_name - 1));
    int result = fd < 0 ? -1 : ioctl(fd, SIOCGIFHWADDR, &ifr);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (result)
        return bpf_error(diag, name, "hardware address", error);
    memcpy(mac->octets, ifr.ifr_hwaddr.sa_data, sizeof mac->octets);
    return ERR_OK;
}

static enum err
attach_both(struct reflector *r, const char *name, const struct reflector_config *config,
            const struct mac *mac, struct diag *diag)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)r->ifindex,
                .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
    int error = bpf_tc_hook_create(&hook);
    r->made_hook = !error;
    const int programs[] = {load_ingress(config, r->map_fd, r->ifindex, mac), load_egress(config)};
    if (error == -EEXIST)
        error = 0;
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        if (!error)
            error = attach(r->ifindex, points[i], programs[i], &r->programs[i]);
        if (programs[i] >= 0)
            close(programs[i]); /* the filter keeps it */
    }
    return error ? bpf_error(diag, name, "traffic control filter", -error) : ERR_OK;
}

enum err
reflector_open(const char *interface, const struct reflector_config *config,
               struct reflector **result, struct diag *diag)
{
    struct mac mac;
    unsigned ifindex = if_nametoindex(interface);
    if (!ifindex)
        return diag_set(diag, ERR_NOT_FOUND, "there is no interface \"%s\"", interface);
    enum err err = hardware_address(interface, &mac, diag);
    if (err)
        return err;
    libbpf_set_print(NULL); /* what it has to say is in its results */
    struct reflector *r = xcalloc(1, sizeof *r);
    *r = (struct reflector){.ifindex = ifindex, .map_fd = -1};
    err = open_map(r, interface, diag);
    if (!err)
        err = attach_both(r, interface, config, &mac, diag);
    if (err) {
        reflector_close(r);
        return err;
    }
    *result = r;
    return ERR_OK;
}

/* A process that has taken over from this one has put its own filters in the place of ours: those
 * stay. */
static bool
is_ours(const struct reflector *r, size_t i)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)r->ifindex, .attach_point = points[i]);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = HANDLE, .priority = PRIORITY);
    return r->programs[i] && !bpf_tc_query(&hook, &options) && options.prog_id == r->programs[i];
}

void
reflector_close(struct reflector *r)
{
    bool replaced = false;
    if (!r)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
        LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)r->ifindex, .attach_point = points[i]);
        LIBBPF_OPTS(bpf_tc_opts, options, .handle = HANDLE, .priority = PRIORITY);
        if (is_ours(r, i))
            (void)bpf_tc_detach(&hook, &options);
        else
            replaced |= r->programs[i] != 0;
    }
    LIBBPF_OPTS(bpf_tc_hook, both, .ifindex = (int)r->ifindex,
                .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
    if (r->made_hook && !replaced)
        (void)bpf_tc_hook_destroy(&both);
    if (r->touched)
        munmap(r->touched, (size_t)sysconf(_SC_PAGESIZE));
    if (r->map_fd >= 0)
        close(r->map_fd);
    free(r);
}

void
reflector_touch(struct reflector *r, nsec_t now)
{
    if (r)
        atomic_store_explicit(r->touched, (uint64_t)now, memory_order_relaxed);
}
