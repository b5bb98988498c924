"""A real DNS server on loopback, answering SRV questions from a table."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

if TYPE_CHECKING:
    from types import TracebackType


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.answer(data, addr)


class DnsServer:
    """Answers `records[name]`, each `priority weight port target`; other names do not exist. Mute when told so."""

    def __init__(self, records: dict[str, list[str]] | None = None) -> None:
        self.records = records or {}
        self.mute = False
        self.rcode: dns.rcode.Rcode | None = None
        self.asked: list[str] = []

    def answer(self, data: bytes, asker: tuple[str, int]) -> None:
        """Answer one packet."""
        query = dns.message.from_wire(data)
        name = query.question[0].name
        self.asked.append(name.to_text())
        if self.mute:
            return
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        found = self.records.get(name.to_text().rstrip("."))
        if self.rcode is not None:
            reply.set_rcode(self.rcode)
        elif found is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif found:
            reply.answer.append(dns.rrset.from_text_list(name, 60, "IN", "SRV", found))
        self._transport.sendto(reply.to_wire(), asker)

    def resolver(self) -> dns.asyncresolver.Resolver:
        """A resolver that asks this server alone."""
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self._port
        return resolver

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(self), ("127.0.0.1", 0))
        self._port: int = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()
