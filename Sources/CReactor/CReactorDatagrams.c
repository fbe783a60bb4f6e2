#define _GNU_SOURCE
#include "CReactorDatagrams.h"

#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>

static int outcome(long result) { return result < 0 ? -errno : (int)result; }

static int closing(int fd) {
    int error = -errno;
    close(fd);
    return error;
}

// Room for either family, and no more than that.
union name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t encode(const struct fairlead_peer *peer, union name *name) {
    memset(name, 0, sizeof *name);
    if ((uint16_t)peer->head == AF_INET) {
        name->v4.sin_family = AF_INET;
        name->v4.sin_port = htons((uint16_t)(peer->head >> 16));
        memcpy(&name->v4.sin_addr, &peer->first, 4);
        return sizeof name->v4;
    }
    name->v6.sin6_family = AF_INET6;
    name->v6.sin6_port = htons((uint16_t)(peer->head >> 16));
    name->v6.sin6_scope_id = (uint32_t)(peer->head >> 32);
    memcpy(&name->v6.sin6_addr, &peer->first, 8);
    memcpy((char *)&name->v6.sin6_addr + 8, &peer->second, 8);
    return sizeof name->v6;
}

static void decode(const union name *name, struct fairlead_peer *peer) {
    peer->first = 0;
    peer->second = 0;
    if (name->any.sa_family == AF_INET) {
        peer->head = AF_INET | (uint64_t)ntohs(name->v4.sin_port) << 16;
        memcpy(&peer->first, &name->v4.sin_addr, 4);
        return;
    }
    peer->head = AF_INET6 | (uint64_t)ntohs(name->v6.sin6_port) << 16 | (uint64_t)name->v6.sin6_scope_id << 32;
    memcpy(&peer->first, &name->v6.sin6_addr, 8);
    memcpy(&peer->second, (const char *)&name->v6.sin6_addr + 8, 8);
}

void fairlead_peer_encode(const struct fairlead_address *address, struct fairlead_peer *peer) {
    memset(peer, 0, sizeof *peer);
    int is_ipv4 = address->family == 4;
    peer->head = (is_ipv4 ? AF_INET : AF_INET6) | (uint64_t)address->port << 16 | (uint64_t)address->scope << 32;
    memcpy(&peer->first, address->bytes, is_ipv4 ? 4 : 8);
    if (!is_ipv4) memcpy(&peer->second, address->bytes + 8, 8);
}

void fairlead_peer_decode(const struct fairlead_peer *peer, struct fairlead_address *address) {
    memset(address, 0, sizeof *address);
    address->family = (uint16_t)peer->head == AF_INET ? 4 : 6;
    address->port = (uint16_t)(peer->head >> 16);
    address->scope = (uint32_t)(peer->head >> 32);
    memcpy(address->bytes, &peer->first, address->family == 4 ? 4 : 8);
    if (address->family == 6) memcpy(address->bytes + 8, &peer->second, 8);
}

// MARK: sockets

static int datagram_socket(const struct fairlead_address *address) {
    int family = address->family == 4 ? AF_INET : AF_INET6;
    return socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static socklen_t encode_address(const struct fairlead_address *address, union name *name) {
    struct fairlead_peer peer;
    fairlead_peer_encode(address, &peer);
    return encode(&peer, name);
}

int fairlead_datagram_bind(const struct fairlead_address *local, int shared, int buffer) {
    int fd = datagram_socket(local);
    if (fd < 0) return -errno;
    union name name;
    socklen_t length = encode_address(local, &name);
    int one = 1;
    // Not SO_REUSEADDR, by which any user could take datagrams away.
    if (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0) return closing(fd);
    if (local->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0) return closing(fd);
    // An IPv6 address that is this host's by a local route alone can be bound to only so.
    if (setsockopt(fd, SOL_IP, IP_FREEBIND, &one, sizeof one) < 0) return closing(fd);
    // The first needs CAP_NET_ADMIN; the second gives what net.core.rmem_max allows.
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (bind(fd, &name.any, length) < 0) return closing(fd);
    return fd;
}

int fairlead_datagram_connect(const struct fairlead_address *remote, uint16_t port) {
    int fd = datagram_socket(remote);
    if (fd < 0) return -errno;
    union name name;
    if (port != 0) {
        int one = 1;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0) return closing(fd);
        if (remote->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0) return closing(fd);
        struct fairlead_address local = {.family = remote->family, .port = port};
        socklen_t length = encode_address(&local, &name);
        if (bind(fd, &name.any, length) < 0) return closing(fd);
    }
    socklen_t length = encode_address(remote, &name);
    if (connect(fd, &name.any, length) < 0) return closing(fd);
    return fd;
}

// MARK: batches

enum { slot_size = 65536, most_slots = 64 };

struct fairlead_batch {
    size_t size;
    int capacity;
    int names;
    unsigned char *bytes;
    struct mmsghdr messages[most_slots];
    // Those that are sent, where they are not beside each other.
    struct mmsghdr gathered[most_slots];
    struct iovec parts[most_slots];
    union name peers[most_slots];
};

static void prepare(struct fairlead_batch *batch, int slot) {
    batch->parts[slot].iov_len = slot_size;
    struct msghdr *header = &batch->messages[slot].msg_hdr;
    header->msg_name = batch->names ? &batch->peers[slot] : NULL;
    header->msg_namelen = batch->names ? sizeof batch->peers[slot] : 0;
}

struct fairlead_batch *fairlead_batch_make(int capacity, int names) {
    if (capacity < 1 || capacity > most_slots) return NULL;
    size_t head = (sizeof(struct fairlead_batch) + 4095) & ~(size_t)4095;
    size_t size = head + (size_t)capacity * slot_size;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    // Datagrams are mostly small: of a slot it is the first page that is used.
    madvise(memory, size, MADV_NOHUGEPAGE);
    struct fairlead_batch *batch = (struct fairlead_batch *)memory;
    batch->size = size;
    batch->capacity = capacity;
    batch->names = names;
    batch->bytes = (unsigned char *)memory + head;
    for (int slot = 0; slot < capacity; slot++) {
        batch->parts[slot].iov_base = fairlead_batch_bytes(batch, slot);
        batch->messages[slot].msg_hdr.msg_iov = &batch->parts[slot];
        batch->messages[slot].msg_hdr.msg_iovlen = 1;
        prepare(batch, slot);
    }
    return batch;
}

void fairlead_batch_free(struct fairlead_batch *batch) { munmap(batch, batch->size); }

unsigned char *fairlead_batch_bytes(const struct fairlead_batch *batch, int slot) {
    return batch->bytes + (size_t)slot * slot_size;
}

int fairlead_batch_receive(struct fairlead_batch *batch, int fd, int first) {
    long count;
    do {
        count = syscall(SYS_recvmmsg, fd, batch->messages + first, batch->capacity - first, MSG_DONTWAIT, NULL);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    for (int slot = first; slot < first + count; slot++) batch->parts[slot].iov_len = batch->messages[slot].msg_len;
    return (int)count;
}

void fairlead_batch_fill(struct fairlead_batch *batch, int slot, const void *bytes, size_t count) {
    if (count > 0) memcpy(fairlead_batch_bytes(batch, slot), bytes, count);
    batch->parts[slot].iov_len = count;
}

uint32_t fairlead_batch_length(const struct fairlead_batch *batch, int slot) {
    return (uint32_t)batch->parts[slot].iov_len;
}

void fairlead_batch_peer(const struct fairlead_batch *batch, int slot, struct fairlead_peer *peer) {
    decode(&batch->peers[slot], peer);
}

void fairlead_batch_address(struct fairlead_batch *batch, int slot, const struct fairlead_peer *peer) {
    struct msghdr *header = &batch->messages[slot].msg_hdr;
    header->msg_namelen = encode(peer, &batch->peers[slot]);
    header->msg_name = &batch->peers[slot];
}

static int send_one(struct fairlead_batch *batch, int fd, int slot, int names) {
    const struct msghdr *header = &batch->messages[slot].msg_hdr;
    const struct iovec *part = &batch->parts[slot];
    long sent;
    do {
        sent = syscall(SYS_sendto, fd, part->iov_base, part->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL,
                       names ? header->msg_name : NULL, names ? header->msg_namelen : 0);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 1;
}

int fairlead_batch_send(struct fairlead_batch *batch, int fd, uint64_t slots, int names) {
    int first = __builtin_ctzll(slots);
    int count = __builtin_popcountll(slots);
    if (count == 1) return send_one(batch, fd, first, names);
    uint64_t together = slots >> first;
    struct mmsghdr *messages = batch->messages + first;
    if ((together & (together + 1)) != 0) {
        messages = batch->gathered;
        int place = 0;
        for (uint64_t rest = slots; rest != 0; rest &= rest - 1)
            messages[place++] = batch->messages[__builtin_ctzll(rest)];
    }
    if (!names)
        for (int place = 0; place < count; place++) {
            messages[place].msg_hdr.msg_name = NULL;
            messages[place].msg_hdr.msg_namelen = 0;
        }
    long sent;
    do {
        sent = syscall(SYS_sendmmsg, fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return outcome(sent);
}

void fairlead_batch_clear(struct fairlead_batch *batch, int count) {
    for (int slot = 0; slot < count; slot++) prepare(batch, slot);
}

// MARK: filters and errors

_Static_assert(sizeof(struct fairlead_filter_instruction) == sizeof(struct sock_filter), "struct sock_filter");

int fairlead_attach_filter(int fd, const struct fairlead_filter_instruction *program, int count) {
    struct sock_fprog filter = {(unsigned short)count, (struct sock_filter *)program};
    return outcome(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
}

int fairlead_icmp_socket(int family) {
    int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    if (fd < 0) return -errno;
    // Every ICMP packet of the host would come here, and be kept for us.
    struct fairlead_filter_instruction none = {BPF_RET | BPF_K, 0, 0, 0};
    if (fairlead_attach_filter(fd, &none, 1) < 0) return closing(fd);
    return fd;
}

int fairlead_icmp_send(int fd, const void *bytes, size_t count, const struct fairlead_peer *from,
                       const struct fairlead_peer *to) {
    union name source, target;
    encode(from, &source);
    struct fairlead_peer host = *to;
    // The port of a raw socket's address is the protocol, or has to be 0.
    host.head &= ~((uint64_t)0xffff << 16);
    int is_ipv4 = (uint16_t)to->head == AF_INET;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {(void *)bytes, count};
    struct msghdr message = {0};
    message.msg_namelen = encode(&host, &target);
    message.msg_name = &target;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    if (is_ipv4) {
        struct in_pktinfo info = {0};
        info.ipi_spec_dst = source.v4.sin_addr;
        message.msg_controllen = CMSG_SPACE(sizeof info);
        control.header.cmsg_level = IPPROTO_IP;
        control.header.cmsg_type = IP_PKTINFO;
        control.header.cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(&control.header), &info, sizeof info);
    } else {
        struct in6_pktinfo info = {0};
        info.ipi6_addr = source.v6.sin6_addr;
        message.msg_controllen = CMSG_SPACE(sizeof info);
        control.header.cmsg_level = IPPROTO_IPV6;
        control.header.cmsg_type = IPV6_PKTINFO;
        control.header.cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(&control.header), &info, sizeof info);
    }
    return outcome(sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}
