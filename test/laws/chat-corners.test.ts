/** Corners where a channel meets another rule than its own: each was once wrong, or nearly. */
import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { PassThrough, Readable, Writable } from 'node:stream'
import { TLSSocket, createSecureContext } from 'node:tls'
import t, { type Test } from 'tap'
import { AsyncChat, type AsyncChatOptions, createChatServer } from '../../src/index.js'
import { cert, key } from '../support/tls.js'
import { Wire, comes, quiet, warningsOf } from '../support/told-wire.js'

/** A connection whose server end is not half-open, as Node makes it. */
async function sockets(t: Test): Promise<[near: Socket, far: Socket]> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [near] = (await once(server, 'connection')) as [Socket]
  server.close()
  t.teardown(() => (near.destroy(), far.destroy()))
  return [near, far]
}

t.test('AsyncChat: allowHalfOpen false ends after handleEnd, with the whole answer', async (t) => {
  const [near, far] = await sockets(t)
  const chat = new AsyncChat(near, {
    terminator: '\n',
    allowHalfOpen: false,
    async handleFrame() {
      await quiet()
      this.push(Buffer.alloc(3_000_000))
    },
  })
  let length = 0
  far.on('data', (chunk: Buffer) => (length += chunk.length)).end('go\n')
  await once(far, 'end')
  t.equal(length, 3_000_000)
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 })
})

t.test('AsyncChat: a process that stops reading does not keep what it says, after end() too', async (t) => {
  const chat = AsyncChat.spawn(process.execPath, ['-e', 'process.stdin.once("data", () => { console.log("last words"); process.exit() })'])
  const fate = new Promise<unknown>((resolve) => void chat.push('x\n'.repeat(2_500_000), resolve))
  chat.end()
  t.equal(String(await chat.readFrame('\n')), 'last words')
  t.match(await fate, { code: 'ERR_CHANNEL_CLOSED' })
  await chat.whenClosed
})

t.test('AsyncChat: a read in a hook leaves a running count as it was', async (t) => {
  const frames: string[] = []
  const wire = new Wire()
  const chat = new AsyncChat(wire, {
    terminator: 10,
    handleFrame: (frame) => void frames.push(frame.toString()),
    async handleDrain() {
      await this.readFrame('\n', { timeout: 5 }).catch(() => {})
    },
  })
  wire.say('0123')
  await quiet()
  t.equal(chat.getTerminator(), 6)
  chat.push(Buffer.alloc(70_000))
  await new Promise((resolve) => {
    setTimeout(resolve, 20)
  })
  wire.say('456789ABCDEF')
  await comes('the frame', () => frames.length > 0)
  t.equal(frames[0], '0123456789')
  chat.close()
})

t.test('AsyncChat: a read does not begin in a frame that is skipped, nor inside pieces of one', async (t) => {
  const seen: unknown[] = []
  const wire = new Wire()
  const chat = new AsyncChat(wire, {
    terminator: '\n',
    maxFrameLength: 4,
    overflow: 'discard',
    handleFrame: (frame) => void seen.push(frame.toString()),
    async handleDrain() {
      seen.push(await this.readFrame('\n').catch((error: { code: string }) => error.code))
    },
  })
  wire.say('longlong')
  await quiet()
  chat.push(Buffer.alloc(70_000))
  await quiet()
  wire.say('rest\nnext\n')
  await quiet()
  t.same(seen, ['ERR_INVALID_STATE', 'next'])
  chat.close()

  const inPieces = new Wire()
  let code = ''
  const other = new AsyncChat(inPieces, {
    terminator: { until: '\n', pieces: true },
    async handleFrame() {
      code ||= await this.readFrame('\n').then(() => 'read', (error: { code: string }) => error.code)
    },
  })
  inPieces.say('part')
  await quiet()
  t.equal(code, 'ERR_INVALID_STATE')
  other.close()
})

t.test('AsyncChat: a hand-over that nobody awaits, and whose peer goes, ends no process', async (t) => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  const [near, far] = await sockets(t)
  const errors: string[] = []
  const chat = new AsyncChat(near, {
    terminator: '\n',
    handleFrame() {
      void this.upgrade((socket) => new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ key, cert }) }), { before: 'go\n' })
    },
    handleClose: ({ error }) => void errors.push((error as NodeJS.ErrnoException)?.code ?? 'none'),
  })
  far.write('STARTTLS\n')
  await once(far, 'data')
  far.on('error', () => {}).resetAndDestroy()
  await chat.whenClosed
  await quiet()
  t.same([unhandled, errors.length], [[], 1])
  await t.rejects(chat.detach(), { code: 'ECONNRESET' })
})

t.test('ChatServer: close() does not wait for a dialogue whose peer says nothing', async (t) => {
  class Dialogue extends AsyncChat {
    override async handleConnect(): Promise<void> {
      for (let line; (line = await this.readFrame('\n')) !== null; ) this.push(line)
    }
  }
  const server = createChatServer(Dialogue).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  far.write('hello\n')
  await once(far, 'data')
  const ended = once(far, 'end')
  far.resume()
  await server.close({ drain: 1_000_000 })
  await ended
  t.throws(() => server.listen(0), { code: 'ERR_INVALID_STATE' })
})

t.test('AsyncChat: destroying one of its streams closes it', async (t) => {
  for (const name of ['splitter', 'producers'] as const) {
    const chat = new AsyncChat(new Wire())
    await quiet()
    chat[name].destroy()
    t.equal((await chat.whenClosed).error, undefined, name)
  }
})

t.test('AsyncChat: discardBuffers() during an upgrade drops what waits for the old transport', async (t) => {
  const chat = new AsyncChat(new Wire())
  await quiet()
  chat.pushWithProducer({ more: () => new Promise(() => {}) })
  const next = new Wire()
  const upgraded = chat.upgrade(() => next)
  await quiet()
  chat.discardBuffers()
  await upgraded
  t.equal(chat.transport, next)
  chat.close()
})

t.test('AsyncChat: one source that has nothing yet does not stop the reading, many do', async (t) => {
  const feed = new PassThrough()
  const wire = new Wire()
  const frames: string[] = []
  const chat = new AsyncChat(wire, {
    acOutBufferSize: 2 ** 21,
    terminator: '\n',
    handleConnect() {
      this.pushWithProducer(feed)
    },
    handleFrame: (frame) => (frames.push(frame.toString()), void feed.write(`${frame.toString()}!\n`)),
  })
  wire.say('hello\n')
  await quiet()
  t.same([frames, wire.heard], [['hello'], 'hello!\n'])
  chat.pushWithProducer(() => new Promise(() => {}))
  wire.say('again\n')
  await quiet()
  t.same(frames, ['hello'])
  chat.close()
})

t.test('AsyncChat: an endless input that is thrown away starves nobody', async (t) => {
  const readable = new Readable({
    read() {
      this.push('x'.repeat(1000))
    },
  })
  const writable = new Writable({ write: (_chunk, _encoding, done) => done() })
  const chat = new AsyncChat({ readable, writable }, { lingerTimeout: 1 })
  await quiet()
  chat.push('bye')
  chat.closeWhenDone()
  t.equal((await chat.whenClosed).error, undefined)
})

t.test('AsyncChat: what a read was cut in is told, and so is what it waited with', async (t) => {
  const seen: number[] = []
  const options: AsyncChatOptions = { handleEnd: ({ incomplete }) => void seen.push(incomplete) }
  const wire = new Wire()
  const chat = new AsyncChat(wire, options)
  const read = chat.readFrame('\n')
  wire.say('abc')
  wire.hangUp()
  await t.rejects(read, { code: 'ERR_FRAME_INCOMPLETE', length: 3 })
  await comes('the end', () => seen.length > 0)
  chat.close()
  t.same([seen, (await chat.whenClosed).incomplete], [[3], 3])

  const held = new Wire()
  const other = new AsyncChat(held)
  void other.readFrame('\n')
  held.say('abcd')
  await quiet()
  other.close()
  t.equal((await other.whenClosed).incomplete, 4)
})

t.test('AsyncChat: errors are told in their order, and handleDrain once', async (t) => {
  const seen: string[] = []
  let release: (() => void) | undefined
  const wire = new Wire()
  const chat = new AsyncChat(wire, {
    handleConnect: () => new Promise<void>((resolve) => (release = resolve)),
    handleError: (error) => void seen.push(error.message),
    handleDrain: () => void seen.push('drain'),
  })
  await quiet()
  for (const name of ['first', 'second']) {
    chat.pushWithProducer(() => Promise.reject(new Error(name)))
    await quiet()
  }
  for (let count = 0; count < 5; count++) {
    chat.push(Buffer.alloc(70_000))
    await quiet()
  }
  release?.()
  await quiet()
  t.same(seen, ['first', 'second', 'drain'])
  chat.close()
})

t.test('AsyncChat.connect: tells a TLS server by which name it was called, where that is a name', async (t) => {
  const names: string[] = []
  const context = createSecureContext({ key, cert })
  const server = createChatServer(AsyncChat, {
    tls: {
      SNICallback: (name, done) => {
        names.push(name)
        done(null, context)
      },
      key,
      cert,
    },
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close({ drain: 0 }))
  const { port } = server.address() as AddressInfo
  for (const options of [{ host: 'localhost', tls: { ca: cert } }, { host: '127.0.0.1', tls: { ca: cert } }]) {
    const chat = AsyncChat.connect({ port, ...options })
    await comes('the connection', () => chat.connected)
    chat.close()
  }
  t.same(names, ['localhost'])
})

t.test('AsyncChat: its tap is called on the channel', async (t) => {
  const wire = new Wire()
  const seen: unknown[] = []
  const chat = new AsyncChat(wire, {
    tap() {
      seen.push(this)
    },
  })
  chat.push('x')
  await quiet()
  t.equal(seen[0], chat)
  chat.close()
})

t.test('AsyncChat: asyncDispose hides no error; an abort of our own is none', async (t) => {
  const warnings = warningsOf(t)
  const wire = new Wire()
  const chat = new AsyncChat(wire)
  await quiet()
  wire.destroy(new Error('reset'))
  await chat[Symbol.asyncDispose]()
  const controller = new AbortController()
  const aborted = new AsyncChat(new Wire(), { signal: controller.signal })
  await quiet()
  controller.abort()
  await comes('the close', () => aborted.closed)
  await quiet()
  t.same(warnings, ['reset'])
})

t.test('AsyncChat: discard does not go with pieces, and says so at the call', async (t) => {
  const pair: AsyncChatOptions = { collectIncomingData() {}, foundTerminator() {} }
  t.throws(() => new AsyncChat(new Wire(), { ...pair, overflow: 'discard' }), { name: 'TypeError', message: /options.overflow/ })
  const chat = new AsyncChat(new Wire(), pair)
  t.throws(() => chat.setTerminator({ until: '\n', overflow: 'discard' }), { name: 'TypeError', message: /terminator.overflow/ })
  chat.setTerminator({ until: '\n', overflow: 'truncate' })
  chat.close()
  class Pair extends AsyncChat {
    override collectIncomingData(): void {}
    override foundTerminator(): void {}
  }
  const late = new Pair(new Wire(), { overflow: 'discard' })
  t.match((await late.whenClosed).error, { name: 'TypeError', message: /options.overflow/ })
  t.throws(() => new AsyncChat(new Wire(), { ...pair, handleFrame() {} }), { name: 'TypeError', message: /not both/ })
})

t.test('AsyncChat: a transport of something else than bytes is told to handleError', async (t) => {
  const seen: string[] = []
  const readable = new Readable({ objectMode: true, read() {} })
  const chat = new AsyncChat({ readable, writable: new PassThrough() }, {
    handleFrame() {},
    handleError: (error) => void seen.push((error as NodeJS.ErrnoException).code ?? ''),
    handleClose: ({ error }) => void seen.push(`close ${error?.name}`),
  })
  readable.push(42)
  await chat.whenClosed
  t.same(seen, ['ERR_INVALID_ARG_TYPE', 'close TypeError'])
})

t.test('ChatServer: a listener that throws keeps nobody from hearing of the end', async (t) => {
  const server = createChatServer(AsyncChat).listen(0, '127.0.0.1')
  t.teardown(() => server.close({ drain: 0 }))
  await once(server, 'listening')
  const accepted = once(server, 'channel') as Promise<[AsyncChat]>
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  const [chat] = await accepted
  server.on('channelError', () => {
    throw new Error('a listener of ours')
  })
  const thrown = new Promise<Error>((resolve) => {
    process.once('uncaughtException', resolve)
  })
  chat.close(new Error('odd'))
  t.match(await chat.whenClosed, { error: { message: 'odd' } })
  t.match(await thrown, { message: 'a listener of ours' })
  t.ok(chat.signal.aborted)
  far.destroy()
})
