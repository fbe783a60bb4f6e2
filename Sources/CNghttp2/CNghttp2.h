// nghttp2 as Swift sees it: the library's header, and shims for what does not import: members of the union that a
// frame is. Only the module HTTP2 imports this.
#ifndef FAIRLEAD_CNGHTTP2_H
#define FAIRLEAD_CNGHTTP2_H

#include <stdint.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

// 1.52 has the checks of RFC 9113 and SETTINGS_NO_RFC7540_PRIORITIES.
#if NGHTTP2_VERSION_NUM < 0x013400
#error "nghttp2 1.52 or later is needed: apt-get install libnghttp2-dev"
#endif

static inline uint8_t fairlead_frame_type(const nghttp2_frame *frame) { return frame->hd.type; }

static inline uint8_t fairlead_frame_flags(const nghttp2_frame *frame) { return frame->hd.flags; }

static inline int32_t fairlead_frame_stream(const nghttp2_frame *frame) { return frame->hd.stream_id; }

// Of a HEADERS frame: whether it opens a stream.
static inline int fairlead_frame_is_request(const nghttp2_frame *frame) {
    return frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

// Of a RST_STREAM or GOAWAY frame.
static inline uint32_t fairlead_frame_error_code(const nghttp2_frame *frame) {
    return frame->hd.type == NGHTTP2_GOAWAY ? frame->goaway.error_code : frame->rst_stream.error_code;
}

// Of a GOAWAY frame.
static inline int32_t fairlead_frame_last_stream(const nghttp2_frame *frame) { return frame->goaway.last_stream_id; }

// Of a PING frame.
static inline uint64_t fairlead_frame_payload(const nghttp2_frame *frame) {
    uint64_t payload;
    memcpy(&payload, frame->ping.opaque_data, sizeof payload);
    return payload;
}

static inline int fairlead_submit_ping(nghttp2_session *session, uint64_t payload) {
    uint8_t bytes[8];
    memcpy(bytes, &payload, sizeof payload);
    return nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, bytes);
}

// Where a byte first is, or `count`.
static inline size_t fairlead_find_byte(const uint8_t *bytes, size_t count, uint8_t byte) {
    const uint8_t *found = count > 0 ? (const uint8_t *)memchr(bytes, byte, count) : NULL;
    return found != NULL ? (size_t)(found - bytes) : count;
}

#endif
