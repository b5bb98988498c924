"""Finding a server's port in DNS, against a real DNS server on loopback."""

from __future__ import annotations

import dns.rcode
import pytest

from marginwatch.venues.architect.endpoint import Target, parse_endpoint
from marginwatch.venues.architect.srv import NotResolvedError, resolve
from support.dns import DnsServer

HOST = "desk.example.com"


async def test_the_record_of_lowest_priority_and_highest_weight_is_used() -> None:
    """A portless host is asked for in DNS, and the best of its records names host and port."""
    records = ["20 99 1 last.example.com.", "10 5 2 second.example.com.", "10 60 8081 core.example.com."]
    async with DnsServer({HOST: records}) as server:
        target = await resolve(parse_endpoint(f"https://{HOST}", paper=False), server.resolver(), 5)
    assert target == Target("core.example.com", 8081, tls=True)
    assert server.asked == [f"{HOST}."]


async def test_paper_trading_at_the_vendor_ignores_the_records_port() -> None:
    """The vendor's record names the live port, and paper trading is beside it."""
    async with DnsServer({"app.architect.co": ["0 0 8081 app.architect.co."]}) as server:
        target = await resolve(parse_endpoint("app.architect.co", paper=True), server.resolver(), 5)
    assert target == Target("app.architect.co", 10081, tls=True)


async def test_a_written_port_asks_nobody() -> None:
    """DNS is not bothered for an endpoint that names its port."""
    async with DnsServer() as server:
        target = await resolve(parse_endpoint(f"{HOST}:7", paper=False), server.resolver(), 5)
    assert target == Target(HOST, 7, tls=False)
    assert server.asked == []


async def test_each_way_dns_can_fail_is_one_clear_sentence(snapshot: object) -> None:
    """No name, no record, a refusal of the service, a broken or silent server: what happened and the way around it."""
    told = {}
    async with DnsServer() as server:
        for why, records in {
            "no name": None,
            "no record": [],
            "not offered": ["0 0 1 ."],
            "port 0": ["0 0 0 a."],
        }.items():
            server.records = {} if records is None else {HOST: records}
            told[why] = await _refusal(server)
        server.rcode = dns.rcode.SERVFAIL
        told["broken"] = await _refusal(server)
        server.mute = True
        told["silent"] = await _refusal(server, within=0.05)
    assert told == snapshot


async def _refusal(server: DnsServer, within: float = 5) -> str:
    with pytest.raises(NotResolvedError) as refused:
        await resolve(parse_endpoint(HOST, paper=False), server.resolver(), within)
    return str(refused.value)
