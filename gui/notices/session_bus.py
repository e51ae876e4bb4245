"""A connection to the session bus that never blocks: a socket in Qt's event loop, the wire format by jeepney.

Qt's own QtDBus cannot be used for calls with unsigned numbers (Notify is one): from Python every whole
number is sent as a signed one, which the service does not accept.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jeepney import HeaderFields, MatchRule, Message, MessageType
from jeepney.auth import BEGIN, Authenticator
from jeepney.bus import find_session_bus
from jeepney.bus_messages import message_bus
from jeepney.low_level import Parser
from PySide6.QtCore import QObject, QSocketNotifier, QStandardPaths, Signal

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Heard:
    """A message from the bus."""

    kind: MessageType
    sender: str | None
    """The sender's own name on the bus, which nobody else can take."""
    interface: str | None
    member: str | None
    answers: int
    """The number of the call it answers; 0 for none."""
    body: tuple[Any, ...]

    @property
    def is_error(self) -> bool:
        """The call failed."""
        return self.kind is MessageType.error


OnReply = Callable[[Heard], None]


class SessionBus(QObject):
    """Sends calls and hands on replies and signals; what is sent before the bus has answered is kept."""

    heard = Signal(Heard)
    """A signal of a service."""
    lost = Signal()
    """The bus is gone, or was never there."""

    def __init__(self, address: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._authenticator = Authenticator()
        self._parser: Any = Parser()  # jeepney is typed in part only
        self._serial = 0
        self._is_open = False
        self._unsent = bytearray()
        self._kept: list[bytes] = []
        self._waiting: dict[int, OnReply] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise
        descriptor = self._socket.fileno()
        self._reader = QSocketNotifier(descriptor, QSocketNotifier.Type.Read, self)
        self._reader.activated.connect(self._read)
        self._writer = QSocketNotifier(descriptor, QSocketNotifier.Type.Write, self)
        self._writer.activated.connect(self._write)
        self._write(self._authenticator.data_to_send() or b"")

    def call(self, message: Message, on_reply: OnReply | None = None) -> None:
        """Sends a call; `on_reply` is told the reply, an error reply included."""
        self._serial += 1
        if on_reply is not None:
            self._waiting[self._serial] = on_reply
        data = _serialised(message, self._serial)
        if self._is_open:
            self._write(data)
        else:
            self._kept.append(data)

    def listen(self, rule: MatchRule) -> None:
        """Has the bus send signals of this kind."""
        bus: Any = message_bus
        self.call(bus.AddMatch(rule))

    def close(self) -> None:
        """Leaves the bus."""
        self._reader.setEnabled(False)
        self._writer.setEnabled(False)
        self._waiting.clear()
        self._socket.close()

    def _read(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            self.lost.emit()
        elif self._is_open:
            for message in self._parser.feed(data):
                self._take(_heard(message))
        else:
            self._go_on(data)

    def _go_on(self, data: bytes) -> None:
        self._authenticator.feed(data)
        if self._authenticator.authenticated:
            self._is_open = True
            self._serial += 1
            hello = _serialised(message_bus.Hello(), self._serial)
            self._write(BEGIN + hello + b"".join(self._kept))
            self._kept.clear()

    def _take(self, message: Heard) -> None:
        if message.kind is MessageType.signal:
            self.heard.emit(message)
            return
        on_reply = self._waiting.pop(message.answers, None)
        if on_reply is not None:
            on_reply(message)

    def _write(self, data: object = b"") -> None:
        """Sends what it can; called by the notifier too, which hands over its descriptor."""
        if isinstance(data, bytes):
            self._unsent += data
        try:
            sent = self._socket.send(self._unsent) if self._unsent else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._unsent.clear()  # the reader hears of it
            sent = 0
        del self._unsent[:sent]
        self._writer.setEnabled(bool(self._unsent))


def _serialised(message: Any, serial: int) -> bytes:
    return message.serialise(serial)


def _heard(message: Any) -> Heard:
    fields: dict[HeaderFields, Any] = message.header.fields
    return Heard(
        message.header.message_type,
        fields.get(HeaderFields.sender),
        fields.get(HeaderFields.interface),
        fields.get(HeaderFields.member),
        fields.get(HeaderFields.reply_serial, 0),
        message.body,
    )


def open_session_bus(parent: QObject | None = None) -> SessionBus | None:
    """Connects to the session bus; None where there is none."""
    find: Any = find_session_bus
    try:
        address = str(find())
    except (KeyError, RuntimeError, ValueError, StopIteration):
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.RuntimeLocation)
        address = f"{folder}/bus"
    try:
        return SessionBus(address, parent)
    except OSError:
        return None
