"""A line to a server that may be slow, and breaks when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Line:
    """What goes through: `cut_after` bytes of a request, then the line breaks, once."""

    to: int
    """Port on this machine."""
    delay_s: float = 0.0
    """Each way."""
    port: int = 0
    cut_after: int | None = None
    """Bytes of all requests after which all that is open breaks; None: it holds."""
    cuts: int = 0
    sent: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """Break all that is open now; who comes again is let through."""
        self.cuts += 1
        self.cut_after = None
        for writer in list(self._open):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection both ways."""
        try:
            back, onward = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, onward}
        try:
            await asyncio.gather(
                self._carry(reader, onward, counted=True), self._carry(back, writer, counted=False)
            )
        finally:
            self._open -= {writer, onward}

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        try:
            while data := await reader.read(2**14):
                if counted:
                    self.sent += len(data)
                    if self.cut_after is not None and self.sent >= self.cut_after:
                        self.cut()
                        return
                await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def running_line(to: int, *, delay_s: float = 0.0) -> AsyncIterator[Line]:
    """Lay a line to a port of this machine; yields it, its own port set."""
    line = Line(to, delay_s)
    async with await asyncio.start_server(line.serve, "127.0.0.1", 0) as server:
        line.port = server.sockets[0].getsockname()[1]
        yield line
        line.cut()
        for _ in range(100):  # what was cut ends by itself, a moment later
            if line._open:
                await asyncio.sleep(0.01)
