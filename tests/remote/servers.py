"""Servers on loopback, each on a free port, stopped at the end: the real ones from tests/servers/install, a web server with
ranges, and a proxy that does to responses what networks do."""

import base64
import contextlib
import http.client
import http.server
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

FOLDER = pathlib.Path(sys.prefix)  # tests run with the Python of tests/servers/install
START_LIMIT_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, log):
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} doesn't answer:\n{pathlib.Path(log).read_text()}")


def end_group(process):
    """Ends a process started in a session of its own, and its children: servers such as azurite are several processes."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)


@contextlib.contextmanager
def program(argv, port, work, environment=None):
    """A server process that runs until the block ends; its output goes to a file in `work`."""
    log = pathlib.Path(work) / f"{pathlib.Path(argv[0]).name}-{port}.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=work,
                                   env={**os.environ, **(environment or {})}, start_new_session=True)
    try:
        wait_for_port(port, process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        end_group(process)


def versitygw(work, access_key, secret_key):
    """S3, strict about signatures."""
    port = free_port()
    store = pathlib.Path(work) / f"versitygw-{port}"
    store.mkdir()
    return program([FOLDER / "bin/versitygw", "--access", access_key, "--secret", secret_key, "--port", f"127.0.0.1:{port}",
                    "posix", store], port, work)


def moto(work):
    """S3 that accepts any signature, with STS and instance metadata."""
    port = free_port()
    return program([FOLDER / "bin/moto_server", "-H", "127.0.0.1", "-p", str(port)], port, work)


def fake_gcs(work):
    port = free_port()
    return program([FOLDER / "bin/fake-gcs-server", "-scheme", "http", "-host", "127.0.0.1", "-port", str(port),
                    "-public-host", f"127.0.0.1:{port}", "-external-url", f"http://127.0.0.1:{port}", "-backend", "memory"],
                   port, work)


AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def azurite(work):
    port = free_port()
    return program([FOLDER / "bin/node", FOLDER / "node/node_modules/azurite/dist/src/blob/main.js", "--blobHost", "127.0.0.1",
                    "--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck", "--silent"], port, work)


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def respond(self, status, data=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name in headers or {}):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # the client closed the connection


@contextlib.contextmanager
def serving(handler, tls=None, **state):
    """Serves `handler`, which finds `state` as attributes of self.server, until the block ends. `tls`: the files of a certificate and its key."""
    server = Server(("127.0.0.1", 0), handler)
    for name, value in state.items():
        setattr(server, name, value)
    server.url = f"http://127.0.0.1:{server.server_port}"
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Request:
    method: str
    path: str
    headers: http.client.HTTPMessage


class FileHandler(Quiet):
    """Files from memory, with ranges and ETags; PUT writes. server: files {path: bytes}, requests, options."""

    def handle_any(self):
        server = self.server
        body = self.body()
        path = self.path.partition("?")[0]
        server.requests.append(Request(self.command, self.path, self.headers))
        refusal = server.guard(self) if server.guard else None
        if refusal:
            return self.respond(*refusal)
        if self.command == "PUT":
            server.files[path] = body
            return self.respond(201)
        if path not in server.files:
            return self.respond(404)
        data = server.files[path]
        headers = {**({"ETag": f'"{hash(data) & 0xFFFFFFFF:x}"'} if server.etags else {}), **server.headers}
        if server.ranges:
            headers["Accept-Ranges"] = "bytes"
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not (server.ranges and wanted):
            return self.respond(200, data, headers)
        first, last = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
        if first >= len(data):
            return self.respond(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return self.respond(206, data[first:last + 1], headers)

    do_GET = do_HEAD = do_PUT = do_DELETE = handle_any


def files(content=None, ranges=True, etags=True, guard=None, tls=None):
    """`guard(handler)` may return (status, body, headers): what is returned instead. .headers: more of each response."""
    return serving(FileHandler, tls, files=dict(content or {}), requests=[], ranges=ranges, etags=etags, guard=guard, headers={})


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass
class Fault:
    """A fault that the proxy applies to one response."""
    status: int = 0  # sent instead of forwarding the request
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0
    cut_after: int | None = None  # bytes of the body, after which the connection is closed
    claim: int | None = None  # a wrong Content-Length to send
    flip: int | None = None  # index of a byte of the body to change
    ignore_range: bool = False
    bytes_per_s: int | None = None  # of the body
    lost: bool = False  # the request is forwarded, and the connection closed
    answer: bytes | None = None  # the request is forwarded, and this is sent with status 200


class ProxyHandler(Quiet):
    def handle_any(self):
        server = self.server
        body = self.body()
        request = Request(self.command, self.path, self.headers)
        server.requests.append(request)
        fault = server.fault(request) or Fault()
        time.sleep(fault.delay_s)
        if fault.status:
            return self.respond(fault.status, fault.body, fault.headers)
        upstream = http.client.HTTPConnection(server.upstream, timeout=30)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # Host, too: it is signed
            if name.lower() in ("transfer-encoding", "content-length", "expect", "connection"):
                continue
            if not (fault.ignore_range and name.lower() == "range"):
                upstream.putheader(name, value)
        if body or self.command in ("PUT", "POST"):
            upstream.putheader("Content-Length", str(len(body)))
        upstream.endheaders(body)
        response = upstream.getresponse()
        data = bytearray(response.read())
        upstream.close()
        if fault.lost:
            self.close_connection = True
            return None
        if fault.answer is not None:
            return self.respond(200, fault.answer)
        size = response.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(fault.claim if fault.claim is not None else size or 0))
        self.end_headers()
        if self.command == "HEAD":
            return None
        if fault.flip is not None and fault.flip < len(data):
            data[fault.flip] ^= 0xFF
        if fault.cut_after is not None:
            self.wfile.write(data[:fault.cut_after])
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        self.send_slowly(data, fault.bytes_per_s) if fault.bytes_per_s else self.wfile.write(data)
        if fault.claim is not None:
            self.close_connection = True
        return None

    def send_slowly(self, data, bytes_per_s):
        step = max(1, bytes_per_s // 10)
        for offset in range(0, len(data), step):
            self.wfile.write(data[offset:offset + step])
            time.sleep(step / bytes_per_s)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any


def proxy(url, fault=lambda request: None):
    """Forwards requests to `url`, records them in .requests, and applies the Fault that `fault(request)` returns to each response."""
    return serving(ProxyHandler, upstream=url.removeprefix("http://"), fault=fault, requests=[])
