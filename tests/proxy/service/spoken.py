"""What an upstream says, in both dialects."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.config import DialectName
from tests.proxy.scripted import DONE, HELLO, line
from tests.proxy.service.hostile import Behaviour, saying


@dataclass(frozen=True)
class Spoken:
    """One dialect's words."""

    dialect: DialectName
    start: bytes
    """Begins an answer and is no content."""
    hello: tuple[bytes, ...]
    """The answer "Hello": first `Hel`, then the rest."""
    error: bytes
    """Says in the middle of a stream that the upstream is overloaded."""
    done: bytes
    """Ends a stream."""

    @property
    def well(self) -> Behaviour:
        """Answers as it should."""
        return saying(*self.hello)


CHAT = Spoken(
    "openai-chat",
    start=line({"id": "c1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}),
    hello=HELLO,
    error=line({"error": {"code": 502, "message": "the model fell over"}, "choices": []}),
    done=DONE,
)

_START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message",'
    b'"role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,'
    b'"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
)
_HEL = (
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    b'"content_block":{"type":"text","text":""}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"Hel"}}\n\n'
)
_LO = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"lo"}}\n\n'
)
_END = (
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn",'
    b'"stop_sequence":null},"usage":{"output_tokens":2}}\n\n'
)
_DONE = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
MESSAGES = Spoken(
    "anthropic-messages",
    start=_START,
    hello=(_START + _HEL, _LO, _END + _DONE),
    error=b"event: error\n"
    b'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
    done=_DONE,
)
