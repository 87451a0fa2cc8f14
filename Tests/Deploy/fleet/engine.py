# SPDX-License-Identifier: Apache-2.0
"""The current ClickHouse engine (chdb-core from PyPI) behind the part of ClickHouse's HTTP interface that rstwho-fleet uses.

    engine.py PORT DIRECTORY

For tests only. Parser, types, storage and errors are the engine's own; sockets, accounts and TLS are not. Statements run one
after the other.
"""
import gzip
import http.server
import re
import sys
import threading
import urllib.parse

from chdb import session

# Settings of the interface, which the engine behind it does not have.
OF_HTTP = {"wait_end_of_query", "enable_http_compression", "database", "query"}

engine = session.Session(sys.argv[2])
lock = threading.Lock()


def run(statement, settings):
    if re.match(r"\s*INSERT\b.*\bFORMAT\b", statement, re.I | re.S):
        assignments = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
        if assignments:
            statement = re.sub(r"\bFORMAT\b", f"SETTINGS {assignments} FORMAT", statement, count=1)
        if not statement.split("\n", 1)[1].strip():
            return b""
    with lock:
        result = engine.query(statement, "TabSeparated")
        return result.bytes() if result else b""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body, code=None):
        self.send_response(status)
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        if "gzip" in self.headers.get("Accept-Encoding", "") and body:
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(200, b"Ok.\n")

    def do_POST(self):
        options = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        try:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                try:
                    body = gzip.decompress(body)
                except (OSError, EOFError) as error:
                    raise RuntimeError(f"Code: 354. DB::Exception: inflate failed: {error}") from error
            text = body.decode("utf-8", "replace")
            statement = options["query"] + "\n" + text if "query" in options else text
            answer = run(statement, {name: value for name, value in options.items() if name not in OF_HTTP})
        except Exception as error:  # Whatever the engine says is the answer.
            text = str(error)
            code = re.search(r"Code: (\d+)", text)
            self.reply(500, text.encode(), code.group(1) if code else "1002")
        else:
            self.reply(200, answer)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
