"""Serves a function from bytes to bytes over HTTP with the standard library alone, for the two Python SDKs; it runs in their Pythons."""

import os
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import ThreadingUnixStreamServer


class _UnixServer(ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


def serve(listen, handle):
    """Listens until standard input ends, which it does when whoever started this is gone.

    Args:
        listen: `127.0.0.1:PORT`, where port 0 is any free one, or `unix:PATH`.
        handle: From the bytes of a request to those of its response.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections open

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                status, answer = 200, handle(body)
            except Exception:  # noqa: BLE001  whatever a function raises is told, and answered as the SDK has it
                traceback.print_exc()
                status, answer = 500, b""
            self.send_response(status)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            """Only failures are of interest."""

    if listen.startswith("unix:"):
        server = _UnixServer(listen.removeprefix("unix:"), Handler)
        print("listening on", listen, flush=True)
    else:
        host, port = listen.split(":")
        server = _Server((host, int(port)), Handler)
        print(f"listening on {host}:{server.server_address[1]}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    server.shutdown()
    server.server_close()
    if listen.startswith("unix:"):
        os.unlink(listen.removeprefix("unix:"))
