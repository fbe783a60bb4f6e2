"""Takes TLS off connections and passes on what is in them, both ways: an endpoint that agrees on one protocol by ALPN.

tls_relay.py ADDRESS PORT TARGET-ADDRESS TARGET-PORT PROTOCOL KEY CERTIFICATE [TLSv1_2]
"""

import asyncio
import json
import ssl
import sys


async def pass_on(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def main(address, port, target, target_port, protocol, key, certificate, version="TLSv1_3"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.maximum_version = ssl.TLSVersion[version]
    context.set_alpn_protocols([protocol])

    async def relay(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection(target, int(target_port))
        await asyncio.gather(pass_on(reader, inner_writer), pass_on(inner_reader, writer))

    server = await asyncio.start_server(relay, address, int(port), ssl=context)
    print(json.dumps({"listening": port}), flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
