"""Says who it is. `GET /slow?ms=50` answers late; `/degrade` and `/recover` change what `/health` says."""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

host, port, instance, zone = sys.argv[1:]


degraded = False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 4096  # head and body in one piece

    def do_GET(self):
        ms = parse_qs(urlsplit(self.path).query).get("ms", ["0"])[0]
        time.sleep(float(ms) / 1000)
        global degraded
        degraded = {"/degrade": True, "/recover": False}.get(self.path, degraded)
        body = f"{instance} in zone {zone}\n".encode()
        self.send_response(200)
        if degraded and self.path == "/health":
            self.send_header("x-degraded", "cold cache")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
