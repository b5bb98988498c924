"""Finding the port of a portless endpoint in DNS, as the vendor's own client does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import dns.asyncresolver
import dns.exception
import dns.resolver

from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dns.rdtypes.IN.SRV import SRV

    from marginwatch.venues.architect.endpoint import Endpoint, Target


class NotResolvedError(MarginwatchError):
    """DNS gave no SRV record for a portless endpoint."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"no SRV record of {host} tells the port: {reason}; writing the port in `endpoint` needs none")


_REASONS: Final[Mapping[type[dns.exception.DNSException], str]] = {
    dns.resolver.NXDOMAIN: "the name does not exist",
    dns.resolver.NoAnswer: "it has none",
    dns.resolver.LifetimeTimeout: "DNS did not answer in time",
    dns.resolver.NoNameservers: "no DNS server could answer",
    dns.resolver.NoResolverConfiguration: "this machine names no DNS server",
}


async def resolve(endpoint: Endpoint, resolver: dns.asyncresolver.Resolver | None, within: float) -> Target:
    """The server of an endpoint: the one it names, else the SRV record of lowest priority and highest weight.

    Args:
        endpoint: where to look.
        resolver: whom to ask; None for the machine's own.
        within: seconds DNS may take.

    Raises:
        NotResolvedError: DNS gave no SRV record in time.
    """
    if fixed := endpoint.fixed():
        return fixed
    try:
        asked = resolver or dns.asyncresolver.Resolver()
        answer = await asked.resolve(endpoint.host, "SRV", lifetime=within)
    except dns.exception.DNSException as error:
        raise NotResolvedError(endpoint.host, _REASONS.get(type(error), "DNS failed")) from None
    record = min((cast("SRV", each) for each in answer), key=lambda each: (each.priority, -each.weight))
    if record.port == 0 or str(record.target) == ".":  # RFC 2782: decidedly not available
        raise NotResolvedError(endpoint.host, "the record says that the service is not offered")
    return endpoint.found(str(record.target).rstrip("."), record.port)
