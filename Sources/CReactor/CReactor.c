#define _GNU_SOURCE
#include "CReactor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

static int outcome(int result) { return result < 0 ? -errno : result; }

int fairlead_epoll_create(void) { return outcome(epoll_create1(EPOLL_CLOEXEC)); }

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {0};
    event.events = events;
    event.data.u64 = token;
    return outcome(epoll_ctl(epoll, operation, fd, &event));
}

int fairlead_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_ADD, fd, events, token);
}

int fairlead_epoll_change(int epoll, int fd, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_MOD, fd, events, token);
}

int fairlead_epoll_remove(int epoll, int fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

static socklen_t encode(const struct fairlead_address *from, struct sockaddr_storage *to) {
    memset(to, 0, sizeof(*to));
    if (from->family == 4) {
        struct sockaddr_in *address = (struct sockaddr_in *)to;
        address->sin_family = AF_INET;
        address->sin_port = htons(from->port);
        memcpy(&address->sin_addr, from->bytes, 4);
        return sizeof(*address);
    }
    struct sockaddr_in6 *address = (struct sockaddr_in6 *)to;
    address->sin6_family = AF_INET6;
    address->sin6_port = htons(from->port);
    address->sin6_scope_id = from->scope;
    memcpy(&address->sin6_addr, from->bytes, 16);
    return sizeof(*address);
}

static void decode(const struct sockaddr_storage *from, struct fairlead_address *to) {
    memset(to, 0, sizeof(*to));
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *address = (const struct sockaddr_in *)from;
        to->family = 4;
        to->port = ntohs(address->sin_port);
        memcpy(to->bytes, &address->sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)from;
        to->port = ntohs(address->sin6_port);
        to->scope = address->sin6_scope_id;
        if (IN6_IS_ADDR_V4MAPPED(&address->sin6_addr)) {
            to->family = 4;
            memcpy(to->bytes, address->sin6_addr.s6_addr + 12, 4);
        } else {
            to->family = 6;
            memcpy(to->bytes, &address->sin6_addr, 16);
        }
    }
}

static int tcp_socket(const struct fairlead_address *address) {
    int family = address->family == 4 ? AF_INET : AF_INET6;
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int closing(int fd) {
    int error = -errno;
    close(fd);
    return error;
}

int fairlead_listen(const struct fairlead_address *local, int backlog, int shared, int free) {
    int fd = tcp_socket(local);
    if (fd < 0) return -errno;
    struct sockaddr_storage address;
    socklen_t length = encode(local, &address);
    int one = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0) return closing(fd);
    if (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0) return closing(fd);
    if (local->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0) return closing(fd);
    // An IPv6 address that is this host's by a local route alone can be bound to only so; of IPv4 the route is enough.
    if (free && setsockopt(fd, SOL_IP, IP_FREEBIND, &one, sizeof one) < 0) return closing(fd);
    // Connections have it from their listener: that is a system call less for each.
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0) return closing(fd);
    if (bind(fd, (struct sockaddr *)&address, length) < 0) return closing(fd);
    if (listen(fd, backlog) < 0) return closing(fd);
    return fd;
}

int fairlead_accept(int fd, struct fairlead_address *peer) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int connection;
    do {
        connection = accept4(fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (connection < 0 && errno == EINTR);
    if (connection < 0) return -errno;
    decode(&address, peer);
    return connection;
}

int fairlead_next_descriptor(int fd) {
    int number = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (number < 0) return -errno;
    close(number);
    return number;
}

int fairlead_connect(const struct fairlead_address *remote) {
    int fd = tcp_socket(remote);
    if (fd < 0) return -errno;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_storage address;
    socklen_t length = encode(remote, &address);
    if (connect(fd, (struct sockaddr *)&address, length) < 0 && errno != EINPROGRESS && errno != EINTR)
        return closing(fd);
    return fd;
}

int fairlead_local_address(int fd, struct fairlead_address *local) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) return -errno;
    decode(&address, local);
    return 0;
}

int fairlead_socket_error(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return errno;
    return error;
}

int fairlead_reset_on_close(int fd) {
    struct linger linger = {1, 0};
    return outcome(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

int fairlead_shutdown_write(int fd) { return outcome(shutdown(fd, SHUT_WR)); }

int fairlead_stop_listening(int fd) { return outcome(shutdown(fd, SHUT_RD)); }

int fairlead_close(int fd) { return outcome(close(fd)); }

int fairlead_pipe(int *read_end, int *write_end, int size) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) return -errno;
    fcntl(ends[1], F_SETPIPE_SZ, size);
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

int fairlead_pin_thread(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return outcome(sched_setaffinity(0, sizeof set, &set));
}

int fairlead_usable_processors(int *processors, int capacity) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) < 0) return -errno;
    int count = 0;
    for (int processor = 0; processor < CPU_SETSIZE && count < capacity; processor++)
        if (CPU_ISSET(processor, &set)) processors[count++] = processor;
    return count;
}
