"""TLS before a PostgreSQL that was built without it: libpq asks for it, and gets it here.

    python tls_front.py ADDRESS PORT CERTIFICATE

Whoever does not ask for TLS is not served.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # its length, and 80877103


async def main() -> None:
    address, port, certificate = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            if await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST:
                _watch(writer.get_extra_info("socket"))
                writer.write(b"S")
                await writer.start_tls(context)
                inner = await asyncio.open_connection("127.0.0.1", port)
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pass_on(reader, inner[1]))
                    group.create_task(_pass_on(inner[0], writer))
        writer.close()

    server = await asyncio.start_server(serve, address, port, backlog=100)
    await server.serve_forever()


def _watch(peer: socket.socket) -> None:
    """A host that vanished is noticed, as PostgreSQL itself would."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 12_000)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What comes in goes out; when either ends, both do."""
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(main())
