"""A websocket client that reads frames as the server sends them."""

import base64
import os
import socket
import struct

import harness


class WebSocket:
    """A minimal websocket client (RFC 6455) that shows the server's frames one by one."""

    def __init__(self, port, path, headers=()):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=harness.LIMIT_S)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: Upgrade", "Upgrade: websocket",
                 "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *headers]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass
        if self.status != 101:
            self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def frames(self):
        """(opcode, payload) of each frame up to and including the close frame."""
        while True:
            first, second = self.file.read(2)
            length = second & 127
            if length == 126:
                length, = struct.unpack(">H", self.file.read(2))
            elif length == 127:
                length, = struct.unpack(">Q", self.file.read(8))
            payload = self.file.read(length)
            yield first & 15, payload
            if first & 15 == 8:
                self.socket.sendall(b"\x88\x80\0\0\0\0")
                self.close()
                return

    def everything(self):
        """All data joined, and the close code."""
        data, code = bytearray(), None
        for opcode, payload in self.frames():
            if opcode == 8:
                code, = struct.unpack(">H", payload[:2])
            elif opcode in (0, 1, 2):
                data += payload
        return bytes(data), code
