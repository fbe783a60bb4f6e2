"""A gRPC client for the end-to-end tests: one check after the other, each a line of JSON: {"check", "ok", "detail"}.

    grpc_client.py ADDRESS:PORT AUTHORITY [--calls N] [--ca FILE] CHECK...

Checks are the functions below. One channel, so one connection, is used for all of them.
"""

import argparse
import collections
import concurrent.futures
import json
import threading
import time

import grpc

LARGE = [("grpc.max_send_message_length", 64 << 20), ("grpc.max_receive_message_length", 64 << 20)]


class Checks:
    def __init__(self, channel, calls):
        self.calls = calls
        self.echo = channel.unary_unary("/lab.Test/Echo")
        self.count = channel.unary_stream("/lab.Test/Count")
        self.sum = channel.stream_unary("/lab.Test/Sum")
        self.chat = channel.stream_stream("/lab.Test/Chat")
        self.slow = channel.unary_unary("/lab.Test/Slow")
        self.drip = channel.unary_stream("/lab.Test/Drip")
        self.fail_ = channel.unary_unary("/lab.Test/Fail")
        self.meta = channel.unary_unary("/lab.Test/Meta")
        self.left = channel.unary_unary("/lab.Test/Deadline")
        self.nothing = channel.unary_unary("/lab.Test/Nothing")

    def unary(self):
        """One call, and its metadata."""
        answer, call = self.echo.with_call(b"hello", timeout=10)
        assert answer == b"hello", answer
        assert call.code() == grpc.StatusCode.OK
        return dict(call.initial_metadata())["pod"]

    def server_streaming(self):
        call = self.count(b"1000", timeout=20)
        numbers = [int(message) for message in call]
        assert numbers == list(range(1000)), len(numbers)
        trailers = dict(call.trailing_metadata())
        assert trailers["sum"] == "499500", trailers
        return len(numbers)

    def client_streaming(self):
        answer = self.sum((b"x" * 100 for _ in range(1000)), timeout=20)
        assert answer == b"100000", answer
        return int(answer)

    def bidirectional(self):
        """Each message is answered before the next is said: nobody may wait for more of either direction."""
        turn = threading.Semaphore(1)

        def say():
            for number in range(200):
                turn.acquire()
                yield str(number).encode()

        answers = []
        for answer in self.chat(say(), timeout=20):
            answers.append(int(answer))
            turn.release()
        assert answers == list(range(200)), answers
        return len(answers)

    def empty(self):
        """No messages at all, in each direction that streams."""
        assert self.sum(iter([]), timeout=10) == b"0"
        assert list(self.count(b"0", timeout=10)) == []
        assert list(self.chat(iter([]), timeout=10)) == []
        assert self.echo(b"", timeout=10) == b""

    def large(self):
        """4 MiB in each direction, alone and together."""
        message = bytes(range(256)) * (4 << 12)
        assert self.echo(message, timeout=60) == message
        assert self.sum(iter([message]), timeout=60) == str(len(message)).encode()
        assert list(self.chat(iter([message, message]), timeout=60)) == [message, message]
        return len(message)

    def status(self):
        """A status that is no success, with its message and a binary trailer."""
        try:
            self.fail_(b"", timeout=10)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error.code()
            assert error.details() == "no: ü", error.details()
            assert dict(error.trailing_metadata())["reason-bin"] == b"\x00\x01\xff"
            return error.code().name
        raise AssertionError("no error")

    def unimplemented(self):
        """Trailers alone."""
        try:
            self.nothing(b"", timeout=10)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error
            return error.code().name
        raise AssertionError("no error")

    def metadata(self):
        """Text and bytes, of one name several times."""
        sent = [("x-one", "1"), ("x-two", "a, b"), ("x-bytes-bin", b"\x00\xff\n"), ("x-many", "1"), ("x-many", "2")]
        lines = self.meta(b"", metadata=sent, timeout=10).decode().splitlines()
        missing = [f"{key}: {value!r}" for key, value in sent if f"{key}: {value!r}" not in lines]
        joined = "x-many: '1, 2'" in lines or "x-many: '1,2'" in lines
        assert not [line for line in missing if "x-many" not in line or not joined], (missing, lines)
        return len(lines)

    def deadline(self):
        """The server learns of the deadline, and who waits longer is told in time."""
        left = int(self.left(b"", timeout=5))
        # The client says 5S or, rounded up to three digits, 5010m.
        assert 3000 < left <= 5010, left
        assert self.left(b"") == b"none"
        start = time.monotonic()
        try:
            self.slow(b"deadline", timeout=0.3)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
            assert time.monotonic() - start < 3
            return left
        raise AssertionError("no error")

    def cancellation(self):
        """The caller gives up: a unary call, and a stream in the middle."""
        call = self.slow.future(b"cancelled unary")
        time.sleep(0.3)
        call.cancel()
        stream = self.drip(b"cancelled stream")
        assert [next(stream) for _ in range(3)] == [b"drop"] * 3
        stream.cancel()
        try:
            next(stream)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.CANCELLED, error
        return "see the server"

    def unavailable(self):
        """There is nobody: the status and the time it takes to come are what is told."""
        start = time.monotonic()
        try:
            self.echo(b"x", timeout=10)
        except grpc.RpcError as error:
            return {"code": error.code().name, "details": error.details(), "seconds": time.monotonic() - start}
        raise AssertionError("no error")

    def limit(self):
        """A deadline that a proxy may end by itself: the status of a call to what does not answer."""
        try:
            self.slow(b"limit", timeout=20)
        except grpc.RpcError as error:
            return {"code": error.code().name, "details": error.details()}
        raise AssertionError("no error")

    def spread(self):
        """So many unary calls, 32 at a time on one connection; which pods they met."""
        pods = collections.Counter()
        errors = collections.Counter()
        lock = threading.Lock()
        ended = threading.Semaphore(0)
        places = threading.Semaphore(32)

        def end(call, number):
            try:
                answer = call.result()
                pod = dict(call.initial_metadata()).get("pod", "nobody")
                with lock:
                    pods[pod if answer == number else "another's answer"] += 1
            except grpc.RpcError as error:
                with lock:
                    errors[f"{error.code().name}: {error.details()}"] += 1
            places.release()
            ended.release()

        for number in range(self.calls):
            places.acquire()
            text = str(number).encode()
            call = self.echo.future(text, timeout=60)
            call.add_done_callback(lambda call, text=text: end(call, text))
        for _ in range(self.calls):
            ended.acquire()
        assert not errors, errors.most_common(5)
        assert sum(pods.values()) == self.calls
        return dict(pods)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("authority")
    parser.add_argument("checks", nargs="+")
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--ca")
    options = parser.parse_args()
    if options.ca:
        further = [("grpc.ssl_target_name_override", options.authority)]
        credentials = grpc.ssl_channel_credentials(open(options.ca, "rb").read())
        channel = grpc.secure_channel(options.target, credentials, options=LARGE + further)
    else:
        further = [("grpc.default_authority", options.authority)]
        channel = grpc.insecure_channel(options.target, options=LARGE + further)
    checks = Checks(channel, options.calls)
    failed = False
    for name in options.checks:
        try:
            result = {"check": name, "ok": True, "detail": getattr(checks, name)()}
        except Exception as error:  # whatever it is belongs to the result
            result = {"check": name, "ok": False, "detail": f"{type(error).__name__}: {error}"}
            failed = True
        print(json.dumps(result, sort_keys=True), flush=True)
    channel.close()
    raise SystemExit(1 if failed else 0)


main()
