"""A gRPC server for the end-to-end tests: bytes in, bytes out, so no protoc.

    grpc_server.py ADDRESS:PORT NAME [--health FILE] [KEY CERTIFICATE]

Says "listening" once it does, and then a line of JSON for each call that ended otherwise than by us. Every call answers with
the initial metadata `pod: NAME`. Methods of /lab.Test/:

    Echo     unary: what was said
    Count    unary to stream: as many numbers as it was asked for, in decimal, then the trailer `sum`
    Sum      stream to unary: the length of all messages together
    Chat     stream to stream: each message at once
    Slow     unary: nothing, until the caller gives up or 30 s are over
    Drip     unary to stream: a message every 50 ms until the caller gives up
    Fail     unary: status FAILED_PRECONDITION, message `no: ü`, trailer `reason-bin`
    Meta     unary: the caller's metadata, as lines
    Deadline unary: what is left of the deadline, in milliseconds; `none` without one

With --health it has the health service, grpc.health.v1.Health/Check. Lines of the file, `SERVICE=STATUS` with the status as a number of
the protocol, are read for each call; a service that is not there is NOT_FOUND, and the word `hang` for a status is no answer.
"""

import concurrent.futures
import json
import sys
import time

import grpc

LARGE = [("grpc.max_send_message_length", 64 << 20), ("grpc.max_receive_message_length", 64 << 20)]


def say(**what):
    print(json.dumps(what), flush=True)


class Service(grpc.GenericRpcHandler):
    def __init__(self, name):
        self.name = name
        methods = {
            "Echo": grpc.unary_unary_rpc_method_handler(lambda request, call: request),
            "Count": grpc.unary_stream_rpc_method_handler(self.count),
            "Sum": grpc.stream_unary_rpc_method_handler(self.sum),
            "Chat": grpc.stream_stream_rpc_method_handler(self.chat),
            "Slow": grpc.unary_unary_rpc_method_handler(self.slow),
            "Drip": grpc.unary_stream_rpc_method_handler(self.drip),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "Meta": grpc.unary_unary_rpc_method_handler(self.meta),
            "Deadline": grpc.unary_unary_rpc_method_handler(self.deadline),
        }
        self.methods = {f"/lab.Test/{name}": method for name, method in methods.items()}

    def service(self, details):
        return self.methods.get(details.method)

    def count(self, request, call):
        for number in range(int(request)):
            yield str(number).encode()
        call.set_trailing_metadata([("sum", str(sum(range(int(request)))))])

    def sum(self, requests, call):
        return str(sum(len(request) for request in requests)).encode()

    def chat(self, requests, call):
        yield from requests

    def slow(self, request, call):
        end = time.monotonic() + 30
        while call.is_active() and time.monotonic() < end:
            time.sleep(0.01)
        if not call.is_active():
            say(pod=self.name, given_up=request.decode())
        return b"late"

    def drip(self, request, call):
        try:
            while call.is_active():
                yield b"drop"
                time.sleep(0.05)
        finally:
            # A caller who gives up while a drop is sent: grpcio does not ask for another one.
            say(pod=self.name, given_up=request.decode())

    def fail(self, request, call):
        call.set_trailing_metadata([("reason-bin", b"\x00\x01\xff")])
        call.abort(grpc.StatusCode.FAILED_PRECONDITION, "no: ü")

    def meta(self, request, call):
        return "\n".join(f"{key}: {value!r}" for key, value in call.invocation_metadata()).encode()

    def deadline(self, request, call):
        left = call.time_remaining()
        return b"none" if left is None or left > 1e6 else str(int(left * 1000)).encode()


class Health(grpc.GenericRpcHandler):
    """The health service, by hand: both messages have one field, the first."""

    def __init__(self, file):
        self.file = file

    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(self.check)
        return None

    def check(self, request, call):
        assert not request or request[0] == 0x0A and request[1] == len(request) - 2, request
        statuses = dict(line.strip().split("=") for line in open(self.file) if "=" in line)
        status = statuses.get(request[2:].decode())
        if status is None:
            call.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        while status == "hang" and call.is_active():
            time.sleep(0.01)
        return b"\x08" + bytes([int(status)]) if status != "hang" else b""


class Introduction(grpc.ServerInterceptor):
    """The initial metadata of every call."""

    def __init__(self, name):
        self.name = name

    def intercept_service(self, continuation, details):
        handler = continuation(details)
        if handler is None:
            return None

        def introduce(inner):
            def wrapped(request, call):
                call.send_initial_metadata([("pod", self.name)])
                return inner(request, call)

            return wrapped

        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[handler.request_streaming, handler.response_streaming]
        inner = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        return make(introduce(inner))


def main():
    address, name, *files = sys.argv[1:]
    handlers = [Service(name)]
    if files[:1] == ["--health"]:
        handlers.append(Health(files[1]))
        files = files[2:]
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(max_workers=64), options=LARGE, interceptors=[Introduction(name)]
    )
    server.add_generic_rpc_handlers(handlers)
    if files:
        key, certificate = (open(file, "rb").read() for file in files)
        port = server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)]))
    else:
        port = server.add_insecure_port(address)
    if port == 0:
        sys.exit(f"cannot listen on {address}")
    server.start()
    say(listening=address)
    server.wait_for_termination()


main()
