"""Data of one turn of the loop is sent together; a mock clock ends waits; a client that resets has left."""

import asyncio
import functools
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from mock_heidi.serving.connection import BufferedTransport, Connection, Outbox
from mock_heidi.state.clock import Alarm, Clock


class Transport:
    """Keeps each piece of data that was written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return 5

    def get_extra_info(self, name: str) -> str:
        return f"the transport's {name}"


def buffered(outbox: Outbox | None = None) -> tuple[Transport, BufferedTransport]:
    transport: Any = Transport()
    return transport, BufferedTransport(transport, outbox or Outbox())


def in_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @functools.wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


# --- One turn ---------------------------------------------------------------------------------------------------------


@in_a_loop
async def test_data_of_one_turn_is_sent_as_one_write_after_it() -> None:
    transport, held = buffered()

    held.write(b"head")
    held.write(b"body")
    during = list(transport.written)
    await asyncio.sleep(0)
    held.write(b"next")
    await asyncio.sleep(0)

    assert during == []
    assert transport.written == [b"headbody", b"next"]


@in_a_loop
async def test_several_connections_are_served_in_the_same_turn_in_the_order_of_their_first_writes() -> None:
    outbox, order = Outbox(), list[bytes]()
    connections = [buffered(outbox) for _ in range(3)]
    for transport, _ in connections:
        transport.written = order

    for number in (2, 0, 1, 2):
        connections[number][1].write(b"%d" % number)
    await asyncio.sleep(0)

    assert order == [b"22", b"0", b"1"]


@in_a_loop
async def test_much_data_is_sent_at_once_and_only_once() -> None:
    transport, held = buffered()

    held.write(b"a" * 70_000)
    at_once = list(transport.written)
    await asyncio.sleep(0)

    assert at_once == transport.written == [b"a" * 70_000]


@in_a_loop
async def test_an_end_sends_the_buffered_data_first() -> None:
    transport, held = buffered()

    held.write(b"last")
    held.close()

    assert transport.written == [b"last"]
    assert transport.closed


@in_a_loop
async def test_an_ended_connection_gets_no_more_data() -> None:
    transport, held = buffered()

    held.write(b"late")
    transport.closed = True
    await asyncio.sleep(0)

    assert transport.written == []


@in_a_loop
async def test_buffered_data_counts_as_unsent() -> None:
    _, held = buffered()

    held.write(b"1234")
    during = held.get_write_buffer_size()
    await asyncio.sleep(0)

    assert (during, held.get_write_buffer_size()) == (9, 5)


@in_a_loop
async def test_everything_else_is_the_transports_own() -> None:
    _, held = buffered()

    assert held.get_extra_info("socket") == "the transport's socket"
    with pytest.raises(AttributeError):
        held.no_such_thing()


# --- Sleep ------------------------------------------------------------------------------------------------------------


@in_a_loop
async def test_an_alarm_ends_a_sleep_for_good() -> None:
    clock, alarm = Clock(0), Alarm()
    sleeping = asyncio.ensure_future(clock.wait(1_000_000, alarm))
    await asyncio.sleep(0)
    asleep = clock.awaited

    alarm.ring()
    await sleeping
    await clock.wait(1_000_000, alarm)

    assert asleep
    assert alarm.rung
    assert not clock.awaited


@in_a_loop
async def test_a_moved_clock_wakes_only_the_waits_that_are_due() -> None:
    clock = Clock(0)
    early, late = (asyncio.ensure_future(clock.wait(moment, Alarm())) for moment in (1_000, 60_000))
    await asyncio.sleep(0)

    clock.advance(1)
    await early
    await asyncio.sleep(0)

    assert not late.done()
    clock.advance(59)
    await late


@in_a_loop
async def test_a_past_time_is_not_waited_for() -> None:
    await Clock(5_000).wait(5_000, Alarm())


# --- A client that leaves ---------------------------------------------------------------------------------------------


class Unread(asyncio.Protocol):
    """A connection that is not read any more, so that the event loop does not notice its end."""

    def __init__(self, accepted: asyncio.Future[Connection]) -> None:
        self._accepted = accepted

    def connection_made(self, transport: Any) -> None:
        transport.pause_reading()
        self.connection = Connection(BufferedTransport(transport, Outbox()))
        self._accepted.set_result(self.connection)

    def connection_lost(self, _: Exception | None) -> None:
        self.connection.lose()


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="the system does not tell the state of a connection")
@in_a_loop
async def test_a_client_that_resets_the_connection_has_left_once_all_is_flushed() -> None:
    loop = asyncio.get_running_loop()
    accepted: asyncio.Future[Connection] = loop.create_future()
    server = await loop.create_server(lambda: Unread(accepted), "127.0.0.1", 0)
    async with server:
        with socket.create_connection(server.sockets[0].getsockname()) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection = await accepted

        await connection.flush()
        lost = connection.lost
        await connection.abort()

    assert lost
