"""A client by python-hyper's h2: many requests at once on one connection, their bodies interleaved frame by frame.

    h2_client.py ADDRESS PORT AUTHORITY STREAMS

Stream n sends n * 1000 bytes by POST, with trailers, and reads the answer. Prints one object: how many were answered with 200
and `x-body-length` as it has to be, and what went wrong.
"""

import json
import socket
import sys

import h2.config
import h2.connection
import h2.events


def main():
    address, port, authority, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    sock = socket.create_connection((address, port), timeout=10)
    sock.settimeout(20)
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    rest, answers, ended, problems = {}, {}, set(), []
    for number in range(1, count + 1):
        stream = connection.get_next_available_stream_id()
        rest[stream] = b"x" * (number * 1000)
        connection.send_headers(
            stream,
            [
                (":method", "POST"),
                (":scheme", "http"),
                (":authority", authority),
                (":path", f"/python-h2?{number}"),
                ("x-number", str(number)),
            ],
        )
    sent = {stream: len(body) for stream, body in rest.items()}
    while len(ended) < count and not problems:
        # A frame of each that has a window, in turn.
        moved = True
        while moved:
            moved = False
            for stream in list(rest):
                room = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size, 1000)
                if rest[stream] and room > 0:
                    connection.send_data(stream, rest[stream][:room])
                    rest[stream] = rest[stream][room:]
                    moved = True
                elif not rest[stream]:
                    connection.send_headers(stream, [("x-checksum", "none")], end_stream=True)
                    del rest[stream]
        sock.sendall(connection.data_to_send())
        data = sock.recv(65536)
        if not data:
            problems.append("the connection was closed")
            break
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                answers[event.stream_id] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                ended.add(event.stream_id)
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                problems.append(repr(event))
        sock.sendall(connection.data_to_send())
    fit = sum(
        1
        for stream, headers in answers.items()
        if headers.get(":status") == "200" and headers.get("x-body-length") == str(sent[stream])
    )
    print(json.dumps({"answered": fit, "ended": len(ended), "problems": problems}))
    raise SystemExit(0 if fit == count and not problems else 1)


main()
