import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { type Duplex, PassThrough, Transform } from 'node:stream'
import tls from 'node:tls'
import t, { type Test } from 'tap'
import { AsyncChat } from '../../src/chat/async-chat.js'
import type { AsyncChatOptions, CloseInfo } from '../../src/chat/chat-options.js'
import type { Detached } from '../../src/chat/hand-over.js'
import { settled, turns, withinTurns } from '../support/consumers.js'
import { everyCut } from '../support/cuts.js'
import { DUPLEX_CLASSES, type DuplexClass, duplexPair } from '../support/duplex-pair.js'
import { cert, key } from '../support/tls.js'
import { until } from '../support/until.js'

const secureContext = tls.createSecureContext({ key, cert })
const asServer = (transport: unknown): Duplex => new tls.TLSSocket(transport as net.Socket, { isServer: true, secureContext })
const asClient = (transport: unknown): Duplex => tls.connect({ socket: transport as net.Socket, host: 'localhost', ca: cert })

const EVENTS = ['connect', 'secure', 'end', 'readable', 'drain', 'finish', 'error', 'close', 'data']
const listenersOf = (stream: Duplex): string => EVENTS.map((event) => `${event} ${stream.listenerCount(event)}`).join()

interface Session {
  readonly chat: AsyncChat
  readonly near: Duplex
  readonly far: Duplex
  /** What the peer has read. */
  readonly received: () => string
}

/** A channel that is connected, and its peer. */
async function session(options: AsyncChatOptions = {}, Class?: DuplexClass): Promise<Session> {
  const [near, far] = duplexPair({}, Class)
  let text = ''
  far.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  const chat = new AsyncChat(near, options)
  await turns(1)
  return { chat, near, far, received: () => text }
}

/** Two sockets that are connected to each other. */
async function sockets(t: Test): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [[net.Socket], unknown]
  server.close()
  for (const socket of [near, far]) {
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
  }
  return [near, far]
}

/** The timers of at least 1 s that are set from now on, and not cleared. */
function liveTimers(t: Test): Set<unknown> {
  const live = new Set<unknown>()
  const { setTimeout, clearTimeout } = globalThis
  t.teardown(() => Object.assign(globalThis, { setTimeout, clearTimeout }))
  globalThis.setTimeout = ((action: () => void, ms: number) => {
    const timer = setTimeout(action, ms)
    if (ms >= 900) live.add(timer)
    return timer
  }) as typeof setTimeout
  globalThis.clearTimeout = (timer) => {
    live.delete(timer)
    clearTimeout(timer)
  }
  return live
}

const wrap = (): Duplex => new PassThrough()

/** All that is at hand: some versions of the platform's streams give it in one piece, some chunk by chunk. */
function all(stream: Duplex): string {
  let text = ''
  for (let chunk: Buffer | null; (chunk = stream.read() as Buffer | null) !== null; ) text += chunk.toString()
  return text
}

t.test('AsyncChat.upgrade: goes on over TLS on both sides, with what was pushed meanwhile in order', async (t) => {
  const [near, far] = await sockets(t)
  const server = new AsyncChat(near, {
    terminator: '\n',
    async handleFrame(line) {
      if (String(line) !== 'STARTTLS') {
        this.push(`${line.toString()}!\n`)
        return
      }
      this.push('before\n')
      const upgraded = this.upgrade(asServer, { before: 'go ahead\n' })
      for (const word of ['during 1\n', 'during 2\n']) this.push(word)
      await upgraded
      this.push('after\n')
    },
  })
  const client = new AsyncChat(far)
  client.push('STARTTLS\n')
  t.equal(String(await client.readFrame('\n')), 'before')
  t.equal(String(await client.readFrame('\n')), 'go ahead')
  const upgraded = client.upgrade(asClient)
  client.push('hello\n')
  t.equal(client.queuedBytes, 6, 'it waits for the new transport')
  await upgraded
  for (const word of ['during 1', 'during 2', 'after', 'hello!']) t.equal(String(await client.readFrame('\n')), word)
  t.ok((client.transport as tls.TLSSocket).authorized)
  t.ok((server.transport as tls.TLSSocket).encrypted)
  client.closeWhenDone()
  t.same(await Promise.all([client.whenClosed, server.whenClosed]), [
    { incomplete: 0, unsent: 0 },
    { incomplete: 0, unsent: 0 },
  ])
  t.ok(near.destroyed && far.destroyed, 'the sockets below are gone too')
})

t.test('AsyncChat.upgrade: takes a promise of a stream, and writes everything pushed before on the old one', async (t) => {
  const { chat, near, received } = await session()
  const [inner, outer] = duplexPair()
  let hadListeners = ''
  let seen = ''
  chat.push('one ')
  chat.pushWithProducer(['two ', 'three '])
  const upgraded = chat.upgrade(
    async (transport) => {
      t.equal(transport, near)
      hadListeners = listenersOf(near)
      seen = received()
      await turns(3)
      return inner
    },
    { before: 'four' },
  )
  chat.push('five ')
  await withinTurns(upgraded)
  chat.push('six')
  await turns(5)
  t.equal(seen, 'one two three four')
  t.match(hadListeners, /readable 0,drain 0,finish 0/, 'of ours is none but one that takes errors')
  t.equal(received(), 'one two three four')
  t.equal(all(outer), 'five six')
  t.equal(chat.transport, inner)
  outer.write('answer\n')
  t.equal(String(await chat.readFrame('\n')), 'answer')
  chat.close()
})

t.test('AsyncChat.upgrade: refuses where bytes were received that nobody has read, and changes nothing', async (t) => {
  const options: AsyncChatOptions = { terminator: '\n' }
  const rows: [name: string, prepare: (session: Session) => Promise<void>, length: number][] = [
    [
      'in the scanner',
      async ({ chat, far }) => {
        const read = chat.readFrame('\n')
        far.write('line\nmore')
        await read
      },
      4,
    ],
    ['in the splitter', async ({ chat }) => chat.splitter.pushBack(Buffer.from('ab')), 2],
    ['written to the splitter', async ({ chat }) => void chat.splitter.write('abc'), 3],
    [
      'in the transport',
      async ({ far, near }) => {
        far.write('plain')
        await turns(2)
        t.equal(near.readableLength, 5)
      },
      5,
    ],
  ]
  for (const [name, prepare, length] of rows) {
    const one = await session(options)
    const { chat, near, received } = one
    await prepare(one)
    let isWrapped = false
    const wrap = (): Duplex => {
      isWrapped = true
      return near
    }
    await t.rejects(chat.upgrade(wrap, { before: 'no' }), { code: 'ERR_UNREAD_INPUT', length }, name)
    chat.push('yes')
    await turns(3)
    t.equal(received(), 'yes', name)
    t.equal(isWrapped, false, name)
    t.equal(chat.closed, false, name)
    t.equal(chat.transport, near, name)
    t.equal((await withinTurns(chat.readFrame(length)))?.length, length, `${name}: they can still be read`)
    chat.close()
  }
})

t.test('AsyncChat.upgrade: gives unread bytes to the new layer when it is allowed to', async (t) => {
  const { chat, near, far } = await session()
  const read = chat.readFrame('\n')
  far.write('line\nabc')
  await read
  far.write('def')
  await turns(2)
  const upper = new Transform({ transform: (chunk: Buffer, _encoding, done) => done(null, chunk.toString().toUpperCase()) })
  await withinTurns(chat.upgrade(() => near.pipe(upper), { allowUnread: true }))
  far.write('\n')
  t.equal(String(await withinTurns(chat.readFrame('\n'))), 'ABCDEF')
  chat.close()
})

t.test('AsyncChat.upgrade: a client that speaks first is understood over TLS where unread bytes are allowed', async (t) => {
  const [near, far] = await sockets(t)
  const server = new AsyncChat(near)
  const client = tls.connect({ socket: far, host: 'localhost', ca: cert })
  client.write('hi\n')
  await until('the greeting has arrived', () => near.readableLength > 0)
  await server.upgrade(asServer, { allowUnread: true })
  t.equal(String(await server.readFrame('\n')), 'hi')
  server.close()
  client.destroy()
})

t.test('AsyncChat.upgrade: what `wrap` does wrong closes the channel, and is the error of the call', async (t) => {
  const destroyed = new PassThrough()
  destroyed.destroy()
  const rows: [name: string, wrap: (transport: unknown) => unknown, message: RegExp][] = [
    ['throws', () => { throw new Error('no wrap') }, /no wrap/],
    ['rejects', () => Promise.reject(new Error('no wrap')), /no wrap/],
    [
      'fails after the transport has, at which nobody else looks',
      async (transport) => {
        ;(transport as Duplex).destroy(new Error('torn'))
        await turns(3)
        throw new Error('no wrap')
      },
      /no wrap/,
    ],
    ['gives nothing', () => undefined, /"transport" argument/],
    ['gives no stream', async () => ({}), /"transport" argument/],
    ['gives one that is destroyed', () => destroyed, /not destroyed/],
  ]
  for (const [name, wrap, message] of rows) {
    const closes: CloseInfo[] = []
    const { chat, near } = await session({ handleClose: (info) => void closes.push(info) })
    let told: unknown
    const upgraded = chat.upgrade(wrap as () => Duplex)
    chat.push('for the new one', (error) => (told = error))
    await t.rejects(withinTurns(upgraded), { message }, name)
    const info = await withinTurns(chat.whenClosed)
    t.match(info.error?.message, message, name)
    t.equal(info.unsent, 1, name)
    t.match((told as Error).message, message, `${name}: the callback is told`)
    await turns(3)
    t.equal(closes.length, 1, name)
    t.ok(near.destroyed, name)
  }
})

t.test('AsyncChat.upgrade: a close meanwhile is a close, and is told once', async (t) => {
  const rows: [name: string, wrap: (inner: Duplex) => Duplex | Promise<Duplex>, isLate: boolean][] = [
    ['while all is written', (inner) => inner, false],
    ['while it is wrapped, for ever', () => new Promise(() => {}), true],
    ['while it is wrapped', (inner) => turns(6).then(() => inner), true],
    ['while it connects', (inner) => Object.assign(inner, { connecting: true }), true],
  ]
  for (const [name, wrap, isLate] of rows) {
    for (const reason of [undefined, new Error('enough')]) {
      const closes: CloseInfo[] = []
      const { chat, near } = await session({ handleClose: (info) => void closes.push(info) })
      const [inner] = duplexPair()
      const upgraded = chat.upgrade(() => wrap(inner))
      upgraded.catch(() => {})
      const isSettled = settled(upgraded)
      if (isLate) await turns(3)
      chat.close(reason)
      t.same(await withinTurns(chat.whenClosed), { ...(reason && { error: reason }), incomplete: 0, unsent: 0 }, name)
      await turns(10)
      t.equal(closes.length, 1, name)
      if (!name.endsWith('ever')) await t.rejects(withinTurns(upgraded), reason ?? { code: 'ERR_CHANNEL_CLOSED' }, name)
      else t.equal(isSettled(), false, `${name}: who wraps does not say how it went`)
      if (name !== 'while it connects') t.ok(near.destroyed, `${name}: the old transport`)
      if (name.includes('wrapped') && !name.endsWith('ever')) t.ok(inner.destroyed, `${name}: the new transport`)
    }
  }
})

t.test('AsyncChat.upgrade: closeWhenDone() meanwhile waits for the new transport', async (t) => {
  const { chat } = await session()
  const [inner, outer] = duplexPair()
  const upgraded = chat.upgrade(() => turns(3).then(() => inner))
  chat.push('last')
  chat.closeWhenDone()
  await withinTurns(upgraded)
  let text = ''
  outer.on('data', (chunk) => (text += String(chunk))).on('end', () => outer.end())
  t.same(await withinTurns(chat.whenClosed), { incomplete: 0, unsent: 0 })
  t.equal(text, 'last')
})

t.test('AsyncChat.upgrade: a handshake that fails ends the channel with its error', async (t) => {
  const [near, far] = await sockets(t)
  const errors: unknown[] = []
  const server = new AsyncChat(near, { handleError: (error) => void errors.push(error) })
  far.write('GO\n')
  await server.readFrame('\n')
  far.on('data', () => far.write('this is not TLS at all\r\n'))
  const upgraded = server.upgrade(asServer, { before: 'go ahead' })
  await t.rejects(upgraded, { code: /^ERR_SSL/ })
  const { error } = await server.whenClosed
  t.match((error as NodeJS.ErrnoException).code, /^ERR_SSL/)
  t.same(errors, [error])
})

t.test('AsyncChat.upgrade: a certificate that is not trusted ends the channel, and no hook thinks otherwise', async (t) => {
  const [near, far] = await sockets(t)
  const server = new AsyncChat(near, { handleError: () => {} })
  const client = new AsyncChat(far)
  const closed = client.whenClosed
  await turns(1)
  const [, outcome] = await Promise.allSettled([
    server.upgrade(asServer),
    client.upgrade((socket) => tls.connect({ socket: socket as net.Socket, host: 'localhost' })),
  ])
  t.match(outcome, { status: 'rejected', reason: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } })
  t.match(await closed, { error: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } })
  await server.whenClosed
})

t.test('AsyncChat.upgrade, detach: a peer that does nothing is idle, however long the hook waits for it', async (t) => {
  const calls: [name: string, call: (chat: AsyncChat) => Promise<unknown>][] = [
    ['a handshake', (chat) => chat.upgrade(asServer)],
    ['the last bytes before an upgrade', (chat) => chat.upgrade(asServer, { before: Buffer.alloc(16 * 1024 * 1024) })],
    [
      'the last bytes before a detach',
      (chat) => {
        chat.push(Buffer.alloc(16 * 1024 * 1024))
        return chat.detach()
      },
    ],
  ]
  for (const [name, call] of calls) {
    const [near] = await sockets(t)
    let failure: unknown
    const chat = new AsyncChat(near, {
      idleTimeout: 20,
      async handleConnect() {
        await call(this).catch((error: unknown) => (failure = error))
      },
    })
    const { error } = await chat.whenClosed
    t.match(error, { code: 'ERR_FRAME_TIMEOUT', message: /idle/ }, name)
    await turns(1)
    t.equal(failure, error, name)
  }
})

t.test('AsyncChat.upgrade: a wrap that takes its time is not the peer\'s fault', async (t) => {
  const kinds: string[] = []
  const { chat } = await session({ idleTimeout: 5, handleTimeout: (kind) => void kinds.push(kind) })
  const [inner] = duplexPair()
  const upgraded = chat.upgrade(async () => {
    await turns(3)
    kinds.length = 0
    await new Promise((resolve) => setTimeout(resolve, 50))
    t.same(kinds, [])
    return inner
  })
  await upgraded
  await until('it is idle again', () => kinds.length > 0)
  chat.close()
})

t.test('AsyncChat.upgrade: a peer that dies before all is written ends it', async (t) => {
  const { chat, near } = await session({ handleError: () => {} })
  chat.pushWithProducer({ more: () => new Promise<string>(() => {}) })
  const upgraded = chat.upgrade(() => near)
  upgraded.catch(() => {})
  await turns(2)
  near.destroy(new Error('peer died'))
  await t.rejects(withinTurns(upgraded), { message: 'peer died' })
  t.match(await withinTurns(chat.whenClosed), { error: { message: 'peer died' }, unsent: 1 })
})

t.test('AsyncChat.upgrade: the new transport may close before it is connected', async (t) => {
  const { chat } = await session()
  const [inner] = duplexPair()
  const upgraded = chat.upgrade(() => Object.assign(inner, { connecting: true }))
  await turns(3)
  inner.destroy()
  await t.rejects(withinTurns(upgraded), { code: 'ERR_CHANNEL_CLOSED' })
  t.same(await withinTurns(chat.whenClosed), { incomplete: 0, unsent: 0 })
})

t.test('AsyncChat.upgrade, detach: at the wrong moment nothing is changed', async (t) => {
  const calls: [name: string, call: (chat: AsyncChat) => Promise<unknown>][] = [
    ['upgrade', (chat) => chat.upgrade(wrap)],
    ['detach', (chat) => chat.detach()],
  ]
  for (const [name, call] of calls) {
    const [near] = duplexPair()
    const chat = new AsyncChat(near)
    await t.rejects(call(chat), { code: 'ERR_INVALID_STATE', message: new RegExp(`${name}\\(\\) before`) }, 'before it is connected')
    await turns(1)
    const first = chat.upgrade(() => new Promise(() => {}))
    first.catch(() => {})
    await t.rejects(call(chat), { code: 'ERR_INVALID_STATE', message: /closing or handed over/ }, 'during an upgrade')
    chat.close()
    await t.rejects(call(chat), { code: 'ERR_CHANNEL_CLOSED' }, 'when it is closed')
    const failed = await session({ handleError: () => {} })
    failed.chat.close(new Error('the reason'))
    await t.rejects(call(failed.chat), { message: 'the reason' }, 'when an error has closed it')
    const closing = await session()
    closing.chat.closeWhenDone()
    await t.rejects(call(closing.chat), { code: 'ERR_INVALID_STATE' }, 'after closeWhenDone()')
    closing.chat.close()
  }
  const ended = await session()
  ended.chat.end()
  await t.rejects(ended.chat.upgrade(wrap, { before: 'x' }), { code: 'ERR_INVALID_STATE', message: /after end\(\)/ })
  ended.far.write('still read\n')
  t.equal(String(await withinTurns(ended.chat.readFrame('\n'))), 'still read')
  ended.chat.close()
})

t.test('AsyncChat.upgrade: refuses wrong arguments, and changes nothing', async (t) => {
  const { chat, received } = await session()
  const rows: [args: unknown[], message: RegExp][] = [
    [[], /"wrap" argument must be a function. Received undefined/],
    [[5], /"wrap" argument must be a function. Received 5/],
    [[() => {}, null], /"options" argument must be an object. Received null/],
    [[() => {}, { before: 5 }], /"options.before" property .* Received 5/],
    [[() => {}, { allowUnread: 1 }], /"options.allowUnread" property must be a boolean. Received 1/],
  ]
  for (const [args, message] of rows) {
    await t.rejects((chat.upgrade as (...args: unknown[]) => Promise<void>)(...args), { name: 'TypeError', message })
  }
  chat.push('fine')
  await turns(3)
  t.equal(received(), 'fine')
  chat.close()
})

// The dialogue is small enough for every way of cutting it.
const DIALOGUE = Buffer.from('a\r\nGO\r\nxy\r')

type Styles = Record<string, (onGo: (chat: AsyncChat) => unknown, frames: string[]) => AsyncChatOptions>
const styles: Styles = {
  handleFrame: (onGo, frames) => ({
    terminator: '\r\n',
    handleFrame(frame) {
      frames.push(String(frame))
      return String(frame) === 'GO' ? (onGo(this) as void) : undefined
    },
  }),
  'collectIncomingData and foundTerminator': (onGo, frames) => ({
    terminator: '\r\n',
    collectIncomingData(data) {
      this.collect(data)
    },
    foundTerminator() {
      const frame = String(this.takeCollected())
      frames.push(frame)
      return frame === 'GO' ? (onGo(this) as void) : undefined
    },
  }),
  'reads in handleConnect': (onGo, frames) => ({
    async handleConnect() {
      for (;;) {
        const frame = String(await this.readFrame('\r\n'))
        frames.push(frame)
        if (frame === 'GO') return onGo(this) as void
      }
    },
  }),
}

for (const [style, optionsOf] of Object.entries(styles)) {
  t.test(`AsyncChat.detach: inside a hook gives exactly the bytes that nobody read, over every cut (${style})`, async (t) => {
    let count = 0
    for (const chunks of everyCut(DIALOGUE)) {
      count++
      const isAwaited = count % 2 === 0
      const frames: string[] = []
      let detached: Promise<Detached> | undefined
      const onGo = (chat: AsyncChat): unknown => {
        chat.push('bye')
        detached = chat.detach()
        return isAwaited ? detached : undefined
      }
      const { far, received } = await session(optionsOf(onGo, frames))
      for (const chunk of chunks) {
        far.write(chunk)
        if (count % 3 === 0) await turns(1)
      }
      await turns(4)
      const { transport, unread } = await (detached as unknown as Promise<Detached>)
      const written = received()
      await turns(1)
      let rest = Buffer.concat([unread])
      ;(transport as Duplex).on('data', (chunk: Buffer) => (rest = Buffer.concat([rest, chunk])))
      for (let i = 0; rest.length < 3 && i < 50; i++) await turns(1)
      if (String(rest) !== 'xy\r' || frames.join() !== 'a,GO' || written !== 'bye') {
        t.fail(JSON.stringify([chunks.map(String), frames, String(rest), written]))
      }
    }
    t.equal(count, 2 ** (DIALOGUE.length - 1))
  })
}

t.test('AsyncChat.detach: at any moment loses and repeats no byte, over every cut', async (t) => {
  const input = 'a\r\nbc\r\nd'
  let count = 0
  for (const chunks of everyCut(Buffer.from(input))) {
    for (let moment = 0; moment <= chunks.length; moment++) {
      count++
      let delivered = ''
      const { chat, far } = await session({ terminator: '\r\n', handleFrame: (frame) => void (delivered += `${frame.toString()}\r\n`) })
      const parts: Buffer[] = []
      const take = async (): Promise<void> => {
        const { transport, unread } = await chat.detach()
        parts.push(unread)
        ;(transport as Duplex).on('data', (chunk: Buffer) => parts.push(chunk))
      }
      for (const [index, chunk] of chunks.entries()) {
        if (index === moment) void take()
        far.write(chunk)
        if (count % 2 === 0) await turns(1)
      }
      if (moment === chunks.length) void take()
      const text = (): string => delivered + String(Buffer.concat(parts))
      for (let i = 0; text().length < input.length && i < 50; i++) await turns(1)
      if (text() !== input) t.fail(JSON.stringify([chunks.map((chunk) => chunk.length), moment, text()]))
    }
  }
  t.ok(count > 128)
})

for (const { name, Class } of DUPLEX_CLASSES) {
  t.test(`AsyncChat.detach: leaves nothing on the transport, and does not end it (${name})`, async (t) => {
    const timers = liveTimers(t)
    const [near, far] = duplexPair({ allowHalfOpen: false }, Class)
    const before = listenersOf(near)
    let isClosed = false
    const chat = new AsyncChat(near, {
      terminator: '\n',
      idleTimeout: 1000,
      frameTimeout: 1000,
      handleFrame() {},
      handleClose: () => void (isClosed = true),
    })
    const { signal, whenClosed } = chat
    await turns(1)
    far.write('part of a frame')
    await turns(2)
    // The queue is longer than the transport takes at once.
    const big = Buffer.alloc(300_000, 'x')
    chat.push(big)
    let told: unknown = 'not called'
    chat.push('end', (error) => (told = error))
    let length = 0
    far.on('data', (chunk: Buffer) => (length += chunk.length))
    t.equal(timers.size, 2)
    const detached = chat.detach()
    t.throws(() => chat.push('late'), { code: 'ERR_CHANNEL_CLOSED' })
    const { transport, unread } = await withinTurns(detached)
    t.equal(length, big.length + 3, 'all that was queued is written first')
    t.equal(told, null)
    t.equal(transport, near)
    t.equal(String(unread), 'part of a frame')
    t.equal(listenersOf(near), before)
    t.equal(near.allowHalfOpen, false)
    t.equal(near.destroyed, false)
    t.equal(near.writableEnded, false)
    t.same(await withinTurns(whenClosed), { incomplete: 0, unsent: 0 })
    t.ok(signal.aborted)
    t.ok(chat.closed)
    t.equal(chat.connected, false)
    t.equal(timers.size, 0, 'its two clocks are gone')
    t.throws(() => chat.push('later'), { code: 'ERR_CHANNEL_CLOSED' })
    chat.close()
    chat.closeWhenDone()
    await turns(3)
    t.equal(near.destroyed, false, 'it is not its any more')
    t.equal(isClosed, false, 'handleClose is not called')
    far.write('!')
    await turns(1)
    t.equal(all(near), '!')
    near.write('?')
    await turns(2)
    t.equal(length, big.length + 4)
  })
}

t.test('AsyncChat.detach: a read that waits is told', async (t) => {
  const { chat, far } = await session()
  const read = chat.readFrame('\n')
  far.write('half a li')
  await turns(2)
  const detached = chat.detach()
  await t.rejects(read, { code: 'ERR_CHANNEL_CLOSED', message: /detached/ })
  t.equal(String((await withinTurns(detached)).unread), 'half a li')
})

t.test('AsyncChat.detach: after end() the output is ended all the same, when all is written', async (t) => {
  const { chat, near, far, received } = await session({ acOutBufferSize: 8 })
  let isEnded = false
  far.on('end', () => (isEnded = true))
  chat.push('long enough for more than one write')
  chat.end()
  await withinTurns(chat.detach())
  t.equal(received(), 'long enough for more than one write')
  t.ok(near.writableEnded)
  await turns(3)
  t.ok(isEnded)
})

t.test('AsyncChat.detach: a peer that dies meanwhile is the error of the call, and of the channel', async (t) => {
  const [near, far] = await sockets(t)
  const errors: unknown[] = []
  const chat = new AsyncChat(near, { handleError: (error) => void errors.push(error) })
  await turns(1)
  const callbacks: unknown[] = []
  chat.push(Buffer.alloc(16 * 1024 * 1024), (error) => callbacks.push(error))
  const detached = chat.detach()
  detached.catch(() => {})
  await turns(2)
  far.resetAndDestroy()
  await t.rejects(detached)
  const { error, unsent } = await chat.whenClosed
  t.same(errors, [error])
  t.same(callbacks, [error])
  t.equal(unsent, 1)
  t.ok(near.destroyed)
})

t.test('AsyncChat.detach: close() meanwhile is a close', async (t) => {
  const { chat, near } = await session()
  chat.pushWithProducer({ more: () => new Promise<string>(() => {}) })
  const detached = chat.detach()
  detached.catch(() => {})
  await turns(1)
  chat.close()
  await t.rejects(withinTurns(detached), { code: 'ERR_CHANNEL_CLOSED' })
  t.same(await withinTurns(chat.whenClosed), { incomplete: 0, unsent: 1 })
  t.ok(near.destroyed)
})
