// The system calls of the request path. Each gives what the call gives, or -errno: so nothing between the call
// and the reading of errno can change it, and EINTR is never seen. No memory of a caller is kept.
#ifndef FAIRLEAD_CREACTOR_H
#define FAIRLEAD_CREACTOR_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// glibc's recv(3) and its like are points of cancellation: in a process with threads each call switches that on
// and off. Threads are never cancelled here, so the kernel is asked directly.

#define FAIRLEAD_RETRY(call)                                  \
    long result;                                              \
    do { result = (long)(call); } while (result < 0 && errno == EINTR); \
    return result < 0 ? -(long)errno : result

static inline long fairlead_receive(int fd, void *bytes, size_t count) {
    FAIRLEAD_RETRY(syscall(SYS_recvfrom, fd, bytes, count, 0, NULL, NULL));
}

// Looks at what is there and leaves it there.
static inline long fairlead_peek(int fd, void *bytes, size_t count) {
    FAIRLEAD_RETRY(syscall(SYS_recvfrom, fd, bytes, count, MSG_PEEK | MSG_DONTWAIT, NULL, NULL));
}

static inline long fairlead_send(int fd, const void *bytes, size_t count) {
    FAIRLEAD_RETRY(syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL, NULL, 0));
}

// The first bytes, then the second, in one call.
static inline long fairlead_send_two(int fd, const void *first, size_t first_count, const void *second,
                                     size_t second_count) {
    struct iovec parts[2] = {{(void *)first, first_count}, {(void *)second, second_count}};
    struct msghdr message = {0};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    FAIRLEAD_RETRY(syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL));
}

// From a socket to a pipe or back, by reference where the kernel can: splice(2) with SPLICE_F_MOVE and SPLICE_F_NONBLOCK.
static inline long fairlead_splice(int from, int to, size_t count) {
    FAIRLEAD_RETRY(syscall(SYS_splice, from, NULL, to, NULL, count, 1 | 2));
}

static inline int fairlead_epoll_wait(int epoll, struct epoll_event *events, int count, int milliseconds) {
    int result = (int)syscall(SYS_epoll_pwait, epoll, events, count, milliseconds, NULL, 0);
    if (result >= 0) return result;
    return errno == EINTR ? 0 : -errno;
}

static inline uint64_t fairlead_event_token(const struct epoll_event *events, int index) {
    return events[index].data.u64;
}

static inline uint32_t fairlead_event_flags(const struct epoll_event *events, int index) {
    return events[index].events;
}

// Milliseconds of CLOCK_MONOTONIC.
static inline uint64_t fairlead_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline uint64_t fairlead_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// An address of a socket: family 4 or 6, bytes in network order.
struct fairlead_address {
    uint8_t bytes[16];
    uint16_t port;
    uint8_t family;
    uint32_t scope;
};

int fairlead_epoll_create(void);
int fairlead_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int fairlead_epoll_change(int epoll, int fd, uint32_t events, uint64_t token);
int fairlead_epoll_remove(int epoll, int fd);

// A listening socket: non-blocking, close-on-exec, SO_REUSEPORT if `shared`, at any
// address if `free`, IPv6 alone on IPv6 addresses.
int fairlead_listen(const struct fairlead_address *local, int backlog, int shared, int free);
// The next connection: non-blocking, close-on-exec, TCP_NODELAY from its listener.
int fairlead_accept(int fd, struct fairlead_address *peer);
// The number that the next descriptor will have: the lowest that is free. `fd` is any that is open.
int fairlead_next_descriptor(int fd);
// A connection that has begun: non-blocking, close-on-exec, TCP_NODELAY. It may be still on its way.
int fairlead_connect(const struct fairlead_address *remote);
int fairlead_local_address(int fd, struct fairlead_address *local);
// SO_ERROR: the outcome of a connection attempt; 0 or an errno.
int fairlead_socket_error(int fd);
// The next close sends a reset.
int fairlead_reset_on_close(int fd);
int fairlead_shutdown_write(int fd);
// Connections to a listening socket are refused from now on.
int fairlead_stop_listening(int fd);
int fairlead_close(int fd);
// A pipe, non-blocking and close-on-exec; of `size` bytes, or fewer where the user has too many (fs.pipe-user-pages-soft).
int fairlead_pipe(int *read_end, int *write_end, int size);
// Keeps the calling thread on one processor.
int fairlead_pin_thread(int processor);
// Processors that this process may use; at most `capacity` of them go into `processors`.
int fairlead_usable_processors(int *processors, int capacity);

#include "CReactorDatagrams.h"

#endif
