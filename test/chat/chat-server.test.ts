import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import t, { type Test } from 'tap'
import { AsyncChat } from '../../src/chat/async-chat.js'
import type { ConnectOptions } from '../../src/chat/async-chat.js'
import type { AsyncChatOptions } from '../../src/chat/chat-options.js'
import { type ChatFactory, type ChatServer, type ChatServerOptions, createChatServer } from '../../src/chat/chat-server.js'
import { closed as gone, settled, turns } from '../support/consumers.js'
import { cert, key } from '../support/tls.js'
import { until } from '../support/until.js'

class Echo extends AsyncChat {
  override handleConnect(): void {
    this.setTerminator('\n')
  }
  override handleFrame(line: Buffer): void {
    this.push(`${line.toString()}\n`)
  }
}

interface Served<T extends AsyncChat> {
  readonly server: ChatServer<T>
  readonly where: { port: number; host: string }
  readonly port: number
  /** What 'channelError' was given. */
  readonly errors: [error: Error, channel: AsyncChat | null][]
}

async function serve<T extends AsyncChat>(t: Test, factory: ChatFactory<T>, options?: ChatServerOptions): Promise<Served<T>> {
  const server = createChatServer(factory, options).listen(0, '127.0.0.1')
  const errors: [Error, AsyncChat | null][] = []
  server.on('channelError', (...args) => errors.push(args))
  await once(server, 'listening')
  t.teardown(() => server.close({ drain: 0 }))
  const { port } = server.address() as AddressInfo
  return { server, port, where: { port, host: '127.0.0.1' }, errors }
}

/** A client that is connected, and is no part of what is tested. */
async function client(t: Test, options: { port: number } | { path: string }, isSecure = false): Promise<net.Socket> {
  const socket = isSecure ? tls.connect({ host: '127.0.0.1', ca: cert, ...options }) : net.connect({ host: '127.0.0.1', ...options })
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, isSecure ? 'secureConnect' : 'connect')
  return socket
}

/** Talks to an echo until the end. */
async function talk(options: ConnectOptions): Promise<string> {
  const chat = AsyncChat.connect(options)
  chat.push('hello\n')
  const line = String(await chat.readFrame('\n'))
  chat.closeWhenDone()
  await chat.whenClosed
  return line
}

/** The warnings of the process, while the test runs. */
function warnings(t: Test): string[] {
  const list: string[] = []
  const onWarning = ({ message }: Error): void => void list.push(message)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  return list
}

const make = (...args: unknown[]) => (): unknown => (createChatServer as (...args: unknown[]) => unknown)(...args)

const countOf = (server: net.Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))

t.test('createChatServer: serves over TCP, TLS and Unix sockets', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'chat-')), 's')
  t.teardown(() => rmSync(join(path, '..'), { recursive: true }))
  const targets: [name: string, options: ChatServerOptions, address: [number, string] | [string], tlsOptions: ConnectOptions['tls']][] = [
    ['TCP', {}, [0, '127.0.0.1'], false],
    ['TLS', { tls: { key, cert } }, [0, '127.0.0.1'], { ca: cert }],
    ...((process.platform === 'win32' ? [] : [['Unix', {}, [path], false]]) as [string, ChatServerOptions, [string], false][]),
  ]
  for (const [name, options, address, tlsOptions] of targets) {
    const server = createChatServer(Echo, options)
    t.equal(server.address(), null, 'before')
    t.equal(server.listening, false)
    t.equal(server.listen(...(address as unknown as [number])), server)
    await once(server, 'listening')
    t.equal(server.listening, true, name)
    const at = server.address()
    t.equal(await talk({ ...(typeof at === 'string' ? { path: at } : { port: at?.port as number, host: '127.0.0.1' }), tls: tlsOptions }), 'hello', name)
    const closes: string[] = []
    server.on('close', () => closes.push('close'))
    t.equal(server.unref(), server)
    await server.close()
    t.same(closes, ['close'])
    t.equal(server.listening, false, name)
    if (name === 'Unix') t.notOk(existsSync(path))
  }
})

t.test('createChatServer: the factory is a class, AsyncChat itself, or any function', async (t) => {
  const seen: unknown[] = []
  const rows: [name: string, factory: ChatFactory, kind: typeof AsyncChat][] = [
    ['a class', Echo, Echo],
    ['AsyncChat', AsyncChat, AsyncChat],
    [
      'an arrow function',
      (socket, defaults) => {
        seen.push(defaults)
        return new Echo(socket)
      },
      Echo,
    ],
    [
      'a function',
      function make(socket: net.Socket) {
        return new Echo(socket)
      },
      Echo,
    ],
  ]
  for (const [name, factory, kind] of rows) {
    const { server, port } = await serve(t, factory)
    const socket = await client(t, { port })
    await until('it has a channel', () => server.channels.size === 1)
    const [channel] = server.channels
    t.equal(channel?.constructor, kind, name)
    t.equal(((channel as AsyncChat).transport as net.Socket).remotePort, socket.localPort, name)
  }
  t.same(seen, [{ idleTimeout: 120_000, frameTimeout: 60_000 }])
})

t.test('createChatServer: a class gets the timeouts as its options', async (t) => {
  const seen: unknown[] = []
  class Curious extends AsyncChat {
    constructor(socket: net.Socket, options: AsyncChatOptions) {
      super(socket, options)
      seen.push(options)
    }
  }
  for (const options of [undefined, { idleTimeout: 5000, frameTimeout: 0 }]) {
    const { server, port } = await serve(t, Curious, options)
    await client(t, { port })
    await until('it has a channel', () => server.channels.size === 1)
  }
  t.same(seen, [
    { idleTimeout: 120_000, frameTimeout: 60_000 },
    { idleTimeout: 5000, frameTimeout: 0 },
  ])
})

t.test('ChatServer: its timeouts hold for channels that have none of their own', async (t) => {
  const rows: [name: string, server: ChatServerOptions, own: AsyncChatOptions, kind: string][] = [
    ['idle, of the server', { idleTimeout: 10, frameTimeout: 0 }, {}, 'idle'],
    ['idle, its own', { idleTimeout: 60_000, frameTimeout: 0 }, { idleTimeout: 10 }, 'idle'],
    ['frame, of the server', { idleTimeout: 0, frameTimeout: 10 }, {}, 'frame'],
    ['frame, its own', { idleTimeout: 0, frameTimeout: 60_000 }, { frameTimeout: 10 }, 'frame'],
  ]
  for (const [name, options, own, kind] of rows) {
    const kinds: string[] = []
    const { server, port } = await serve(t, (socket) => new AsyncChat(socket, {
      ...own,
      terminator: '\n',
      handleFrame() {},
      handleTimeout: (which) => void kinds.push(which),
    }), options)
    const socket = await client(t, { port })
    socket.write('part')
    await until('it has a channel', () => server.channels.size === 1)
    await until(`${name}: late`, () => kinds.length > 0)
    t.equal(kinds[0], kind, name)
  }
})

t.test('ChatServer: a channel that says that it has no timeouts has none', async (t) => {
  const late: number[] = []
  let made = 0
  const { server, port } = await serve(t, (socket) => {
    const index = made++
    return new AsyncChat(socket, { ...(index === 0 && { idleTimeout: 0, frameTimeout: 0 }), handleTimeout: () => void late.push(index) })
  }, { idleTimeout: 10 })
  await client(t, { port })
  await until('it has a channel', () => server.channels.size === 1)
  await client(t, { port })
  await until('another one is late again and again', () => late.length > 3)
  t.same(new Set(late), new Set([1]))
})

t.test('ChatServer: `channels` holds those that are not over; each is announced', async (t) => {
  const { server, port } = await serve(t, Echo)
  const announced: AsyncChat[] = []
  server.on('channel', (channel) => announced.push(channel))
  const sockets = [await client(t, { port }), await client(t, { port }), await client(t, { port })]
  await until('all have a channel', () => server.channels.size === 3)
  t.same([...server.channels], announced)
  sockets[0]?.end()
  await until('it is over', () => server.channels.size === 2)
  sockets[1]?.resetAndDestroy()
  await until('it is over', () => server.channels.size === 1)
  for (const channel of server.channels) channel.close()
  await until('all are over', () => server.channels.size === 0)
  t.equal(announced.length, 3)
  await until('no connection is left', () => sockets.every((socket) => socket.destroyed || socket.readableEnded || socket.resume().closed))
})

t.test('ChatServer: 1,000 clients that come and go leave nothing', async (t) => {
  const { server, where, errors } = await serve(t, AsyncChat)
  let over = 0
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 100 }, async () => {
      const socket = net.connect(where)
      socket.on('error', () => {}).resume().end()
      await gone(socket)
      over++
    }))
  }
  t.equal(over, 1000)
  await until('no channel is left', () => server.channels.size === 0)
  t.equal(await countOf(server.server), 0)
  t.same(errors, [])
})

t.test('ChatServer.maxConnections: a further connection is closed at once', async (t) => {
  const { server, port } = await serve(t, Echo, { maxConnections: 2 })
  t.equal(server.maxConnections, 2)
  await client(t, { port })
  const second = await client(t, { port })
  await until('both have a channel', () => server.channels.size === 2)
  const third = await client(t, { port })
  await gone(third.resume())
  t.equal(server.channels.size, 2)
  second.destroy()
  await until('there is room', () => server.channels.size === 1)
  server.maxConnections = 1
  await gone((await client(t, { port })).resume())
  server.maxConnections = Infinity
  await client(t, { port })
  await until('it has a channel', () => server.channels.size === 2)
  t.equal(createChatServer(Echo).maxConnections, Infinity)
})

t.test('ChatServer: a factory that fails costs its connection, and is told', async (t) => {
  const list = warnings(t)
  const bad = new Error('no room')
  const rows: [name: string, factory: () => unknown, message: string | RegExp][] = [
    ['throws', () => { throw bad }, 'no room'],
    ['throws what is no error', () => { throw 'words' }, /no Error/],
    ['gives nothing', () => undefined, /"factory" argument must be a function that gives an AsyncChat. Received undefined/],
    ['gives a promise', async () => {}, /Received an instance of Promise/],
    ['is a class of something else', class Other { readonly kind = 'other' } as never, /Other/],
  ]
  for (const isSecure of [false, true]) {
    for (const [name, factory, message] of rows) {
      const { server, port, errors } = await serve(t, factory as ChatFactory, isSecure ? { tls: { key, cert } } : {})
      const socket = await client(t, { port }, isSecure)
      await gone(socket.resume())
      t.equal(errors.length, 1, name)
      t.match(errors[0], [{ message }, null], name)
      t.equal(server.channels.size, 0)
    }
  }
  await turns(2)
  t.same(list, [], 'no warning where somebody listens')
  const { server, port } = await serve(t, () => { throw bad })
  server.removeAllListeners('channelError')
  await gone((await client(t, { port })).resume())
  await until('a warning', () => list.length > 0)
  await turns(3)
  t.same(list, ['no room'])
})

t.test('ChatServer: an error of a channel is told with the channel; to nobody it is one warning', async (t) => {
  const list = warnings(t)
  class Failing extends Echo {
    override handleFrame(line: Buffer): void {
      throw new Error(`cannot ${line.toString()}`)
    }
  }
  const { server, port, errors } = await serve(t, Failing)
  let channel: AsyncChat | undefined
  server.on('channel', (one) => (channel = one))
  ;(await client(t, { port })).write('fly\n')
  await until('it is told', () => errors.length > 0)
  t.match(errors, [[{ message: 'cannot fly' }, {}]])
  t.equal(errors[0]?.[1], channel)
  await turns(3)
  t.same(list, [])
  server.removeAllListeners('channelError')
  const socket = await client(t, { port })
  socket.write('swim\n')
  await gone(socket.resume())
  await until('a warning', () => list.length > 0)
  await turns(3)
  t.same(list, ['cannot swim'])

  const taken = await serve(t, (socket) => new AsyncChat(socket, { handleError: (error) => void list.push(`hook: ${error.message}`), handleConnect() { throw new Error('at once') } }))
  taken.server.removeAllListeners('channelError')
  const other = await client(t, { port: taken.port })
  await until('the hook is told', () => list.length > 1)
  other.destroy()
  await until('it is over', () => taken.server.channels.size === 0)
  await turns(3)
  t.same(list.slice(1), ['hook: at once'], 'and no warning, where a hook has taken it')
})

t.test('ChatServer: who does not speak TLS is told to listeners, and is no warning', async (t) => {
  const list = warnings(t)
  const { server, port, errors } = await serve(t, Echo, { tls: { key, cert } })
  const socket = await client(t, { port })
  socket.write('HELO there\r\n\r\n')
  await gone(socket.resume())
  await until('it is told', () => errors.length > 0)
  t.match(errors, [[{ code: /^ERR_SSL/ }, null]])
  server.removeAllListeners('channelError')
  const other = await client(t, { port })
  other.write('HELO again\r\n\r\n')
  await gone(other.resume())
  await turns(5)
  t.same(list, [])
  t.equal(await talk({ port, host: '127.0.0.1', tls: { ca: cert } }), 'hello', 'others are served')
})

const CHUNK = Buffer.alloc(256 * 1024, 'x')
const MAX_QUEUED = 300_000

interface Crowd extends Served<AsyncChat> {
  /** The channel of a client that never reads. */
  readonly stuck: AsyncChat
  /** Resolves when both of the others have so many bytes, and no more. */
  readonly haveAll: (length: number) => Promise<void>
}

async function crowd(t: Test, isSecure: boolean): Promise<Crowd> {
  const served = await serve(t, (socket) => new AsyncChat(socket, { maxQueuedBytes: MAX_QUEUED, handleError() {} }), isSecure ? { tls: { key, cert } } : {})
  const { server, port } = served
  await client(t, { port }, isSecure)
  await until('it has a channel', () => server.channels.size === 1)
  const [stuck] = [...server.channels] as [AsyncChat]
  const lengths = [0, 0]
  for (const index of lengths.keys()) {
    const socket = await client(t, { port }, isSecure)
    socket.on('data', (data) => (lengths[index] = (lengths[index] as number) + data.length))
  }
  await until('all have channels', () => server.channels.size === 3)
  return { ...served, stuck, haveAll: (length) => until('the others have it', () => lengths.every((have) => have === length)) }
}

/** Broadcasts until one is stuck; how many rounds that took. */
async function jam({ server, stuck, haveAll }: Crowd, options: { slow?: 'queue' }): Promise<number> {
  for (let rounds = 1; rounds <= 200; rounds++) {
    server.broadcast(CHUNK, options)
    await haveAll(rounds * CHUNK.length)
    if (stuck.queuedBytes > MAX_QUEUED) return rounds
  }
  throw new Error('nobody was stuck')
}

for (const isSecure of [false, true]) {
  const name = isSecure ? 'over TLS' : 'over TCP'
  t.test(`ChatServer.broadcast: one stuck member keeps nothing from the others, and lives on where that is asked for, ${name}`, async (t) => {
    for (const slow of ['skip', 'queue'] as const) {
      const all = await crowd(t, isSecure)
      const { server, stuck, haveAll, errors } = all
      const rounds = await jam(all, slow === 'queue' ? { slow } : {})
      const waiting = stuck.queuedBytes
      t.equal(server.broadcast('!', { slow }), slow === 'queue' ? 3 : 2, slow)
      await haveAll(rounds * CHUNK.length + 1)
      t.equal(stuck.queuedBytes - waiting, slow === 'queue' ? 1 : 0, slow)
      t.equal(stuck.closed, false, slow)
      t.same(errors, [])
      await server.close({ drain: 0 })
    }
  })

  t.test(`ChatServer.broadcast: one stuck member keeps nothing from the others, and is closed, ${name}`, async (t) => {
    for (const options of [{}, { slow: 'close' as const }]) {
      const all = await crowd(t, isSecure)
      const { server, stuck, haveAll, errors } = all
      const rounds = await jam(all, {})
      t.equal(server.broadcast('!', options), 2)
      await haveAll(rounds * CHUNK.length + 1)
      await until('it is closed', () => server.channels.size === 2)
      t.match(errors, [[{ code: 'ERR_CHANNEL_CLOSED', limit: MAX_QUEUED, message: /too slow/ }, {}]])
      t.equal(errors[0]?.[1], stuck)
      t.equal(stuck.push('still no mistake'), false)
      await server.close({ drain: 0 })
    }
  })
}

t.test('ChatServer.broadcast: reaches all that can be pushed to, but the one it came from', async (t) => {
  class Room extends AsyncChat {
    override handleConnect(): void {
      this.setTerminator('\n')
    }
    override handleFrame(line: Buffer): void {
      counts.push(server.broadcast(`${line.toString()}\n`, { except: this }))
    }
  }
  const counts: number[] = []
  const { server, port, where } = await serve(t, Room)
  t.equal(server.broadcast('to nobody'), 0)
  const chats = [AsyncChat.connect(where), AsyncChat.connect(where), AsyncChat.connect(where)]
  await until('all have channels', () => server.channels.size === 3)
  chats[0]?.push('hello\n')
  t.equal(String(await chats[1]?.readFrame('\n')), 'hello')
  t.equal(String(await chats[2]?.readFrame('\n')), 'hello')
  t.same(counts, [2])
  t.equal(server.broadcast(new Uint8Array([65, 10])), 3)
  t.equal(String(await chats[0]?.readFrame('\n')), 'A', 'and nothing before it')
  const gone = await client(t, { port })
  await until('it has a channel', () => server.channels.size === 4)
  const last = [...server.channels].at(-1) as Room
  last.closeWhenDone()
  t.equal(server.broadcast('B\n'), 3, 'one that closes gets no more')
  gone.destroy()
  for (const chat of chats) chat.close()
})

t.test('ChatServer.close: a hook in progress may finish and push', async (t) => {
  let release: (() => void) | undefined
  const { server, where } = await serve(t, (socket) => new AsyncChat(socket, {
    terminator: '\n',
    async handleFrame(line) {
      this.push(`${line.toString()} begun\n`)
      await new Promise<void>((resolve) => (release = resolve))
      this.push(`${line.toString()} done\n`)
    },
  }))
  const chat = AsyncChat.connect(where)
  const idle = AsyncChat.connect(where)
  chat.push('one\ntwo\n')
  t.equal(String(await chat.readFrame('\n')), 'one begun')
  const closed = server.close()
  const isClosed = settled(closed)
  t.equal(await idle.readFrame('\n'), null, 'an idle channel ends at once')
  await t.rejects(once(net.connect(where), 'connect'), { code: 'ECONNREFUSED' })
  t.equal(isClosed(), false)
  release?.()
  t.equal(String(await chat.readFrame('\n')), 'one done')
  t.equal(await chat.readFrame('\n'), null, 'no further hook starts')
  await closed
  t.equal(server.channels.size, 0)
  t.equal(await countOf(server.server), 0)
})

t.test('ChatServer.close: what is left after the drain is destroyed, 0 is at once', async (t) => {
  for (const drain of [0, 20]) {
    const { server, port } = await serve(t, (socket) => new AsyncChat(socket, { handleConnect: () => new Promise(() => {}) }))
    const socket = await client(t, { port })
    await until('it has a channel', () => server.channels.size === 1)
    const [channel] = server.channels
    channel?.push(Buffer.alloc(32 * 1024 * 1024))
    const dead = gone(socket)
    await server.close({ drain })
    t.equal(channel?.closed, true)
    t.match(await channel?.whenClosed, { unsent: 1 })
    socket.resume()
    await dead
  }
})

t.test('ChatServer.close: twice is once; without listening, or dispose, it is a close too', async (t) => {
  const { server, port } = await serve(t, Echo)
  await client(t, { port })
  let closes = 0
  server.on('close', () => closes++)
  const first = server.close({ drain: 1000 })
  t.equal(server.close(), first)
  await server[Symbol.asyncDispose]()
  await first
  t.equal(closes, 1)
  const never = createChatServer(Echo)
  await never.close()
})

t.test('ChatServer.close: does not wait for TLS handshakes', async (t) => {
  for (const isOpen of [false, true]) {
    const { server, port } = await serve(t, Echo, { tls: { key, cert } })
    const silent = await client(t, { port })
    const end = gone(silent.resume())
    await until('the server has it', () => (server.server as unknown as { _connections: number })._connections === 1)
    if (isOpen) {
      await client(t, { port }, true)
      await until('it has a channel', () => server.channels.size === 1)
    }
    await server.close()
    await end
    t.equal(await countOf(server.server), 0)
  }
})

t.test('ChatServer.close: a handshake that ends meanwhile comes to no channel', async (t) => {
  const { server, port } = await serve(t, (socket) => new AsyncChat(socket, { handleConnect: () => new Promise(() => {}) }), { tls: { key, cert } })
  await client(t, { port }, true)
  await until('it has a channel', () => server.channels.size === 1)
  let channels = 0
  server.on('channel', () => channels++)
  const raw = await client(t, { port })
  const closed = server.close({ drain: 200 })
  const late = tls.connect({ socket: raw, ca: cert, host: 'localhost' })
  late.on('error', () => {})
  await gone(late.resume())
  await closed
  t.equal(channels, 0)
})

t.test('ChatServer.close: what was detached is somebody else\'s', async (t) => {
  for (const isSecure of [false, true]) {
    const { server, port } = await serve(t, Echo, isSecure ? { tls: { key, cert } } : {})
    const socket = await client(t, { port }, isSecure)
    await client(t, { port }, isSecure)
    await until('both have a channel', () => server.channels.size === 2)
    const [channel] = server.channels
    const { transport } = (await (channel as AsyncChat).detach()) as unknown as { transport: net.Socket }
    t.equal(server.channels.size, 1)
    await server.close()
    t.equal(transport.destroyed, false)
    transport.write('still here')
    const [data] = await once(socket, 'data')
    t.equal(String(data), 'still here')
    socket.destroy()
    transport.destroy()
  }
})

t.test('ChatServer.close: what was detached and has closed since is not waited for', async (t) => {
  const { server, port } = await serve(t, Echo, { tls: { key, cert } })
  const socket = await client(t, { port }, true)
  await until('it has a channel', () => server.channels.size === 1)
  const [channel] = server.channels
  const { transport } = (await (channel as AsyncChat).detach()) as unknown as { transport: net.Socket }
  socket.destroy()
  await gone(transport.on('error', () => {}).resume().on('end', () => transport.end()))
  const silent = await client(t, { port })
  const end = gone(silent.resume())
  await until('the server has it', () => (server.server as unknown as { _connections: number })._connections === 1)
  await server.close()
  await end
  t.equal(await countOf(server.server), 0)
})

t.test('ChatServer: cannot listen: an error event', async (t) => {
  const { server, port } = await serve(t, Echo)
  const second = createChatServer(Echo)
  const failure = once(second, 'error')
  second.listen(port, '127.0.0.1')
  t.match(await failure, [{ code: 'EADDRINUSE' }])
  t.equal(second.listening, false)
  second.listen(0, '127.0.0.1')
  await once(second, 'listening')
  await second.close()
  t.equal(server.listening, true)
})

t.test('ChatServer: refuses wrong arguments at the call', async (t) => {
  const server = createChatServer(Echo)
  const broadcast = (...args: unknown[]) => (): unknown => (server.broadcast as (...args: unknown[]) => unknown).apply(server, args)
  const close = (...args: unknown[]) => (): unknown => (server.close as (...args: unknown[]) => unknown).apply(server, args)
  const rows: [call: () => unknown, name: string, message: RegExp][] = [
    [make(), 'TypeError', /"factory" argument must be a function. Received undefined/],
    [make({}), 'TypeError', /"factory" argument/],
    [make(Echo, null), 'TypeError', /"options" argument must be an object. Received null/],
    [make(Echo, 25), 'TypeError', /"options" argument .* 25/],
    [make(Echo, { tls: true }), 'TypeError', /"options.tls" property must be an object. Received true/],
    [make(Echo, { tls: null }), 'TypeError', /"options.tls" property/],
    [make(Echo, { maxConnections: 0 }), 'RangeError', /maxConnections.* 0/],
    [make(Echo, { maxConnections: '9' }), 'TypeError', /maxConnections.* "9"/],
    [make(Echo, { idleTimeout: -1 }), 'RangeError', /"options.idleTimeout" property .* -1/],
    [make(Echo, { idleTimeout: '9' }), 'TypeError', /"options.idleTimeout" property .* "9"/],
    [make(Echo, { frameTimeout: NaN }), 'RangeError', /"options.frameTimeout" property .* NaN/],
    [make(Echo, { frameTimeout: null }), 'TypeError', /"options.frameTimeout" property .* null/],
    [() => (server.maxConnections = 1.5), 'RangeError', /maxConnections.* 1.5/],
    [broadcast(), 'TypeError', /"data" argument must be a string or bytes. Received undefined/],
    [broadcast(7), 'TypeError', /"data" argument .* 7/],
    [broadcast({ more: () => '' }), 'TypeError', /"data" argument/],
    [broadcast('x', null), 'TypeError', /"options" argument .* null/],
    [broadcast('x', { slow: 'wait' }), 'TypeError', /"options.slow" property must be one of 'close', 'skip', 'queue'. Received "wait"/],
    [broadcast('x', { except: {} }), 'TypeError', /"options.except" property must be an AsyncChat/],
    [close(null), 'TypeError', /"options" argument .* null/],
    [close({ drain: -1 }), 'RangeError', /"options.drain" property .* -1/],
    [close({ drain: '1' }), 'TypeError', /"options.drain" property .* "1"/],
    [() => server.listen(65_536), 'RangeError', /65536/],
  ]
  for (const [call, name, message] of rows) t.throws(call, { name, message })
  t.equal(server.listening, false)
  await server.close()
})
