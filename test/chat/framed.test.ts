import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { Duplex, PassThrough, Writable } from 'node:stream'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import t from 'tap'
import { Framed, type FramedOptions, framed } from '../../src/chat/framed.js'
import { type Codec, jsonLines, lines, netstring } from '../../src/index.js'
import { listOf, settled, turns, withinTurns } from '../support/consumers.js'
import { DUPLEX_CLASSES, duplexPair } from '../support/duplex-pair.js'
import { cert, key } from '../support/tls.js'
import { Wire, comes, quiet } from '../support/told-wire.js'
import { until } from '../support/until.js'

const line = (): Codec<string> => lines({ ending: 'lf' })

interface Seen {
  readonly messages: string[]
  readonly events: string[]
}

/** All that is delivered, and told. */
function watch(stream: Framed<any, any>): Seen {
  const seen: Seen = { messages: [], events: [] }
  stream.on('data', (message) => seen.messages.push(String(message)))
  for (const event of ['end', 'finish', 'close']) stream.on(event, () => seen.events.push(event))
  stream.on('error', (error: Error & { code?: string }) => seen.events.push(error.code ?? error.message))
  return seen
}

function over(wire: Wire, options?: FramedOptions<string>, codec: Codec<string> = line()): { stream: Framed<string>; seen: Seen } {
  const stream = new Framed<string>(wire, codec, options)
  return { stream, seen: watch(stream) }
}

/** A transport of two streams. */
function pairOf(): { readable: PassThrough; writable: Writable & { heard: string } } {
  const writable = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        writable.heard += String(chunk)
        done()
      },
    }),
    { heard: '' },
  )
  return { readable: new PassThrough(), writable }
}

for (const { name, Class } of DUPLEX_CLASSES) {
  t.test(`Framed: gives the peer's messages and writes ours, over a Duplex of ${name}`, async (t) => {
    const [here, there] = duplexPair({}, Class)
    const client = framed<any>(here, jsonLines())
    const server = new Framed<any>(there, jsonLines())
    t.equal(client.transport, here)
    client.write({ a: 1 })
    client.end({ b: 2 })
    for await (const request of server) server.write([request])
    server.end()
    t.same(await withinTurns(listOf(client)), [[{ a: 1 }], [{ b: 2 }]])
    await comes('both are closed', () => client.closed && server.closed)
  })
}

t.test('Framed: ends each side alone', async (t) => {
  const wire = new Wire()
  const { stream, seen } = over(wire)
  wire.say('a\n')
  wire.hangUp()
  await quiet()
  t.same(seen, { messages: ['a'], events: ['end'] })
  t.equal(wire.hasHeardEnd, false)
  stream.end('b')
  await quiet()
  t.same([wire.heard, wire.hasHeardEnd, seen.events], ['b\n', true, ['end', 'finish', 'close']])
  t.equal(wire.destroyed, true)

  const other = new Wire()
  const { stream: first, seen: told } = over(other)
  first.end('a')
  await quiet()
  t.same([other.heard, other.hasHeardEnd, told.events], ['a\n', true, ['finish']])
  other.say('b\n')
  other.hangUp()
  await quiet()
  t.same(told, { messages: ['b'], events: ['finish', 'end', 'close'] })
})

t.test('Framed: goes on writing when all was iterated', async (t) => {
  const wire = new Wire()
  const stream = new Framed<string>(wire, line())
  wire.say('a\nb\n')
  wire.hangUp()
  for await (const text of stream) stream.write(`got ${text}`)
  stream.end('bye')
  await once(stream, 'close')
  t.equal(wire.heard, 'got a\ngot b\nbye\n')
})

t.test('Framed: reads the peer only as fast as its messages are taken', async (t) => {
  const wire = new Wire({ highWaterMark: 4 })
  const stream = new Framed<string>(wire, line())
  wire.say('0\n1\n')
  await quiet()
  for (let index = 2; index < 10; index++) wire.say(`${index}\n`)
  await quiet()
  t.same([wire.readableLength, stream.bufferedLength, stream.readableLength], [16, 4, 0], 'nobody reads')
  const seen: unknown[] = []
  for (let message; (message = stream.read()) !== null; ) {
    seen.push(message)
    if (seen.length === 1) t.equal(wire.readableLength, 16, 'there is some of it still')
  }
  t.same(seen, Array.from({ length: 10 }, (_, index) => String(index)))
  stream.destroy()
})

t.test('Framed: says that it is enough while the peer takes nothing', async (t) => {
  const wire = new Wire({ highWaterMark: 10 })
  const stream = new Framed<string>(wire, line(), { writableHighWaterMark: 2 })
  wire.stopListening()
  const big = 'x'.repeat(70_000)
  const written: number[] = []
  await quiet(2)
  const answers = [1, 2, 3, 4].map((index) => stream.write(big, () => written.push(index)))
  t.equal(answers.at(-1), false)
  await quiet()
  t.same(written, [])
  wire.listenAgain()
  for (let round = 0; round < 200 && written.length < 4; round++) {
    wire.listenAgain()
    await quiet(1)
  }
  t.same(written, [1, 2, 3, 4])
  stream.end()
  await comes('all was heard', () => wire.hasHeardEnd)
  t.equal(wire.heard, `${big}\n`.repeat(4))
  stream.destroy()
})

t.test('Framed: lets a codec that is set rule the next byte of both sides', async (t) => {
  const wire = new Wire()
  const stream = new Framed<any>(wire, line())
  const seen: string[] = []
  stream.on('data', (message) => {
    seen.push(String(message))
    if (seen.length === 1) stream.setCodec(netstring())
  })
  wire.say('a\n1:b,')
  await quiet()
  t.same(seen, ['a', 'b'])
  stream.write(Buffer.from('cd'))
  await quiet()
  t.equal(wire.heard, '2:cd,')
  t.throws(() => stream.setCodec({} as Codec<string>), { code: 'ERR_INVALID_ARG_TYPE' })
  stream.destroy()
})

t.test('Framed: tells who ended it when it is destroyed before all is written', async (t) => {
  for (const error of [undefined, new Error('gone')]) {
    const stream = new Framed<string>(new Duplex({ read() {}, write() {} }), line())
    const told: unknown[] = []
    stream.on('error', (reason) => told.push(reason.message)).write('a')
    stream.end((reason?: Error | null) => told.push(`end ${reason?.message}`))
    await turns(3)
    t.same(told, [], 'it waits')
    stream.destroy(error)
    await turns(3)
    t.same(new Set(told), new Set(error === undefined ? ['end The stream is destroyed'] : ['end gone', 'gone']))
  }
})

t.test('Framed: refuses a message that cannot be said, with nothing of it written', async (t) => {
  const wire = new Wire()
  const { stream, seen } = over(wire)
  stream.write('good')
  await quiet()
  stream.write('b\nd')
  await quiet()
  t.equal(wire.heard, 'good\n')
  t.match(seen.events, [/LF|terminator|line|ERR/i, 'close'])
})

async function* failing(): AsyncGenerator<string> {
  yield 'part'
  throw new Error('on the way')
}

t.test('Framed: fails with a message that fails as it is made', async (t) => {
  const wire = new Wire()
  const { stream, seen } = over(wire, {}, { ...line(), encode: failing })
  stream.write('x')
  await quiet()
  t.same(seen.events, ['on the way', 'close'])
  t.equal(wire.destroyed, true)
})

t.test('Framed: tells a peer that broke the protocol, once, after all that was written before', async (t) => {
  const wire = new Wire({ highWaterMark: 10 })
  const told: string[] = []
  const errorReply = (error: Error): string => {
    told.push((error as Error & { code: string }).code)
    return 'error: bad'
  }
  const { stream, seen } = over(wire, { errorReply, maxFrameLength: 3 })
  wire.stopListening()
  await quiet()
  const big = 'x'.repeat(70_000)
  stream.cork()
  for (let index = 0; index < 3; index++) stream.write(big)
  wire.say('a\n', 'bcdef\n', 'g\n')
  await quiet()
  t.same(seen, { messages: ['a'], events: [] }, 'it waits for what is to be written')
  wire.say('more\n')
  for (let round = 0; round < 200 && !wire.destroyed; round++) {
    wire.listenAgain()
    await quiet(1)
  }
  t.equal(wire.heard, `${`${big}\n`.repeat(3)}error: bad\n`)
  t.equal(wire.hasHeardEnd, true)
  t.same(seen, { messages: ['a'], events: ['ERR_FRAME_TOO_LONG', 'close'] })
  t.same(told, ['ERR_FRAME_TOO_LONG'])
})

t.test('Framed: is destroyed at once where there is nothing to say, or it cannot be said', async (t) => {
  const replies: readonly [name: string, options: FramedOptions<string>, isEnded: boolean, heard: string][] = [
    ['no errorReply', {}, false, ''],
    ['none this time', { errorReply: () => undefined }, false, ''],
    [
      'one that fails',
      {
        errorReply: () => {
          throw new Error('no')
        },
      },
      false,
      '',
    ],
    ['one that cannot be said', { errorReply: () => 'a\nb' }, false, ''],
    ['after the last of our own', { errorReply: () => 'bad' }, true, ''],
  ]
  for (const [name, options, isEnded, heard] of replies) {
    const wire = new Wire()
    const { stream, seen } = over(wire, { ...options, maxFrameLength: 3 })
    if (isEnded) stream.end()
    wire.say('abcd\n')
    await quiet()
    t.equal(wire.heard, heard, name)
    t.ok(seen.events.includes('ERR_FRAME_TOO_LONG'), name)
    t.equal(seen.events.at(-1), 'close', name)
    t.equal(wire.destroyed, true, name)
  }
})

t.test('Framed: waits for a peer that broke the protocol and takes nothing no longer than a while', async (t) => {
  const wire = new Wire()
  const { seen } = over(wire, { errorReply: () => 'bad', maxFrameLength: 3 })
  wire.stopListening()
  wire.say('abcd\n')
  wire.hangUp()
  await quiet()
  t.same(seen.events, [])
  await until('it is closed', () => wire.destroyed)
  await quiet()
  t.same(seen.events, ['ERR_FRAME_TOO_LONG', 'close'])
})

t.test('Framed: fails for a message that the peer cut, or that is late', async (t) => {
  const cut = new Wire()
  const { seen } = over(cut)
  cut.say('a\nb')
  cut.hangUp()
  await quiet()
  t.same(seen, { messages: ['a'], events: ['ERR_FRAME_INCOMPLETE', 'close'] })
  const late = new Wire()
  const { seen: told } = over(late, { frameTimeout: 5 })
  late.say('a')
  await until('it is late', () => told.events.length > 1)
  t.same(told.events, ['ERR_FRAME_TIMEOUT', 'close'])
})

t.test('Framed: gives the transport back with what was not delivered', async (t) => {
  const wire = new Wire()
  const stream = new Framed<string>(wire, line())
  const listeners = wire.eventNames().map((event) => wire.listenerCount(event))
  await quiet()
  wire.say('a\nb\nc', 'd\n')
  stream.write('x')
  await quiet()
  t.equal(stream.read(), 'a')
  const { transport, unread } = await stream.detach()
  const rest = wire.read() as Buffer | null
  t.equal(transport, wire)
  t.equal(String(unread) + String(rest ?? ''), 'b\ncd\n')
  t.same([wire.heard, wire.destroyed, wire.hasHeardEnd], ['x\n', false, false])
  await quiet()
  t.same([stream.destroyed, wire.destroyed], [true, false])
  t.ok(listeners.length > 0)
  for (const event of ['readable', 'end', 'close', 'error', 'drain', 'finish']) {
    t.equal(wire.listenerCount(event), new Wire().listenerCount(event), event)
  }
  await t.rejects(stream.detach(), { code: 'ERR_CHANNEL_CLOSED' })
})

t.test('Framed: sends all that was written before it gives the transport back', async (t) => {
  const wire = new Wire({ highWaterMark: 10 })
  const stream = new Framed<string>(wire, line())
  await quiet()
  wire.stopListening()
  const big = 'x'.repeat(70_000)
  const results: string[] = []
  for (let index = 0; index < 4; index++) stream.write(big)
  stream.cork()
  stream.write('last')
  const detached = stream.detach()
  await t.rejects(stream.detach(), { code: 'ERR_INVALID_STATE' }, 'it is leaving')
  stream.write('too late', (error) => results.push(error ? 'failed' : 'written'))
  wire.say('while it waits\n')
  t.equal(stream.bufferedLength, 0)
  const isDetached = settled(detached)
  for (let round = 0; round < 300 && !isDetached(); round++) {
    wire.listenAgain()
    await quiet(1)
  }
  const { unread } = await detached
  t.equal(wire.heard, `${`${big}\n`.repeat(4)}last\n`)
  t.equal(String(unread), 'while it waits\n')
  await quiet()
  t.same(results, ['failed'])
  t.equal(wire.destroyed, false)
})

t.test('Framed: gives nothing back that is lost, or not there yet', async (t) => {
  const wire = new Wire()
  const early = new Framed<string>(wire, line())
  await t.rejects(early.detach(), { code: 'ERR_INVALID_STATE' })
  early.destroy()
  const deaf = new Wire()
  const stream = new Framed<string>(deaf, line())
  await quiet()
  deaf.stopListening()
  stream.write('x')
  stream.on('error', () => {})
  const detached = stream.detach()
  deaf.destroy(new Error('reset'))
  await t.rejects(detached, { message: 'reset' })
  const quietly = new Wire()
  const other = new Framed<string>(quietly, line())
  await quiet()
  const leaving = other.detach()
  other.destroy()
  await t.rejects(leaving, { code: 'ERR_CHANNEL_CLOSED' })
  const late = new Wire()
  const last = new Framed<string>(late, line())
  await quiet()
  late.stopListening()
  last.write('x')
  const sent = last.detach()
  await quiet()
  late.listenAgain()
  last.destroy()
  await t.rejects(sent, { code: 'ERR_CHANNEL_CLOSED' }, 'all was sent, and it was destroyed')
  t.equal(late.destroyed, true)
  const wrong = new Wire()
  const strict = new Framed<string>(wrong, line(), { maxFrameLength: 3, errorReply: () => 'bad' })
  const seen = watch(strict)
  await quiet()
  wrong.stopListening()
  strict.write('x')
  const broken = strict.detach()
  wrong.say('abcd\n')
  await t.rejects(broken, { code: 'ERR_FRAME_TOO_LONG' })
  t.same([seen.events, wrong.destroyed], [['ERR_FRAME_TOO_LONG', 'close'], true])
})

t.test('Framed: is closed once with its transport, and with its error', async (t) => {
  const failed = new Wire()
  const { stream, seen } = over(failed)
  const results: unknown[] = []
  await quiet()
  failed.stopListening()
  for (const text of ['x'.repeat(70_000), 'y']) stream.write(text, (error) => results.push(error?.message))
  failed.destroy(new Error('reset'))
  await quiet()
  t.same(seen.events, ['reset', 'close'])
  t.match(results, ['reset', /destroyed|reset/])
  const gone = new Wire()
  const { seen: told } = over(gone)
  await quiet()
  gone.destroy()
  await quiet()
  t.same(told.events, ['close'])
})

t.test('Framed: lets what came before the end be read when the transport is gone, and is closed then', async (t) => {
  const { readable, writable } = pairOf()
  const stream = new Framed<string>({ readable, writable }, line())
  readable.end('a\nb\n')
  await quiet()
  t.equal(stream.read(), 'a')
  // The end of a pair is seen when all was read from it.
  await comes('its end', () => readable.readableEnded)
  writable.destroy()
  await quiet()
  t.equal(stream.destroyed, false)
  t.same(await withinTurns(listOf(stream)), ['b'])
  await comes('it is closed', () => stream.closed)
})

t.test('Framed: speaks through a pair of streams, each of which ends alone', async (t) => {
  const { readable, writable } = pairOf()
  const stream = new Framed<string>({ readable, writable }, line())
  const seen = watch(stream)
  readable.write('a\n')
  stream.end('x')
  await quiet()
  t.same([seen.messages, writable.heard, writable.writableFinished], [['a'], 'x\n', true])
  readable.end('b\n')
  await quiet()
  t.same(seen, { messages: ['a', 'b'], events: ['finish', 'end', 'close'] })
})

t.test('Framed: ends well when the peer of a pair takes no more, and reads on', async (t) => {
  const { readable, writable } = pairOf()
  const stream = new Framed<string>({ readable, writable }, line())
  const seen = watch(stream)
  await quiet()
  writable.destroy()
  await quiet()
  readable.write('a\n')
  await quiet()
  t.same(seen, { messages: ['a'], events: [] })
  stream.end()
  await quiet()
  t.same(seen.events, ['finish'])
  readable.end('b\n')
  await quiet()
  t.same(seen, { messages: ['a', 'b'], events: ['finish', 'end', 'close'] })
})

t.test('Framed: fails a write when the peer of a pair takes no more', async (t) => {
  const { readable, writable } = pairOf()
  const stream = new Framed<string>({ readable, writable }, line())
  const seen = watch(stream)
  await quiet()
  writable.destroy()
  await quiet()
  stream.write('x')
  await quiet()
  t.same([seen.events, readable.destroyed], [['ERR_CHANNEL_CLOSED', 'close'], true])
})

t.test('Framed: does not say that all was written when the peer of a pair has left before', async (t) => {
  const { readable, writable } = pairOf()
  writable._write = () => {}
  const stream = new Framed<string>({ readable, writable }, line())
  const seen = watch(stream)
  await quiet()
  stream.end('x')
  await quiet()
  writable.destroy()
  await quiet()
  t.same(seen.events, [])
  readable.end('a\n')
  await quiet()
  t.same(seen, { messages: ['a'], events: ['end', 'ERR_CHANNEL_CLOSED', 'close'] })
})

/** Both ends of a connection, ours as a socket. */
async function socketsOf(isSecure: boolean): Promise<{ ours: Socket; peer: Socket; stop: () => void }> {
  const server = isSecure ? createTlsServer({ key, cert, allowHalfOpen: true } as object) : createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, isSecure ? 'secureConnection' : 'connection')
  const ours = isSecure
    ? connectTls({ port, host: '127.0.0.1', ca: cert, servername: 'localhost' })
    : connect({ port, host: '127.0.0.1' })
  const [peer] = (await accepted) as [Socket]
  peer.on('error', () => {})
  const stop = (): void => {
    peer.destroy()
    ours.destroy()
    server.close()
  }
  return { ours, peer, stop }
}

for (const isSecure of [false, true]) {
  const link = isSecure ? 'TLS' : 'TCP'

  t.test(`Framed: answers after the peer's end, and says why it leaves, over ${link}`, async (t) => {
    const { ours, peer, stop } = await socketsOf(isSecure)
    t.teardown(stop)
    const stream = new Framed<string>(ours, line(), { maxFrameLength: 10 })
    peer.end('a\nb\n')
    for await (const text of stream) stream.write(`got ${text}`)
    stream.end('bye')
    t.equal(Buffer.concat((await listOf(peer)) as Buffer[]).toString(), 'got a\ngot b\nbye\n')

    const second = await socketsOf(isSecure)
    t.teardown(second.stop)
    const strict = new Framed<string>(second.ours, line(), { maxFrameLength: 10, errorReply: () => 'too long' })
    const seen = watch(strict)
    second.peer.write(`a\n${'x'.repeat(100_000)}`)
    t.equal(Buffer.concat((await listOf(second.peer)) as Buffer[]).toString(), 'too long\n')
    await until('it is closed', () => seen.events.includes('close'))
    t.same(seen, { messages: ['a'], events: ['ERR_FRAME_TOO_LONG', 'close'] })
  })

  t.test(`Framed: gives the socket back, over ${link}`, async (t) => {
    const { ours, peer, stop } = await socketsOf(isSecure)
    t.teardown(stop)
    const stream = new Framed<string>(ours, line())
    peer.write('upgrade\nraw bytes')
    for await (const text of stream.iterator({ destroyOnReturn: false })) {
      t.equal(text, 'upgrade')
      break
    }
    stream.write('go')
    const { transport, unread } = await stream.detach()
    t.equal(transport, ours)
    let received = String(unread)
    ours.on('data', (chunk) => (received += String(chunk)))
    peer.write(', more')
    await until('all is there', () => received === 'raw bytes, more')
    ours.end('raw')
    peer.resume()
    t.equal(ours.allowHalfOpen, false, 'as it was')
  })
}

t.test('Framed: is destroyed with the error when the peer resets the connection', async (t) => {
  const { ours, peer, stop } = await socketsOf(false)
  t.teardown(stop)
  const stream = new Framed<string>(ours, line())
  const seen = watch(stream)
  peer.write('a\n')
  await until('it is there', () => seen.messages.length > 0)
  peer.resetAndDestroy()
  await until('it is closed', () => seen.events.includes('close'))
  t.same(seen.events, ['ECONNRESET', 'close'])
})

t.test('Framed: writes before the connection is there', async (t) => {
  const { ours, peer, stop } = await socketsOf(false)
  t.teardown(stop)
  const server = createServer((socket) => socket.end('late\n'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stream = new Framed<string>(connect(port, '127.0.0.1'), line())
  stream.write('early')
  t.same(await listOf(stream), ['late'])
  stream.destroy()
  server.close()
  t.ok(ours !== peer)
})

t.test('Framed: checks what it is given', async (t) => {
  const wire = new Wire()
  const rows: readonly [name: string, transport: unknown, codec: unknown, options: unknown, code: string][] = [
    ['no transport', {}, line(), {}, 'ERR_INVALID_ARG_TYPE'],
    ['no codec', wire, {}, {}, 'ERR_INVALID_ARG_TYPE'],
    ['no options', wire, line(), null, 'ERR_INVALID_ARG_TYPE'],
    ['a reply that is no function', wire, line(), { errorReply: 'bad' }, 'ERR_INVALID_ARG_TYPE'],
    ['a limit that is none', wire, line(), { maxFrameLength: -1 }, 'ERR_OUT_OF_RANGE'],
    ['a time that is none', wire, line(), { frameTimeout: -1 }, 'ERR_OUT_OF_RANGE'],
  ]
  for (const [name, transport, codec, options, code] of rows) {
    t.throws(() => new Framed(transport as Duplex, codec as Codec<string>, options as object), { code }, name)
  }
  t.equal(wire.listenerCount('readable'), 0, 'and listens to nothing then')
  const controller = new AbortController()
  const { seen } = over(wire, { signal: controller.signal })
  controller.abort()
  await turns(4)
  t.same(seen.events, ['ABORT_ERR', 'close'])
  t.equal(wire.destroyed, true)
})
