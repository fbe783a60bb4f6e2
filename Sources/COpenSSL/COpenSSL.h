// OpenSSL 3 as Swift sees it: the library's headers, and shims for its macros and for what is called for
// each read and write. Only the module TLS imports this: another TLS library in the program (NIOSSL brings
// one) has types of the same names.
#ifndef FAIRLEAD_COPENSSL_H
#define FAIRLEAD_COPENSSL_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#if OPENSSL_VERSION_MAJOR < 3
#error "OpenSSL 3 or later is needed: apt-get install libssl-dev"
#endif

// MARK: - Sockets

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE where the peer is gone. This one uses
// send(2) with MSG_NOSIGNAL, so nothing depends on what the process does with that signal. All that it has
// to remember is in its data pointer:
//
//     bits  0-31   the descriptor, which the caller owns
//     bits 32-39   the first byte that was ever received
//     bit  40      there was one
//     bit  41      the peer has ended its direction
//     bit  42      the last receive took all there was
//     bits 48-63   errno of the last call that failed, other than "would block"
_Static_assert(sizeof(uintptr_t) == 8, "a descriptor and its state are one pointer");

#define FAIRLEAD_BIO_HAS_FIRST ((uintptr_t)1 << 40)
#define FAIRLEAD_BIO_ENDED ((uintptr_t)1 << 41)
#define FAIRLEAD_BIO_DRAINED ((uintptr_t)1 << 42)
#define FAIRLEAD_BIO_ERRNO_SHIFT 48

static inline uintptr_t fairlead_bio_state(BIO *bio) { return (uintptr_t)BIO_get_data(bio); }

static inline void fairlead_bio_set_state(BIO *bio, uintptr_t state) { BIO_set_data(bio, (void *)state); }

static inline uintptr_t fairlead_bio_failed(BIO *bio, uintptr_t state, int number, int retry) {
    if (number == EAGAIN || number == EWOULDBLOCK) {
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
        return state;
    }
    uintptr_t others = state & (((uintptr_t)1 << FAIRLEAD_BIO_ERRNO_SHIFT) - 1);
    return others | ((uintptr_t)number << FAIRLEAD_BIO_ERRNO_SHIFT);
}

static int fairlead_bio_read(BIO *bio, char *data, size_t length, size_t *count) {
    uintptr_t state = fairlead_bio_state(bio);
    ssize_t result;
    BIO_clear_retry_flags(bio);
    do {
        result = recv((int)(uint32_t)state, data, length, MSG_DONTWAIT);
    } while (result < 0 && errno == EINTR);
    if (result > 0) {
        *count = (size_t)result;
        state &= ~FAIRLEAD_BIO_DRAINED;
        if ((size_t)result < length) state |= FAIRLEAD_BIO_DRAINED;
        if (!(state & FAIRLEAD_BIO_HAS_FIRST)) {
            state |= FAIRLEAD_BIO_HAS_FIRST | (uintptr_t)(uint8_t)data[0] << 32;
        }
    } else if (result == 0) {
        *count = 0;
        state |= FAIRLEAD_BIO_ENDED | FAIRLEAD_BIO_DRAINED;
    } else {
        *count = 0;
        state = fairlead_bio_failed(bio, state | FAIRLEAD_BIO_DRAINED, errno, BIO_FLAGS_READ);
    }
    fairlead_bio_set_state(bio, state);
    return result > 0;
}

static int fairlead_bio_write(BIO *bio, const char *data, size_t length, size_t *count) {
    uintptr_t state = fairlead_bio_state(bio);
    ssize_t result;
    BIO_clear_retry_flags(bio);
    do {
        result = send((int)(uint32_t)state, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (result < 0 && errno == EINTR);
    *count = result > 0 ? (size_t)result : 0;
    if (result < 0) fairlead_bio_set_state(bio, fairlead_bio_failed(bio, state, errno, BIO_FLAGS_WRITE));
    return result > 0;
}

static long fairlead_bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return (fairlead_bio_state(bio) & FAIRLEAD_BIO_ENDED) != 0;
    default:
        return 0;
    }
}

static int fairlead_bio_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

// The one method of all these BIOs; NULL without memory.
static inline BIO_METHOD *fairlead_bio_method(void) {
    int index = BIO_get_new_index();
    if (index == -1) return NULL;
    BIO_METHOD *method = BIO_meth_new(index | BIO_TYPE_SOURCE_SINK, "fairlead socket");
    if (method == NULL) return NULL;
    if (BIO_meth_set_read_ex(method, fairlead_bio_read) && BIO_meth_set_write_ex(method, fairlead_bio_write)
        && BIO_meth_set_ctrl(method, fairlead_bio_control) && BIO_meth_set_create(method, fairlead_bio_create)) {
        return method;
    }
    BIO_meth_free(method);
    return NULL;
}

// Gives `ssl` a BIO on `descriptor`, which stays the caller's. 0 without memory.
static inline int fairlead_ssl_set_descriptor(SSL *ssl, const BIO_METHOD *method, int descriptor) {
    BIO *bio = BIO_new(method);
    if (bio == NULL) return 0;
    fairlead_bio_set_state(bio, (uint32_t)descriptor);
    SSL_set_bio(ssl, bio, bio);
    return 1;
}

static inline uintptr_t fairlead_ssl_socket_state(const SSL *ssl) {
    BIO *bio = SSL_get_rbio(ssl);
    return bio == NULL ? 0 : fairlead_bio_state(bio);
}
// Whether the last receive took all there was.
static inline _Bool fairlead_ssl_socket_is_drained(const SSL *ssl) {
    return (fairlead_ssl_socket_state(ssl) & FAIRLEAD_BIO_DRAINED) != 0;
}
// Whether the peer has ended its direction of the socket itself.
static inline _Bool fairlead_ssl_socket_has_ended(const SSL *ssl) {
    return (fairlead_ssl_socket_state(ssl) & FAIRLEAD_BIO_ENDED) != 0;
}
static inline int fairlead_ssl_socket_errno(const SSL *ssl) {
    return (int)(fairlead_ssl_socket_state(ssl) >> FAIRLEAD_BIO_ERRNO_SHIFT);
}
// The first byte that came; -1 before that.
static inline int fairlead_ssl_socket_first_byte(const SSL *ssl) {
    uintptr_t state = fairlead_ssl_socket_state(ssl);
    return state & FAIRLEAD_BIO_HAS_FIRST ? (int)(uint8_t)(state >> 32) : -1;
}

// MARK: - Steps

// What a call came to. A positive result is a number of bytes.
#define FAIRLEAD_SSL_CLOSED 0
#define FAIRLEAD_SSL_WANTS_READ (-1)
#define FAIRLEAD_SSL_WANTS_WRITE (-2)
#define FAIRLEAD_SSL_FAILED (-3)
#define FAIRLEAD_SSL_SYSTEM (-4)

// SSL_get_error(3) looks into the thread's error queue first, so that has to be empty before each call.
static inline void fairlead_errors_clear(void) {
    if (ERR_peek_error() != 0) ERR_clear_error();
}

static inline int64_t fairlead_ssl_outcome(const SSL *ssl, int result) {
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return FAIRLEAD_SSL_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return FAIRLEAD_SSL_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return FAIRLEAD_SSL_CLOSED;
    case SSL_ERROR_SYSCALL:
        return FAIRLEAD_SSL_SYSTEM;
    default:
        return FAIRLEAD_SSL_FAILED;
    }
}

static inline int64_t fairlead_ssl_read(SSL *ssl, void *data, size_t length) {
    size_t count = 0;
    fairlead_errors_clear();
    int result = SSL_read_ex(ssl, data, length, &count);
    return result > 0 ? (int64_t)count : fairlead_ssl_outcome(ssl, result);
}

static inline int64_t fairlead_ssl_write(SSL *ssl, const void *data, size_t length) {
    size_t count = 0;
    fairlead_errors_clear();
    int result = SSL_write_ex(ssl, data, length, &count);
    return result > 0 ? (int64_t)count : fairlead_ssl_outcome(ssl, result);
}

// 1 when the handshake is done.
static inline int64_t fairlead_ssl_handshake(SSL *ssl) {
    fairlead_errors_clear();
    int result = SSL_do_handshake(ssl);
    return result > 0 ? 1 : fairlead_ssl_outcome(ssl, result);
}

// 1 when close_notify is sent.
static inline int64_t fairlead_ssl_shutdown(SSL *ssl) {
    fairlead_errors_clear();
    int result = SSL_shutdown(ssl);
    return result >= 0 ? 1 : fairlead_ssl_outcome(ssl, result);
}

// Whether the server has chosen a protocol (ALPN), whichever.
static inline _Bool fairlead_ssl_has_protocol(const SSL *ssl) {
    const unsigned char *name = NULL;
    unsigned int length = 0;
    SSL_get0_alpn_selected(ssl, &name, &length);
    return length > 0;
}

// MARK: - Contexts

// A context for servers or for clients, with everything that no setting changes. NULL without memory.
static inline SSL_CTX *fairlead_context_new(int is_server) {
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (context == NULL) return NULL;
    SSL_CTX_set_options(
        context,
        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE
            // A client that puts ChaCha20 first has no AES instructions.
            | SSL_OP_PRIORITIZE_CHACHA
            // An end without close_notify must not break the other direction; the BIO tells them apart.
            | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // What the system's openssl.cnf may have turned on.
    SSL_CTX_clear_options(
        context, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION
                     | SSL_OP_ALLOW_CLIENT_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(
        context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS
                     // A chain is what the Secret says, not what could be built from authorities.
                     | SSL_MODE_NO_AUTO_CHAIN);
    // A record, or what there is of several, in one receive.
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_early_data(context, 0);
    SSL_CTX_set_recv_max_early_data(context, 0);
    return context;
}

static inline int fairlead_context_set_groups(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, list);
}

static inline int fairlead_context_set_versions(SSL_CTX *context, int minimum, int maximum) {
    return SSL_CTX_set_min_proto_version(context, minimum) && SSL_CTX_set_max_proto_version(context, maximum);
}

// A client refuses servers whose certificates do not come from `store`. Takes a reference of its own.
static inline int fairlead_context_verify(SSL_CTX *context, X509_STORE *store, int depth) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_verify_depth(context, depth);
    return (int)SSL_CTX_set1_verify_cert_store(context, store);
}

// Nor those that are not for `name`, which may be an address.
static inline int fairlead_context_expect(SSL_CTX *context, const char *name) {
    X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);
    // RFC 6125, 6.4.3: a `*` is a whole label.
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, name)) return 1;
    ERR_clear_error();
    return X509_VERIFY_PARAM_set1_host(parameters, name, 0);
}

// A client is told of sessions by `callback`, and OpenSSL keeps none.
static inline void fairlead_context_tell_sessions(SSL_CTX *context, int (*callback)(SSL *, SSL_SESSION *)) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, callback);
}

// Whether `text` is an address of IP, which is no name of a host (RFC 6066, 3).
static inline int fairlead_is_address(const char *text) {
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    return address != NULL;
}

// Sessions are never resumed and no tickets made.
static inline void fairlead_context_refuse_tickets(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
}

// Prepares the two contexts of a ticket. `cipher` is AES-256-CBC, both keys have 32 bytes.
static inline int fairlead_ticket_start(
    EVP_CIPHER_CTX *cipher_context, EVP_MAC_CTX *mac_context, const EVP_CIPHER *cipher,
    const unsigned char *cipher_key, const unsigned char *mac_key, const unsigned char *vector, int encrypt
) {
    OSSL_PARAM parameters[3];
    char digest[] = "SHA256";
    parameters[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)mac_key, 32);
    parameters[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
    parameters[2] = OSSL_PARAM_construct_end();
    if (!EVP_MAC_CTX_set_params(mac_context, parameters)) return 0;
    return EVP_CipherInit_ex2(cipher_context, cipher, cipher_key, vector, encrypt, NULL);
}

typedef int (*fairlead_ticket_callback)(
    SSL *ssl, unsigned char *name, unsigned char *vector, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt);

static inline int fairlead_context_set_ticket_callback(SSL_CTX *context, fairlead_ticket_callback callback) {
    return (int)SSL_CTX_set_tlsext_ticket_key_evp_cb(context, callback);
}

// MARK: - Connections

// The host that a client asks for (SNI). Copies the name.
static inline int fairlead_ssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

// fairlead_context_refuse_tickets for one connection, before its first message is looked at.
static inline void fairlead_ssl_refuse_sessions(SSL *ssl) {
    SSL_set_options(ssl, SSL_OP_NO_TICKET);
    SSL_set_num_tickets(ssl, 0);
}

// Asks the peer for a certificate of these authorities. Takes references of its own. 0 without memory.
static inline int fairlead_ssl_ask_certificate(
    SSL *ssl, int mode, SSL_verify_cb callback, X509_STORE *store, const STACK_OF(X509_NAME) *names, int depth
) {
    STACK_OF(X509_NAME) *copy = SSL_dup_CA_list(names);
    if (copy == NULL) return 0;
    SSL_set0_CA_list(ssl, copy);
    SSL_set_verify_depth(ssl, depth);
    SSL_set_verify(ssl, mode, callback);
    return (int)SSL_set1_verify_cert_store(ssl, store);
}

// MARK: - Certificates

static inline STACK_OF(X509) *fairlead_chain_new(void) { return sk_X509_new_null(); }
static inline int fairlead_chain_push(STACK_OF(X509) *chain, X509 *certificate) {
    return sk_X509_push(chain, certificate);
}
static inline void fairlead_chain_free(STACK_OF(X509) *chain) { sk_X509_pop_free(chain, X509_free); }

static inline STACK_OF(X509_NAME) *fairlead_names_new(void) { return sk_X509_NAME_new_null(); }
// Copies the name.
static inline int fairlead_names_push(STACK_OF(X509_NAME) *names, const X509_NAME *name) {
    X509_NAME *copy = X509_NAME_dup(name);
    if (copy == NULL) return 0;
    if (sk_X509_NAME_push(names, copy)) return 1;
    X509_NAME_free(copy);
    return 0;
}
static inline void fairlead_names_free(STACK_OF(X509_NAME) *names) { sk_X509_NAME_pop_free(names, X509_NAME_free); }

static inline GENERAL_NAMES *fairlead_alternative_names(const X509 *certificate) {
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
static inline int fairlead_alternative_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
// The DNS name at `index`; NULL where that is something else.
static inline const ASN1_STRING *fairlead_alternative_dns(const GENERAL_NAMES *names, int index) {
    int type = 0;
    void *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), &type);
    return type == GEN_DNS ? (const ASN1_STRING *)value : NULL;
}

// Seconds since 1970. 0 where the certificate's time is malformed.
static inline int fairlead_time_seconds(const ASN1_TIME *time, int64_t *seconds) {
    int days = 0, rest = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    if (epoch == NULL) return 0;
    int result = ASN1_TIME_diff(&days, &rest, epoch, time);
    ASN1_TIME_free(epoch);
    *seconds = (int64_t)days * 86400 + rest;
    return result;
}

static inline void *fairlead_bio_contents(BIO *bio, size_t *length) {
    char *data = NULL;
    long count = BIO_get_mem_data(bio, &data);
    *length = count > 0 ? (size_t)count : 0;
    return data;
}

static inline EVP_PKEY *fairlead_generate_p256(void) { return EVP_EC_gen("P-256"); }

// Wipes and frees what PEM_read_bio(3) gave out.
static inline void fairlead_free_secret(void *data, size_t length) { OPENSSL_clear_free(data, length); }
static inline void fairlead_free(void *data) { OPENSSL_free(data); }

static const unsigned long fairlead_name_flags = XN_FLAG_RFC2253;

static const int fairlead_internal_error = ERR_R_INTERNAL_ERROR;
static inline int fairlead_error_library(unsigned long code) { return ERR_GET_LIB(code); }
static inline int fairlead_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

#endif
