"""`triage serve`: the service."""

from __future__ import annotations

import os

import click

from triage.cli._commands import Command
from triage.cli._language import gettext
from triage.cli._output import write
from triage.settings import load_settings
from triage.settings.console import own_address


@click.command(
    "serve",
    cls=Command,
    examples=(
        "triage serve",
        "triage serve --host 0.0.0.0 --port 80",
    ),
)
@click.option("--host", metavar="ADDRESS", help="The address to listen on (TRIAGE_HOST, 127.0.0.1).")
@click.option("--port", type=int, metavar="PORT", help="The port (TRIAGE_PORT, 8080).")
def command(host: str | None, port: int | None) -> None:
    """Run the service: the callbacks, the console, the API, health and metrics.

    With no settings at all it is a demo: a chat page in the browser, without any WeChat account.
    """
    from triage.web.serving.server import serve

    given = {"TRIAGE_HOST": host, "TRIAGE_PORT": port}
    chosen = {name: str(value) for name, value in given.items() if value is not None}
    settings = load_settings({**os.environ, **chosen})
    address = own_address(settings.host, settings.port)
    if settings.demo:
        words = gettext(
            "triage demo, no WeChat account is set\n"
            "what is sent there stays in {database}; stop with Ctrl-C\n\n"
            "open {address}/",
            address=address,
            database=settings.shown_database_url,
        )
    else:
        words = gettext(
            "triage listens on {address}; the callback is {address}/callback/wechat", address=address
        )
    serve(settings, lambda: write(words))
