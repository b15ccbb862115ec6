"""A network between a browser and a server, which can be cut, or fall silent, and be mended."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

from tests.browser.visiting import Site

_BYTES = 65_536
_LOOK_SECONDS = 0.05


class Network:
    """Passes on what comes to a port of its own; a ``Site`` at that port."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._target = ("127.0.0.1", int(site.address.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._flowing = threading.Event()
        self._flowing.set()
        self._refuses = False
        self.state: Any = None
        self._begin(self._accept)

    @property
    def address(self) -> str:
        """``http://host:port``, of the network's end."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def login_link(self) -> str:
        """The site's link, at this end of the network."""
        return self.address + self._site.login_link()[len(self._site.address) :]

    def cut(self) -> None:
        """Every connection ends, and none comes about."""
        self._refuses = True
        for one in list(self._open):
            _end(one)

    def fall_silent(self) -> None:
        """Nothing arrives any more, in either direction, and nobody is told."""
        self._flowing.clear()

    def mend(self) -> None:
        """What comes from now on is passed on; what was silent is lost."""
        for one in list(self._open):
            _end(one)
        self._refuses = False
        self._flowing.set()

    def close(self) -> None:
        """End it."""
        self.cut()
        self._flowing.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._refuses:
                _end(near)
                continue
            far = socket.create_connection(self._target)
            self._open |= {near, far}
            self._begin(self._pass, near, far)
            self._begin(self._pass, far, near)

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_BYTES):
                while not self._flowing.wait(_LOOK_SECONDS):
                    pass
                sink.sendall(data)
        for one in (source, sink):
            _end(one)
        self._open -= {source, sink}

    @staticmethod
    def _begin(act: Any, *arguments: Any) -> None:
        threading.Thread(target=act, args=arguments, daemon=True).start()


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
