"""A client of python-socketio: takes one command a line on stdin, writes one JSON array a line to stdout."""

import asyncio
import json
import sys

import socketio

url, transport, join = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = socketio.AsyncClient(reconnection_delay=0.1, reconnection_delay_max=0.5)


def tell(*what):
    print(json.dumps(what), flush=True)


# As docs/serve.md advises: called at each connection, with the token of the first.
def auth():
    return join


@client.on("joined")
async def joined(payload):
    join["token"] = payload.get("token", join.get("token"))
    tell("joined", payload)


@client.on("*")
async def anything(event, *args):
    tell(event, *args)


async def obey(command, event, payload):
    if payload is not None and "bytes" in payload:
        payload["image"] = bytes(payload.pop("bytes"))
    if command == "emit":
        await client.emit(event, payload)
    else:
        tell("answer", await client.call(event, payload, timeout=20))


async def main():
    transports = None if transport == "both" else [transport]
    await client.connect(url, socketio_path="/chat", auth=auth, transports=transports)
    lines = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        try:
            await obey(*json.loads(line))
        except Exception as error:
            tell("failed", type(error).__name__)
    await client.disconnect()


asyncio.run(main())
