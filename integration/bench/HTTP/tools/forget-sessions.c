// Preloaded into wrk: it keeps its SSL object from one connection to the next, and with it the session, so all but its
// first connections would be resumed. With this each is a full handshake.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

int SSL_clear(void *connection) {
    static int (*clear)(void *);
    static int (*set_session)(void *, void *);
    if (!clear) {
        clear = (int (*)(void *))dlsym(RTLD_NEXT, "SSL_clear");
        set_session = (int (*)(void *, void *))dlsym(RTLD_NEXT, "SSL_set_session");
    }
    int result = clear(connection);
    set_session(connection, NULL);
    return result;
}
