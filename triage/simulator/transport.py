"""Hands the requests that go out to WeCom to the one played in this process: nothing of a demo leaves the machine."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from triage.simulator.wecom import ORIGIN, PlayedWecom


class _Transport(HTTPAdapter):
    """Answers in the place of a connection."""

    def __init__(self, wecom: PlayedWecom) -> None:
        super().__init__()
        self._wecom = wecom

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer to a request, as of a server."""
        url = urlsplit(request.url or "")
        body = json.loads(request.body or b"{}")
        answer = json.dumps(self._wecom.answer(url.path, dict(parse_qsl(url.query)), body)).encode()
        kind = {"Content-Type": "application/json"}
        raw = HTTPResponse(io.BytesIO(answer), kind, status=200, preload_content=False)
        return self.build_response(request, raw)


def open_session(wecom: PlayedWecom) -> requests.Session:
    """A session by which WeCom is the played one."""
    session = requests.Session()
    session.mount(ORIGIN, _Transport(wecom))
    return session
