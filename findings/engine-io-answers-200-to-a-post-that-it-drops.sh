#!/usr/bin/env bash
# engine.io 6.6.12, the transport of Socket.IO 4.8: while a connection by polling is being closed by the server, messages that the client
# posts are answered 200, and dropped.
#
# What it does: a client opens a connection with three plain requests, posts one message, and the server calls `close()` on the connection
# while no poll is pending, as is the case between two polls. Then the client posts a second message, and polls.
# What most people expect: the second message is handled, as the connection is still open for the client, or its request fails, so
# that the client knows and sends it again on the next connection.
# What happens: the request is answered 200 with the body `ok`, as the first one was, and no event tells the server of the message. The
# client learns of the end only by its next poll. Without an acknowledgement of the application the message is gone, and nobody knows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund engine.io@6.6.12 >/dev/null
cat >try.mjs <<'SCRIPT'
import { createServer } from 'node:http'
import { attach } from 'engine.io'
const http = createServer().listen(0, '127.0.0.1')
await new Promise((done) => http.on('listening', done))
const handled = []
let close
attach(http).on('connection', (connection) => {
  connection.on('message', (text) => handled.push(text))
  close = () => connection.close()
})
const url = `http://127.0.0.1:${http.address().port}/engine.io/?EIO=4&transport=polling`
const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1))
const post = async (text) => {
  const response = await fetch(`${url}&sid=${sid}`, { method: 'POST', body: `4${text}` })
  return `${response.status} ${await response.text()}`
}
const answers = [await post('first')]
close()
answers.push(await post('second'))
const poll = await (await fetch(`${url}&sid=${sid}`)).text()
console.log(`answers: ${answers.join(', ')}; handled: ${handled.join(', ')}; the next poll: ${poll.split('\x1e').includes('1') ? 'closed' : poll}`)
process.exit(0)
SCRIPT
node try.mjs | tee seen.txt
if grep -qxF 'answers: 200 ok, 200 ok; handled: first; the next poll: closed' seen.txt; then
  echo 'as described: the second message was answered 200, and dropped'
else
  echo 'changed: the second message was handled, or refused' >&2
  exit 1
fi
