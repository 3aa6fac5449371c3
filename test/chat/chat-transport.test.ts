import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { Duplex, PassThrough, Readable, Writable } from 'node:stream'
import tls from 'node:tls'
import t, { type Test } from 'tap'
import { ChatTransport, type Transport, type TransportEvents } from '../../src/chat/chat-transport.js'
import { turns } from '../support/consumers.js'
import { DUPLEX_CLASSES, duplexPair } from '../support/duplex-pair.js'
import { cert, key } from '../support/tls.js'
import { until } from '../support/until.js'

interface Watched {
  readonly transport: ChatTransport
  readonly events: string[]
  readonly listener: TransportEvents
}

/** A transport that is watched, and what it told. */
function watch(given: Transport): Watched {
  const events: string[] = []
  const tell = (name: string) => (): void => void events.push(name)
  const transport = new ChatTransport(given)
  const listener: TransportEvents = {
    onConnect: tell('connect'),
    onReadable: tell('readable'),
    onEnd: tell('end'),
    onDrained: tell('drained'),
    onFinish: tell('finish'),
    onError: (error) => void events.push(error.message),
    onClose: tell('close'),
  }
  transport.watch(listener)
  return { transport, events, listener }
}

const without = (events: readonly string[], ...names: readonly string[]): string[] => events.filter((name) => !names.includes(name))

const EVENTS = ['connect', 'secure', 'end', 'readable', 'drain', 'finish', 'error', 'close', 'data']

/** How many listeners each event has. */
const countsOf = (stream: Readable | Writable): Record<string, number> =>
  Object.fromEntries(EVENTS.map((event) => [event, stream.listenerCount(event)]))

const sink = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })

t.test('ChatTransport: refuses what is no transport, naming the argument', async (t) => {
  const readable = new PassThrough()
  const gone = new PassThrough()
  gone.destroy()
  const half = { on() {}, removeListener() {}, read() {}, destroy() {} }
  const rows: [name: string, value: unknown, received: RegExp][] = [
    ['nothing', undefined, /undefined/],
    ['null', null, /null/],
    ['a string', 'tcp://', /"tcp:\/\/"/],
    ['a number', 7, /7/],
    ['a function', () => {}, /function/],
    ['an array of streams', [readable, readable], /an array of 2/],
    ['a Readable', new Readable({ read() {} }), /Readable/],
    ['a Writable', sink(), /Writable/],
    ['a pair without a writable', { readable }, /Object/],
    ['a pair without a readable', { writable: readable }, /Object/],
    ['a pair the wrong way round', { readable: sink(), writable: new Readable() }, /Object/],
    ['a pair of flags, as an EventEmitter may have them', { on() {}, readable: true, writable: true }, /Object/],
    ['nearly a Duplex: it cannot end', { ...half, write() {} }, /Object/],
    ['nearly a Duplex: it cannot be destroyed', { ...half, write() {}, end() {}, destroy: true }, /Object/],
    ['a web stream', new TransformStream(), /TransformStream/],
    ['a Duplex that is destroyed', gone, /not destroyed/],
    ['a pair with a destroyed readable', { readable: gone, writable: sink() }, /not destroyed/],
    ['a pair with a destroyed writable', { readable, writable: gone }, /not destroyed/],
  ]
  for (const [name, value, received] of rows) {
    t.throws(() => new ChatTransport(value as Transport), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: received }, name)
    t.throws(() => new ChatTransport(value as Transport), { message: /"transport" argument/ }, name)
  }
})

for (const { name, Class } of DUPLEX_CLASSES) {
  t.test(`ChatTransport: tells what happens to a Duplex of ${name}`, async (t) => {
    const [near, far] = duplexPair({ highWaterMark: 4 }, Class)
    const { transport, events } = watch(near)
    t.equal(transport.given, near)
    t.equal(transport.readable, near)
    t.equal(transport.writable, near)
    t.same(events, [], 'nothing before the next tick')
    await turns(1)
    t.equal(events[0], 'connect')
    far.write('abc')
    await turns(2)
    t.ok(events.includes('readable'))
    t.equal(transport.unreadLength, 3)
    t.equal(String(near.read()), 'abc')
    t.equal(near.write('123456'), false)
    far.resume()
    await turns(2)
    t.ok(events.includes('drained'))
    far.end()
    await turns(2)
    near.read()
    await turns(2)
    t.ok(events.includes('end'))
    near.end()
    await turns(3)
    t.same(events.slice(-2), ['finish', 'close'])
    t.equal(without(events, 'readable').join(), 'connect,drained,end,finish,close')
  })

  t.test(`ChatTransport: leaves no listener on a Duplex of ${name}, and its half-openness as it was`, async (t) => {
    for (const allowHalfOpen of [true, false]) {
      const [near, far] = duplexPair({ allowHalfOpen }, Class)
      const before = countsOf(near)
      const { transport, events } = watch(near)
      transport.stayHalfOpen()
      t.equal(near.allowHalfOpen, true)
      await turns(1)
      transport.release()
      t.same(countsOf(near), before)
      t.equal(near.allowHalfOpen, allowHalfOpen)
      t.equal(near.destroyed, false)
      const { length } = events
      far.end('later')
      near.resume()
      near.end()
      await turns(3)
      t.equal(events.length, length, 'what comes later is nobody\'s')
    }
  })
}

t.test('ChatTransport: leaves half-openness alone where nobody asked for it', async (t) => {
  const [near] = duplexPair({ allowHalfOpen: false })
  const { transport } = watch(near)
  t.equal(near.allowHalfOpen, false)
  transport.release()
  t.equal(near.allowHalfOpen, false)
})

t.test('ChatTransport: a release before the next tick takes back what was due on it', async (t) => {
  const ended = new PassThrough()
  ended.end()
  ended.resume()
  await once(ended, 'end')
  const readable = ended
  const { transport, events } = watch({ readable: Readable.from([]), writable: sink() })
  transport.release()
  await turns(2)
  t.same(events, [])
  t.ok(readable.readableEnded)
})

t.test('ChatTransport: a pair is told by its two streams, each with its own end', async (t) => {
  const readable = new PassThrough()
  const writable = sink()
  const pair = { readable, writable }
  const { transport, events } = watch(pair)
  transport.stayHalfOpen()
  t.equal(transport.given, pair)
  t.equal(transport.readable, readable)
  t.equal(transport.writable, writable)
  await turns(1)
  writable.end()
  await turns(2)
  t.same(without(events, 'readable'), ['connect', 'finish', 'finish'], 'when it has ended, and when it has closed')
  readable.end('tail')
  await turns(2)
  t.equal(String(readable.read()), 'tail')
  readable.read()
  await turns(3)
  t.same(without(events, 'readable', 'finish'), ['connect', 'end', 'close'])
})

t.test('ChatTransport: a writable that closes unfinished takes no more', async (t) => {
  const writable = sink()
  const readable = new PassThrough()
  const { events } = watch({ readable, writable })
  await turns(1)
  writable.destroy()
  await turns(2)
  t.same(without(events, 'readable'), ['connect', 'finish'])
  t.equal(readable.destroyed, false, 'each side ends alone')
})

t.test('ChatTransport: a readable that closes before its end gives no more', async (t) => {
  const readable = new PassThrough()
  const writable = sink()
  const { events } = watch({ readable, writable })
  await turns(1)
  readable.destroy()
  await turns(2)
  t.same(without(events, 'readable'), ['connect', 'end'])
  t.equal(writable.destroyed, false, 'each side ends alone')
  writable.end()
  await turns(2)
  t.same(without(events, 'readable'), ['connect', 'end', 'finish', 'close'])
})

t.test('ChatTransport: an error on one side of a pair destroys both', async (t) => {
  for (const side of ['readable', 'writable'] as const) {
    const pair = { readable: new PassThrough(), writable: sink() }
    const { events } = watch(pair)
    await turns(1)
    pair[side].destroy(new Error('torn'))
    await turns(3)
    t.ok(pair.readable.destroyed && pair.writable.destroyed, side)
    t.equal(without(events, 'readable', 'finish', 'end').join(), 'connect,torn,close', side)
  }
})

t.test('ChatTransport: a pair whose reader has left is still read from', async (t) => {
  const torn = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
  const pair = { readable: new PassThrough(), writable: sink() }
  const { events } = watch(pair)
  await turns(1)
  pair.readable.write('last words')
  pair.writable.destroy(torn)
  await turns(3)
  t.equal(without(events, 'readable').join(), 'connect,finish')
  t.equal(String(pair.readable.read()), 'last words')
  const other = { readable: new PassThrough(), writable: sink() }
  const { events: otherEvents } = watch(other)
  other.readable.destroy(torn)
  await turns(3)
  t.equal(without(otherEvents, 'readable', 'finish', 'end').join(), 'connect,write EPIPE,close', 'where it comes from the readable, it is an error')
})

t.test('ChatTransport: destroy() destroys both sides of a pair, with the error', async (t) => {
  const pair = { readable: new PassThrough(), writable: sink() }
  const { transport, events } = watch(pair)
  transport.destroy(new Error('given up'))
  await turns(3)
  t.ok(pair.readable.destroyed && pair.writable.destroyed)
  t.ok(events.includes('given up'))
  t.equal(events.at(-1), 'close')
})

t.test('ChatTransport: destroyWhenWritten() leaves a Transform of a pair to whoever reads it', async (t) => {
  const rows: [name: string, readable: Duplex, writable: Writable, isKept: boolean][] = [
    ['a sink', new PassThrough(), sink(), false],
    ['a Duplex that is no Transform', new PassThrough(), duplexPair()[0], false],
    ['a Transform', new PassThrough(), new PassThrough(), true],
  ]
  for (const [name, readable, writable, isKept] of rows) {
    const { transport, events, listener } = watch({ readable, writable })
    await turns(1)
    writable.end('the last words')
    await turns(2)
    transport.destroyWhenWritten(listener)
    await turns(3)
    t.ok(readable.destroyed, name)
    t.equal(writable.destroyed, !isKept, name)
    t.equal(events.at(-1), 'close', name)
    if (isKept) t.equal(String((writable as PassThrough).read()), 'the last words')
    if (isKept) (writable as PassThrough).resume()
    await turns(3)
    t.ok(writable.destroyed)
    t.equal(events.filter((event) => event === 'close').length, 1, name)
  }
  const both = new PassThrough()
  const { transport, events, listener } = watch(both)
  transport.destroyWhenWritten(listener)
  await turns(3)
  t.ok(both.destroyed, 'a Transform that is both sides')
  t.equal(events.at(-1), 'close')
})

t.test('ChatTransport: destroy() with an error ends no process, although nobody listens', async (t) => {
  const [near] = duplexPair()
  new ChatTransport(near).destroy(new Error('unwatched'))
  const [other] = duplexPair()
  const { transport } = watch(other)
  transport.release()
  transport.destroy(new Error('released'))
  await turns(3)
  t.ok(near.destroyed && other.destroyed)
})

t.test('ChatTransport: what had ended before is told', async (t) => {
  const [near, far] = duplexPair()
  far.end()
  near.resume()
  await once(near, 'end')
  const { events } = watch(near)
  await turns(2)
  t.same(without(events, 'readable'), ['connect', 'end'])

  const [finished, peer] = duplexPair()
  finished.end()
  peer.resume()
  await once(finished, 'finish')
  const second = watch(finished)
  await turns(2)
  t.same(without(second.events, 'readable'), ['connect', 'finish'])
})

const listen = async (t: Test, server: net.Server): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

t.test('ChatTransport: awaits the connection of a socket, whatever state it is in', async (t) => {
  const server = net.createServer((socket) => socket.on('error', () => {}).resume())
  const port = await listen(t, server)
  const connected = net.connect(port, '127.0.0.1')
  await once(connected, 'connect')
  const rows: [name: string, socket: net.Socket, begin: () => void][] = [
    ['connected', connected, () => {}],
    ['connecting', net.connect(port, '127.0.0.1'), () => {}],
    ['pending', new net.Socket(), () => void pending.connect(port, '127.0.0.1')],
  ]
  const pending = (rows[2] as (typeof rows)[number])[1]
  for (const [name, socket, begin] of rows) {
    const { events, transport } = watch(socket)
    if (name === 'pending') {
      await turns(3)
      t.same(without(events, 'readable'), [], 'not connected')
    }
    begin()
    await until(`${name}: connected`, () => events.includes('connect'))
    t.equal(socket.readyState, 'open', name)
    transport.destroy()
    await until(`${name}: closed`, () => events.at(-1) === 'close')
    t.equal(events.filter((event) => event === 'connect').length, 1, name)
  }
})

t.test('ChatTransport: a property `pending` that is no socket\'s does not stop it', async (t) => {
  const [near] = duplexPair()
  const { events } = watch(Object.assign(near, { pending: true }))
  await turns(1)
  t.equal(events[0], 'connect')
})

t.test('ChatTransport: is connected over TLS when both sides know each other', async (t) => {
  const seen: Watched[] = []
  const raw = net.createServer((socket) => {
    seen.push(watch(new tls.TLSSocket(socket, { isServer: true, secureContext: tls.createSecureContext({ key, cert }) })))
  })
  const port = await listen(t, raw)
  const socket = tls.connect({ port, host: '127.0.0.1', ca: cert })
  const client = watch(socket)
  await until('the client is connected', () => client.events.includes('connect'))
  t.equal(socket.authorized, true)
  await until('the server is connected', () => seen[0]?.events.includes('connect') === true)
  client.transport.destroy()
  seen[0]?.transport.destroy()
  await until('both closed', () => [client, seen[0]].every((one) => one?.events.at(-1) === 'close'))
  const late = tls.connect({ port, host: '127.0.0.1', ca: cert })
  await once(late, 'secureConnect')
  const secured = watch(late)
  await turns(1)
  t.equal(secured.events[0], 'connect', 'secured before')
  await until('its server too', () => seen[1]?.events.includes('connect') === true)
  const { given } = (seen[1] as Watched).transport
  const again = watch(given)
  await turns(1)
  t.equal(again.events[0], 'connect', 'a server\'s side that was secured before')
  late.end()
  await until('its end', () => again.events.includes('end'))
  late.destroy()
  again.transport.destroy()
})

t.test('ChatTransport: a peer that leaves before TLS is secure is an error', async (t) => {
  const seen: Watched[] = []
  const raw = net.createServer({ allowHalfOpen: true }, (socket) => {
    seen.push(watch(new tls.TLSSocket(socket, { isServer: true, secureContext: tls.createSecureContext({ key, cert }) })))
    seen[0]?.transport.stayHalfOpen()
  })
  const port = await listen(t, raw)
  net.connect(port, '127.0.0.1').end()
  await until('closed', () => seen[0]?.events.at(-1) === 'close')
  t.same(without(seen[0]?.events ?? [], 'readable'), ['The peer left before the connection was secure', 'close'])
})

t.test('ChatTransport: is never connected over TLS with a certificate that is not trusted', async (t) => {
  const server = tls.createServer({ key, cert }, (socket) => socket.on('error', () => {}).resume())
  server.on('tlsClientError', () => {})
  const port = await listen(t, server)
  const { events } = watch(tls.connect({ port, host: '127.0.0.1' }))
  await until('closed', () => events.at(-1) === 'close')
  t.notOk(events.includes('connect'))
  t.match(events[0], /self-signed/)
})

t.test('ChatTransport: a TLS socket over what is no socket is connected when it is secure', async (t) => {
  const [near, far] = duplexPair()
  const server = new tls.TLSSocket(far, { isServer: true, secureContext: tls.createSecureContext({ key, cert }) })
  const client = tls.connect({ socket: near, ca: cert, host: 'localhost' })
  const sides = [watch(server), watch(client)]
  await until('both connected', () => sides.every(({ events }) => events.includes('connect')))
  t.ok(client.authorized)
  for (const { transport } of sides) transport.destroy()
  await turns(3)
  t.ok(client instanceof Duplex)
})
