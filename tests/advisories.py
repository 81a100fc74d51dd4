"""A fake database of vulnerabilities for `uv audit`."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Advisories(BaseHTTPRequestHandler):
    """A fake database of vulnerabilities, with one for a given package."""

    def do_POST(self) -> None:
        """Return the vulnerabilities of packages."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        queries = json.loads(body)["queries"]
        bad = self.server.bad  # type: ignore[attr-defined]
        hole = {"vulns": [{"id": "HOLE-1", "modified": "2026-01-01T00:00:00Z"}]}
        found = [hole if q["package"]["name"] == bad else {} for q in queries]
        self._answer({"results": found})

    def do_GET(self) -> None:
        """Return the details of the vulnerability."""
        self._answer({"id": "HOLE-1", "modified": "2026-01-01T00:00:00Z"})

    def _answer(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Suppress the log of requests."""


@contextmanager
def advisories(bad: str = "") -> Iterator[str]:
    """Serve the database locally; yield a script `uv` that uses it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    server.bad = bad  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    uv = Path(sys.executable).with_name("uv")
    try:
        yield (
            "#!/bin/sh\n"
            f'[ "$1" = audit ] && set -- "$@" --service-url={address}\n'
            f'exec "{uv}" "$@"\n'
        )
    finally:
        server.shutdown()
        server.server_close()
