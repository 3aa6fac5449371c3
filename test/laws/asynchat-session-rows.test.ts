/**
 * What asynchat does on sockets and pipes, and what its users complained about there; what `AsyncChat` does, over real
 * ones. The numbers are those of `test/support/asynchat-rows.ts`. A title says where asynchat does otherwise.
 */

import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, type Server, Socket, connect as dial, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { AsyncChat } from '../../src/chat/async-chat.js'
import type { AsyncChatOptions, CloseInfo } from '../../src/chat/chat-options.js'
import { createChatServer } from '../../src/chat/chat-server.js'
import { MemoryTransport, settle } from '../support/chat-session.js'
import { cert, key } from '../support/tls.js'
import { until } from '../support/until.js'

type Tap = Pick<typeof t, 'teardown'>

const HOST = '127.0.0.1'

async function listen(t: Tap, server: Server, path?: string): Promise<number> {
  server.listen(path ?? { port: 0, host: HOST })
  await once(server, 'listening')
  t.teardown(() => server.close())
  return path === undefined ? (server.address() as AddressInfo).port : 0
}

/** Two connected sockets: what a listener accepted, in a channel, and the peer's end. */
async function connectPair(t: Tap, options: AsyncChatOptions, path?: string): Promise<{ readonly chat: AsyncChat; readonly peer: Socket }> {
  const server = createServer({ allowHalfOpen: true })
  const port = await listen(t, server, path)
  const peer = dial(path === undefined ? { port, host: HOST, allowHalfOpen: true } : { path, allowHalfOpen: true })
  peer.on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [Socket]
  const chat = new AsyncChat(socket, options)
  t.teardown(() => {
    chat.close()
    peer.destroy()
  })
  return { chat, peer }
}

async function textOf(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

/** A path for a socket, removed afterwards. */
function socketPath(t: Tap): string {
  if (process.platform === 'win32') return String.raw`\\.\pipe\asynchat-${process.pid}`
  const folder = mkdtempSync(join(tmpdir(), 'asynchat-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'socket')
}

/** Hooks that count what they collect, and note errors and the close. */
function counting(): { readonly hooks: AsyncChatOptions; readonly errors: Error[]; readonly closes: CloseInfo[]; readonly length: () => number } {
  let length = 0
  const errors: Error[] = []
  const closes: CloseInfo[] = []
  return {
    hooks: {
      collectIncomingData: (data) => void (length += data.length),
      foundTerminator() {},
      handleError: (error) => void errors.push(error),
      handleClose: (info) => void closes.push(info),
    },
    errors,
    closes,
    length: () => length,
  }
}

t.test('AsyncChat: L01 B30 gets all that a peer on a Unix socket sent before it closed (there 65,536 bytes of 150,000)', async (t) => {
  const { hooks, length } = counting()
  const { chat, peer } = await connectPair(t, hooks, socketPath(t))
  peer.end('x'.repeat(150_000))
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 })
  t.equal(length(), 150_000)
})

t.test('AsyncChat: L02 gets all that comes through a pipe (there 16,384 bytes of 60,000)', async (t) => {
  const { hooks, length } = counting()
  const chat = AsyncChat.spawn(process.execPath, ['-e', 'process.stdout.write("x".repeat(60_000))'], { ...hooks, acInBufferSize: 16_384 })
  t.teardown(() => chat.close())
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 })
  t.equal(length(), 60_000)
})

t.test('AsyncChat: L03 B31 a half-closed peer gets the whole answer (there its first 65,536 bytes)', async (t) => {
  const ANSWER = 3_000_000
  const { chat, peer } = await connectPair(t, {
    terminator: '\n',
    handleFrame() {
      this.push('y'.repeat(ANSWER))
    },
  })
  peer.end('GET\n')
  t.equal((await textOf(peer)).length, ANSWER)
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 })
})

t.test('AsyncChat: L04 L11 B29 a reset is one error and one close (there two closes)', async (t) => {
  const { hooks, errors, closes } = counting()
  const { chat, peer } = await connectPair(t, hooks)
  peer.resetAndDestroy()
  await chat.whenClosed
  await settle()
  t.match(errors, [{ code: 'ECONNRESET' }])
  t.same(closes, [{ error: errors[0], incomplete: 0, unsent: 0 }])
})

t.test('AsyncChat: L05 a push to a peer that is gone gives false and says why, and calls no hook (there it closes inside the push)', async (t) => {
  const { hooks, errors, closes } = counting()
  const { chat, peer } = await connectPair(t, hooks)
  peer.resetAndDestroy()
  await chat.whenClosed
  const before = [errors.length, closes.length]
  const reasons: unknown[] = []
  t.equal(chat.push('late', (error) => void reasons.push(error)), false)
  t.same([errors.length, closes.length, chat.queuedBytes], [...before, 0])
  await settle()
  t.same(reasons, [errors[0]])
})

t.test('AsyncChat: O05 L06 sends what is pushed before the connection, and in handleConnect, in that order (as asynchat)', async (t) => {
  const states: boolean[] = []
  const server = createServer((socket) => socket.pipe(socket))
  const port = await listen(t, server)
  const chat = AsyncChat.connect({
    port,
    host: HOST,
    handleConnect() {
      states.push(this.connected)
      this.push('hook\n')
    },
  })
  t.teardown(() => chat.close())
  states.push(chat.connected)
  chat.push('first\n')
  t.same([String(await chat.readFrame('\n')), String(await chat.readFrame('\n'))], ['first', 'hook'])
  t.same(states, [false, true], 'connected, there not yet')
})

t.test('AsyncChat: L07 a refused connection is an error of handleError, then the close (as asynchat)', async (t) => {
  const server = createServer()
  server.listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const { hooks, errors, closes } = counting()
  const chat = AsyncChat.connect({ ...hooks, port, host: HOST })
  const reasons: unknown[] = []
  chat.push('never', (error) => void reasons.push(error))
  await chat.whenClosed
  await settle()
  t.match(errors, [{ code: 'ECONNREFUSED' }])
  t.same(closes, [{ error: errors[0], incomplete: 0, unsent: 1 }])
  t.same(reasons, [errors[0]])
})

t.test('AsyncChat: L08 waits for a socket that is not connecting yet (there the channel is closed)', async (t) => {
  const server = createServer((peer) => peer.pipe(peer))
  const port = await listen(t, server)
  const socket = new Socket()
  const chat = new AsyncChat(socket)
  t.teardown(() => chat.close())
  chat.push('early\n')
  await settle()
  t.same([chat.connected, chat.closed], [false, false])
  socket.connect(port, HOST)
  t.equal(String(await chat.readFrame('\n')), 'early')
})

t.test('AsyncChat: L09 B26 a hook that throws closes the channel with the original error (there a line on stdout)', async (t) => {
  const failure = new Error('not so')
  const { chat, peer } = await connectPair(t, {
    terminator: '\n',
    handleFrame() {
      throw failure
    },
  })
  peer.write('x\ny\n')
  const { error } = await chat.whenClosed
  t.equal(error, failure)
})

t.test('AsyncChat: B10 a frame that is too long is an error, which the peer can be told of (there it fills the memory)', async (t) => {
  const { chat, peer } = await connectPair(t, {
    terminator: '\n',
    maxFrameLength: 512,
    handleFrame() {},
    handleError(error) {
      this.push(`500 ${(error as { code?: string }).code}\n`)
      this.closeWhenDone()
    },
  })
  peer.end(`good\n${'x'.repeat(100_000)}\n`)
  t.equal(await textOf(peer), '500 ERR_FRAME_TOO_LONG\n')
  t.equal((await chat.whenClosed).error, undefined)
})

t.test('AsyncChat: B15 handleFrame gets characters whole, wherever they were cut (there they are cut too)', async (t) => {
  const line = 'žluťoučký kůň 🐎'
  const bytes = Buffer.from(`${line}\n`)
  for (let at = 1; at < bytes.length; at++) {
    const frames: string[] = []
    const transport = new MemoryTransport()
    const chat = new AsyncChat(transport, { terminator: '\n', handleFrame: (frame) => void frames.push(String(frame)) })
    for (const part of [bytes.subarray(0, at), bytes.subarray(at)]) {
      transport.push(part)
      await settle(1)
    }
    t.same(frames, [line], `cut at ${at}`)
    chat.close()
  }
})

t.test('AsyncChat: B27 close() never throws, also where handleClose does, and may be called again (there it ends the server)', async (t) => {
  const warnings: Error[] = []
  const listener = (warning: Error): void => void warnings.push(warning)
  process.on('warning', listener)
  t.teardown(() => process.removeListener('warning', listener))
  const failure = new Error('in handleClose')
  const { chat } = await connectPair(t, {
    handleClose() {
      throw failure
    },
  })
  t.doesNotThrow(() => chat.close())
  t.doesNotThrow(() => chat.close())
  await chat.whenClosed
  await until('a warning', () => warnings.length > 0)
  t.equal(warnings[0], failure, 'it is told as a warning')
  t.doesNotThrow(() => chat.close())
})

t.test('AsyncChat: B32 no hook runs after the close (there they do)', async (t) => {
  for (const closing of ['handleConnect', 'collectIncomingData', 'foundTerminator', 'handleEnd', 'handleError', 'handleDrain'] as const) {
    const calls: string[] = []
    const note = (name: string) =>
      function hook(this: AsyncChat): void {
        calls.push(name)
        if (name === closing) this.close()
      }
    const transport = new MemoryTransport()
    const chat = new AsyncChat(transport, {
      terminator: '\n',
      acOutBufferSize: 1,
      handleConnect: note('handleConnect'),
      collectIncomingData: note('collectIncomingData'),
      foundTerminator: note('foundTerminator'),
      handleEnd: note('handleEnd'),
      handleError: note('handleError'),
      handleDrain: note('handleDrain'),
      handleClose: note('handleClose'),
    })
    chat.push('more than one buffer')
    if (closing === 'handleError') {
      chat.pushWithProducer(() => {
        throw new Error('failed')
      })
    }
    transport.push('a\nb\n')
    transport.push(null)
    await chat.whenClosed
    await settle(4)
    t.equal(calls.indexOf(closing), calls.length - 2, `${closing}: ${calls.join(' ')}`)
    t.equal(calls.at(-1), 'handleClose')
  }
})

t.test('AsyncChat: B32 no hook runs after the close that waited for another one', async (t) => {
  const calls: string[] = []
  const hook = new EventEmitter()
  const chat = new AsyncChat(new MemoryTransport(), {
    async handleConnect() {
      calls.push('handleConnect')
      await once(hook, 'done')
    },
    handleError: () => void calls.push('handleError'),
    handleClose: () => void calls.push('handleClose'),
  })
  await settle()
  chat.pushWithProducer(() => {
    throw new Error('failed')
  })
  await settle()
  chat.close()
  hook.emit('done')
  await chat.whenClosed
  await settle()
  t.same(calls, ['handleConnect', 'handleClose'])
})

t.test('AsyncChat: B39 a silence can end a message: handleTimeout, in a channel with null (there a timer of one\'s own)', async (t) => {
  const messages: string[] = []
  const { chat, peer } = await connectPair(t, {
    terminator: null,
    idleTimeout: 20,
    handleFrame(data) {
      this.collect(data)
    },
    handleTimeout() {
      const message = String(this.takeCollected())
      if (message !== '') messages.push(message)
    },
  })
  for (const message of ['*IDN?', 'MEAS:VOLT?']) {
    const before = messages.length
    peer.write(message)
    await until('the silence', () => messages.length > before)
  }
  t.same(messages, ['*IDN?', 'MEAS:VOLT?'])
  t.equal(chat.closed, false)
})

t.test('AsyncChat: B40 works over TLS as it is (there by a mixin around every event)', async (t) => {
  const server = createChatServer((socket) => new AsyncChat(socket, {
    terminator: '\n',
    handleFrame(frame) {
      this.push(Buffer.concat([frame, Buffer.from('!\n')]))
    },
  }), { tls: { key, cert } })
  server.listen(0, HOST)
  await once(server, 'listening')
  t.teardown(() => server.close({ drain: 0 }))
  const chat = AsyncChat.connect({ port: (server.address() as AddressInfo).port, host: HOST, tls: { ca: cert, servername: 'localhost' } })
  t.teardown(() => chat.close())
  const long = 'x'.repeat(300_000)
  chat.push(`${long}\nb\n`)
  t.equal(String(await chat.readFrame('\n')), `${long}!`)
  t.equal(String(await chat.readFrame('\n')), 'b!')
  chat.closeWhenDone()
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 })
})

t.test('ChatServer: B41 each server has its own channels (there one map for all of them)', async (t) => {
  const servers = await Promise.all(['one', 'two'].map(async (name) => {
    const server = createChatServer((socket) => new AsyncChat(socket, {
      handleConnect() {
        this.push(`${name}\n`)
      },
    }))
    server.listen(0, HOST)
    await once(server, 'listening')
    t.teardown(() => server.close({ drain: 0 }))
    return server
  }))
  const chats = servers.map((server) => AsyncChat.connect({ port: (server.address() as AddressInfo).port, host: HOST }))
  for (const chat of chats) t.teardown(() => chat.close())
  t.same(await Promise.all(chats.map(async (chat) => String(await chat.readFrame('\n')))), ['one', 'two'])
  t.same(servers.map(({ channels }) => channels.size), [1, 1])
  await servers[0]?.close({ drain: 0 })
  t.same(servers.map(({ channels }) => channels.size), [0, 1])
})
