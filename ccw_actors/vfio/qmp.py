"""Temporary."""

import asyncio
import contextlib


class Qmp:
    def __init__(self, sock):
        self._sock = sock

    async def __aenter__(self):
        self._sock.setblocking(False)
        self.r, self.w = await asyncio.open_connection(sock=self._sock)
        await self.r.readline()
        self.w.write(b'{"execute":"qmp_capabilities"}\n')
        return self

    async def shut_down(self):
        with contextlib.suppress(OSError):
            self.w.write(b'{"execute":"quit"}\n')

    async def __aexit__(self, *a):
        self.w.close()
