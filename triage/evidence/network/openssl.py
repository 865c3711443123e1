"""openssl s_client. `Verify return code: 0` also stands where a port speaks no TLS: the certificate decides.

https://docs.openssl.org/master/man1/openssl-s_client/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.evidence.judgement import Finding, Part, sick, unreadable
from triage.evidence.paste import Paste

_MARKS = re.compile(
    r"^CONNECTED\(|^---$|^Certificate chain|^ *\d+ s:|^ *i:|^subject=|^issuer=|^depth=\d|"
    r"^verify (?:error|return)|^Verify return code: |"
    r"no peer certificate available|Cipher (?:is|   )|SSL handshake has read|"
    r"^Server certificate|^New, |^Verification|errno=\d+|"
    r"wrong version number|^Secure Renegotiation|^No client certificate|^Server public key|"
    r"^ *Protocol  ?:|SSL-Session|^notAfter|-----(?:BEGIN|END) CERT|^Server Temp Key|"
    r"^Peer sign|^[A-Za-z0-9+/=]{40,}$|"
    r"^CONNECTION ESTABLISHED$|^connect: \w|getaddrinfo: |"
    r"^Protocol version: |^Ciphersuite: |^Peer certificate: |^Hash used: |^Signature type: "
)
_STRONG = re.compile(
    r"^CONNECTED\(|no peer certificate available|^Verify return code: \d+ \([^()]*\)$|^depth=\d|"
    r"connect:errno=\d+|s_client|^CONNECTION ESTABLISHED$|^Peer certificate: ",
    re.MULTILINE,
)
_CODE = re.compile(r"Verify return code: (\d+)|verify error:num=(\d+)")
_BRIEF = re.compile(r"^Verification: OK$", re.MULTILINE)
"""What -brief prints instead of a code."""
_NO_TLS = re.compile(
    r"no peer certificate available|Cipher is \(NONE\)|wrong version number|unknown protocol"
)
_REFUSED = re.compile(r"connect:errno=111|Connection refused")
_UNREACHED = (
    ("connect_timeout", re.compile(r"connect:errno=110|connect: Connection timed out")),
    ("unreachable", re.compile(r"connect:errno=1(?:13|01)|connect: (?:No route|Network is)")),
    ("name_not_resolved", re.compile(r"getaddrinfo: .*|connect:errno=(?:0|2|22)\b")),
)
_PROOF = re.compile(
    r"CONNECTED\(|Certificate chain|subject=|depth=\d|Cipher is|no peer certificate|Peer certificate: "
)
_CODES = {
    10: "cert_expired",
    18: "self_signed",
    19: "self_signed",
    20: "chain_incomplete",
    21: "chain_incomplete",
}
"""Any other code but 0 is a certificate that does not verify: 62 another name, 9 not yet valid, 23 revoked."""


def read(paste: Paste) -> Iterator[Part]:
    """One part for each run."""
    if not paste.has("CONNECT", "erify", "depth=", "peer cert", "Peer cert", "s_client", "errno="):
        return
    strong = [i for i, line in enumerate(paste.lines) if _STRONG.search(line.strip()) and "curl" not in line]
    if not strong:
        return
    lines = [i for i, line in enumerate(paste.lines) if _MARKS.search(line.strip())]
    starts = [i for i in lines if paste.lines[i].strip().startswith("CONNECTED(")][1:]
    groups = [
        [i for i in lines if low <= i < high]
        for low, high in zip([0, *starts], [*starts, len(paste.lines)], strict=True)
    ]
    for group in groups:
        text = "\n".join(paste.lines[i].strip() for i in group)
        if _STRONG.search(text) or _CODE.search(text):
            yield Part("openssl", tuple(_judge(text)), tuple(group))


def _judge(text: str) -> Iterator[Finding]:
    if refused := _REFUSED.search(text):
        yield sick("connection_refused", refused[0])
        return
    for id_, pattern in _UNREACHED:
        if unreached := pattern.search(text):
            yield sick(id_, unreached[0])
            return
    if no_tls := _NO_TLS.search(text):
        yield sick("no_tls", no_tls[0])
        return
    codes = [int(a or b) for a, b in _CODE.findall(text)]
    bad = {_CODES.get(code, "bad_certificate"): code for code in codes if code}
    if "self_signed" in bad and "chain_incomplete" in bad:
        del bad["chain_incomplete"]
    for id_, code in bad.items():
        yield sick(id_, f"Verify return code {code}")
    if not bad and not _PROOF.search(text):
        yield unreadable("only_verify_line", "只有 Verify return code 一行")
    elif not codes and not _BRIEF.search(text):
        yield unreadable("truncated", "没有 Verify return code")
