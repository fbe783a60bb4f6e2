// The system calls of UDP: batches, filters, and errors that are told to senders. As in CReactor.h each gives what the call
// gives, or -errno.
#ifndef FAIRLEAD_CREACTOR_DATAGRAMS_H
#define FAIRLEAD_CREACTOR_DATAGRAMS_H

#include "CReactor.h"

// Who sent a datagram, in as few words as a table's key: family (AF_INET, AF_INET6), port << 16, scope << 32; then the bytes of
// the address in network order, an IPv4 one in the first four.
struct fairlead_peer {
    uint64_t head;
    uint64_t first;
    uint64_t second;
};

void fairlead_peer_encode(const struct fairlead_address *address, struct fairlead_peer *peer);
void fairlead_peer_decode(const struct fairlead_peer *peer, struct fairlead_address *address);

// A bound socket: non-blocking, close-on-exec, SO_REUSEPORT if `shared`, IPv6 alone on IPv6 addresses; with room for `buffer`
// bytes that have come and are not read, as far as the system lets us.
int fairlead_datagram_bind(const struct fairlead_address *local, int shared, int buffer);
// A socket that hears `remote` and nobody else, and of its ICMP errors. From `port`, which others of the same user may have as
// well; or from one that the kernel chooses.
int fairlead_datagram_connect(const struct fairlead_address *remote, uint16_t port);

// Memory for datagrams, and all that recvmmsg(2) and sendmmsg(2) want to know of them. At most 64 of at most 65,536 bytes; what
// is never used of it is never there. A slot is ready to receive, until it has; then it can be sent; then it has to be cleared.
struct fairlead_batch;

// NULL without memory. `names`: whether it keeps from whom datagrams came.
struct fairlead_batch *fairlead_batch_make(int capacity, int names);
void fairlead_batch_free(struct fairlead_batch *batch);
// Into the slots from `first` on: how many came.
int fairlead_batch_receive(struct fairlead_batch *batch, int fd, int first);
// A datagram of `count` bytes, at most 65,536, is in a slot that was ready to receive.
void fairlead_batch_fill(struct fairlead_batch *batch, int slot, const void *bytes, size_t count);
uint32_t fairlead_batch_length(const struct fairlead_batch *batch, int slot);
// The bytes of a slot: 65,536 of them.
unsigned char *fairlead_batch_bytes(const struct fairlead_batch *batch, int slot);
void fairlead_batch_peer(const struct fairlead_batch *batch, int slot, struct fairlead_peer *peer);
void fairlead_batch_address(struct fairlead_batch *batch, int slot, const struct fairlead_peer *peer);
// Those of the slots whose bit is set, which is at least one, in order: how many went. Without `names`, to whom the socket is
// connected.
int fairlead_batch_send(struct fairlead_batch *batch, int fd, uint64_t slots, int names);
// The first `count` slots are ready to receive again.
void fairlead_batch_clear(struct fairlead_batch *batch, int count);

// struct sock_filter
struct fairlead_filter_instruction {
    uint16_t code;
    uint8_t jump_true;
    uint8_t jump_false;
    uint32_t operand;
};

int fairlead_attach_filter(int fd, const struct fairlead_filter_instruction *program, int count);

// A socket that sends ICMP (family 4) or ICMPv6 (6) and receives none. Needs CAP_NET_RAW.
int fairlead_icmp_socket(int family);
// From one address of this host. The kernel puts the checksum into ICMPv6, and into ICMP nobody.
int fairlead_icmp_send(int fd, const void *bytes, size_t count, const struct fairlead_peer *from,
                       const struct fairlead_peer *to);

#endif
