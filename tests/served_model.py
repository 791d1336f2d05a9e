"""A real OpenAI-compatible server on the loopback, for tests that measure a model."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


def said(text: str | None, stop: str = "stop", **more: Any) -> dict[str, Any]:
    """Return a choice in OpenAI's form."""
    return {"index": 0, "finish_reason": stop, "message": {"role": "assistant", "content": text, **more}}


class ServedModel:
    """Answers by a script: (number of the request, its body) → choice. `bodies` is what was asked; use as a context."""

    def __init__(self, script: Callable[[int, dict[str, Any]], dict[str, Any]]) -> None:
        self.bodies: list[dict[str, Any]] = []
        lock, bodies = threading.Lock(), self.bodies

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with lock:
                    bodies.append(body)
                    choice = script(len(bodies), body)
                reply = {
                    "id": "1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice],
                    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                }  # fmt: skip
                data = json.dumps(reply).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.port = self._server.server_port
        self.address = f"http://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> ServedModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
