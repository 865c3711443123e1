"""Which hosts and addresses a probe may call: those that the operator named, at public addresses.

It prevents server-side request forgery, so a URL that two programs may read in two ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, urlsplit

from triage.errors import ForbiddenError, InputError
from triage.wording import Wording


@dataclass(frozen=True, slots=True)
class Target:
    """A callback's address. The host is a lower-case name in ASCII or a plain address; the path holds the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_address(self) -> bool:
        return _address(self.host) is not None

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Without the query, which may hold secrets."""
        return f"{self.scheme}://{self.authority}{self.path.partition('?')[0]}"


_PORTS = {"http": 80, "https": 443}
_MAX_URL_CHARACTERS = 2048
_SAFE = "/%:@!$&'()*+,;=~?"
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*{_LABEL}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def parse_target(url: str) -> Target:
    """The target of a URL. Raises InputError for anything two programs might read in two ways."""
    if not url.isprintable() or re.search(r"[\s\\]", url) or len(url) > _MAX_URL_CHARACTERS:
        raise InputError(Wording("the URL is too long or holds blanks, backslashes or control characters"))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise InputError(Wording("the URL cannot be read: {why}", why=exc)) from exc
    if parts.scheme not in _PORTS or not parts.hostname:
        raise InputError(Wording("a callback's URL begins with http:// or https:// and a host"))
    if "@" in parts.netloc:
        raise InputError(Wording("the URL holds a user name; the platform sends none"))
    if port == 0:
        raise InputError(Wording("there is no port 0"))
    path = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        path += "?" + quote(parts.query, safe=_SAFE)
    return Target(parts.scheme, parse_host(parts.hostname), port or _PORTS[parts.scheme], path)


def parse_host(name: str) -> str:
    """A host as targets spell it. Raises InputError."""
    if ":" in name:
        if (address := _address(name)) is None or "%" in name:
            raise InputError(Wording("'{name}' is no address of a callback", name=name))
        return str(address)
    try:
        host = name.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError as exc:
        raise InputError(Wording("'{name}' is no host name", name=name)) from exc
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        if _address(host) is None:
            raise InputError(
                Wording("'{name}' is an address in disguise; write four decimal numbers", name=name)
            )
    elif not _NAME.fullmatch(host):
        raise InputError(Wording("'{name}' is no host name", name=name))
    return host


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


# -- addresses


class Refusal(StrEnum):
    """Why we do not connect to an address."""

    METADATA = "metadata"
    NOWHERE = "nowhere"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link_local"
    PRIVATE = "private"
    CGNAT = "cgnat"
    EMBEDDED = "embedded"
    RESERVED = "reserved"

    @property
    def wording(self) -> Wording:
        """The kind of address in words, as a refusal names it."""
        return _KINDS[self]


_KINDS: Mapping[Refusal, Wording] = {
    Refusal.METADATA: Wording("a cloud's metadata service"),
    Refusal.NOWHERE: Wording("no single machine"),
    Refusal.LOOPBACK: Wording("this machine itself"),
    Refusal.LINK_LOCAL: Wording("a link-local address"),
    Refusal.PRIVATE: Wording("a private address"),
    Refusal.CGNAT: Wording("an address behind a carrier's NAT"),
    Refusal.EMBEDDED: Wording("an IPv4 address inside an IPv6 one"),
    Refusal.RESERVED: Wording("a reserved address"),
}
# never, even with allow_private: no callback has such an address, and a metadata service gives away credentials
_NEVER = (Refusal.METADATA, Refusal.NOWHERE)
# https://www.iana.org/assignments/iana-ipv4-special-registry/ and iana-ipv6-special-registry; the metadata services of
# AWS (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html) and Alibaba Cloud
_NETWORKS = tuple(
    (ip_network(network), refusal)
    for refusal, networks in {
        Refusal.METADATA: "169.254.169.254/32 169.254.170.2/32 100.100.100.200/32 fd00:ec2::254/128",
        Refusal.NOWHERE: "0.0.0.0/8 224.0.0.0/4 255.255.255.255/32 ::/128 ff00::/8",
        Refusal.LOOPBACK: "127.0.0.0/8 ::1/128",
        Refusal.LINK_LOCAL: "169.254.0.0/16 fe80::/10",
        Refusal.PRIVATE: "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10",
        Refusal.CGNAT: "100.64.0.0/10",
        Refusal.EMBEDDED: "::ffff:0:0/96 ::ffff:0:0:0/96 ::/96 64:ff9b::/96 64:ff9b:1::/48 2002::/16 2001::/32",
    }.items()
    for network in networks.split()
)


def refuse(address: str, *, allow_private: bool = False) -> Refusal | None:
    """Why we do not connect to an address; None for one we may. Metadata, multicast and 0.0.0.0 are never allowed."""
    ip = _address(address)
    if ip is None:
        return Refusal.RESERVED
    refusal = next((why for network, why in _NETWORKS if ip in network), None)
    if refusal is None:
        refusal = None if ip.is_global else Refusal.RESERVED
    if not allow_private or refusal in _NEVER:
        return refusal
    inside = _embedded(ip) if refusal is Refusal.EMBEDDED else None
    return refuse(str(inside), allow_private=True) if inside else None


def _embedded(ip: IPv4Address | IPv6Address) -> IPv4Address:
    if isinstance(ip, IPv6Address):
        if ip.sixtofour:
            return ip.sixtofour
        if ip.teredo:
            return ip.teredo[1]
    return IPv4Address(int(ip) & 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Guard:
    """The hosts that the operator named, and whether private addresses are allowed."""

    hosts: frozenset[str]
    allow_private: bool = False

    def admit(self, target: Target) -> None:
        """Raises ForbiddenError for a host that the operator has not named."""
        if target.host not in self.hosts:
            raise ForbiddenError(
                Wording("nobody named the host {host}; name it with --allow {host}", host=target.host)
            )

    def check(self, address: str) -> None:
        """Raises ForbiddenError for an address we do not connect to."""
        if refusal := refuse(address, allow_private=self.allow_private):
            told = Wording("{address} is {kind}", address=address, kind=refusal.wording)
            if refusal not in _NEVER:
                told = Wording("{told}; to test inside your own network, add --allow-private", told=told)
            raise ForbiddenError(told)
