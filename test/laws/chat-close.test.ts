/** A channel ends exactly once, whatever ends it, and then nothing of it runs any more. */

import { once } from 'node:events'
import { type Server, type Socket, connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { AsyncChat, type AsyncChatOptions, type ChatHooks, type ChatServer, type CloseInfo, createChatServer } from '../../src/index.js'
import { closed, turn, turns } from '../support/consumers.js'
import { LINKS, type Link, type Peer, Strays, allOf, eventually, inParallel, listening, openConnections } from '../support/wire.js'

const strays = new Strays()
t.teardown(() => strays.stop())

/** What a hook gives back after it has done what it does. */
const STYLES = {
  synchronous: () => undefined,
  asynchronous: async () => turns(2),
  'that never settles': () => new Promise<void>(() => {}),
} as const
type Style = keyof typeof STYLES

type Hook = Exclude<keyof ChatHooks, 'handleClose'>

interface Subject {
  readonly chat: AsyncChat
  /** Hooks that were called, in order. */
  readonly calls: string[]
  readonly closes: CloseInfo[]
}

const HOOKS: readonly Hook[] = ['handleConnect', 'collectIncomingData', 'foundTerminator', 'handleFrame', 'handleEnd', 'handleError', 'handleDrain', 'handleTimeout']
const PAIR: readonly Hook[] = ['collectIncomingData', 'foundTerminator']

/** Hooks that note their calls; `acts` is what one of them does, and gives. */
function notingHooks(acts: Partial<Record<Hook, (chat: AsyncChat) => unknown>>, calls: string[], closes: CloseInfo[]): AsyncChatOptions {
  const wantsPair = PAIR.some((name) => name in acts)
  const hooks: Partial<Record<keyof ChatHooks, unknown>> = {}
  for (const name of HOOKS) {
    if (name === 'handleFrame' ? wantsPair : PAIR.includes(name) && !wantsPair) continue
    // The defaults of these end the channel: without an act they are to do so.
    if (['handleEnd', 'handleError', 'handleTimeout'].includes(name) && !(name in acts)) continue
    hooks[name] = function (this: AsyncChat): unknown {
      calls.push(name)
      return acts[name]?.(this)
    }
  }
  hooks.handleClose = (info: CloseInfo): void => {
    calls.push('handleClose')
    closes.push(info)
  }
  return hooks as AsyncChatOptions
}

interface Path {
  readonly name: string
  readonly options?: AsyncChatOptions
  /** What hooks do, before they give what the style says; one that throws has no style. */
  readonly acts?: Partial<Record<Hook, (chat: AsyncChat) => unknown>>
  /** The hook that has the style; without it: none of them acts, and the style is that of `handleFrame`, called before. */
  readonly hook?: Hook
  /** What the peer does, and others. */
  readonly play: (peer: Peer, subject: Subject) => unknown
  /** The error that `handleClose` gets: its code, or its message. */
  readonly error?: string | RegExp
  /** Nothing ends a channel whose hook is pending: it may still answer. Then somebody has to close it. */
  readonly waitsForHook?: boolean
}

const nothing = (): void => {}
const fails = (): never => {
  throw new Error('the hook failed')
}
const failing = { more: fails }

/** What has to happen for a hook to be called. */
const PROVOKE: Record<Hook, { readonly options?: AsyncChatOptions; readonly acts?: Path['acts']; readonly play: (peer: Peer) => unknown }> = {
  handleConnect: { play: nothing },
  collectIncomingData: { play: ({ socket }) => socket.write('ab') },
  foundTerminator: { play: ({ socket }) => socket.write('\nmore\n') },
  handleFrame: { play: ({ socket }) => socket.write('one\ntwo\nthree') },
  handleEnd: { play: ({ socket }) => socket.end('one\nhalf') },
  handleError: { acts: { handleFrame: fails }, play: ({ socket }) => socket.write('one\ntwo\n') },
  handleDrain: {
    options: { acOutBufferSize: 8 },
    acts: { handleConnect: (chat) => void chat.push('more than eight bytes') },
    play: ({ socket }) => socket.resume(),
  },
  handleTimeout: { options: { frameTimeout: 5 }, play: ({ socket }) => socket.write('half a line') },
}

const inHooks: Path[] = HOOKS.flatMap((hook) => {
  const { options = {}, acts = {}, play } = PROVOKE[hook]
  const path = (name: string, act: (chat: AsyncChat) => unknown, rest: Partial<Path> = {}): Path => ({
    name: `${name} in ${hook}`,
    options,
    acts: { ...acts, [hook]: act },
    hook,
    play,
    ...rest,
  })
  return [
    path('close()', (chat) => chat.close()),
    path('close(error)', (chat) => chat.close(new Error('our own')), { error: 'our own' }),
    path('closeWhenDone()', (chat) => chat.closeWhenDone()),
    path('destroying the transport', (chat) => void (chat.transport as Socket).destroy(), { waitsForHook: hook === 'handleEnd' }),
    path('an exception', fails, { error: 'the hook failed' }),
    path('a rejection', async () => {
      await turn()
      fails()
    }, { error: 'the hook failed' }),
  ]
})

const outside: Path[] = [
  { name: 'the peer ends', play: ({ socket }) => socket.end(), waitsForHook: true },
  { name: 'the peer ends inside a frame', play: ({ socket }) => socket.end('half'), waitsForHook: true },
  { name: 'the peer destroys its socket', play: ({ socket }) => socket.destroy(), waitsForHook: true },
  { name: 'a reset', play: ({ raw }) => raw.resetAndDestroy(), error: 'ECONNRESET' },
  { name: 'an error of the transport', play: (_peer, { chat }) => (chat.transport as Socket).destroy(new Error('broken')), error: 'broken' },
  { name: 'a frame timeout', options: { frameTimeout: 5 }, play: ({ socket }) => socket.write('half'), error: 'ERR_FRAME_TIMEOUT', waitsForHook: true },
  // The clock may run out before anything is sent.
  { name: 'an idle timeout', hook: 'handleConnect', options: { idleTimeout: 5 }, play: nothing, error: 'ERR_FRAME_TIMEOUT', waitsForHook: true },
  { name: 'a frame that is too long', options: { maxFrameLength: 8 }, play: ({ socket }) => socket.write('more than eight'), error: 'ERR_FRAME_TOO_LONG', waitsForHook: true },
  { name: 'close()', play: (_peer, { chat }) => chat.close() },
  { name: 'close(error)', play: (_peer, { chat }) => chat.close(new Error('our own')), error: 'our own' },
  { name: 'close() twice', play: (_peer, { chat }) => (chat.close(), chat.close(new Error('later'))) },
  { name: 'closeWhenDone()', play: (_peer, { chat }) => chat.closeWhenDone() },
  { name: 'closeWhenDone(), then close()', play: (_peer, { chat }) => (chat.closeWhenDone(), chat.close()) },
  { name: 'closeWhenDone() and a peer that does not end', options: { lingerTimeout: 5 }, play: ({ socket }, { chat }) => (socket.removeAllListeners('end'), chat.closeWhenDone()) },
  { name: 'closeWhenDone() with output', play: ({ socket }, { chat }) => (socket.resume(), chat.push('x'.repeat(1_000_000)), chat.closeWhenDone()) },
  { name: 'end(), and then the end of the peer', play: (_peer, { chat }) => chat.end(), waitsForHook: true },
  { name: 'the transport is destroyed from outside', play: (_peer, { chat }) => (chat.transport as Socket).destroy() },
  { name: 'the splitter is destroyed', play: (_peer, { chat }) => chat.splitter.destroy() },
  { name: 'the splitter is destroyed with an error', play: (_peer, { chat }) => chat.splitter.destroy(new Error('split')), error: 'split' },
  { name: 'a producer that fails', play: (_peer, { chat }) => chat.pushWithProducer(failing), error: 'the hook failed', waitsForHook: true },
  { name: 'asyncDispose', play: (_peer, { chat }) => void chat[Symbol.asyncDispose]() },
]

function check(t: Test, { calls, closes, chat }: Subject, info: CloseInfo, error: Path['error']): void {
  t.equal(closes.length, 1, 'handleClose is called once')
  t.equal(closes[0], info, 'whenClosed gives the same')
  t.equal(calls.at(-1), 'handleClose', 'no hook runs after it')
  t.equal(chat.closed, true)
  t.equal(chat.connected, false)
  t.equal(chat.signal.aborted, true)
  const { error: seen } = info as { error?: Error & { code?: string } }
  if (error === undefined) t.equal(seen, undefined, 'it ended well')
  else t.equal(seen === undefined ? undefined : (seen.code ?? seen.message), error)
}

async function playPath(t: Test, path: Path, style: Style, link: Link): Promise<void> {
  const { acts = {}, hook = 'handleFrame', options = {}, play, error, waitsForHook = false } = path
  const isOutside = path.hook === undefined
  const calls: string[] = []
  const closes: CloseInfo[] = []
  const give = STYLES[style]
  const styled = (chat: AsyncChat): unknown => {
    const result = acts[hook]?.(chat)
    return result ?? give()
  }
  const subjects: Subject[] = []
  const hooks = notingHooks({ ...acts, [hook]: styled }, calls, closes)
  const server = createChatServer((socket) => {
    const chat = new AsyncChat(socket, { terminator: '\n', lingerTimeout: 1_000_000, ...options, ...hooks })
    subjects.push({ chat, calls, closes })
    return chat
  }, { ...link.options, idleTimeout: 0, frameTimeout: 0 })
  // Whoever is to be told of it is told by other means.
  server.on('channelError', () => {})
  const peer = await link.connect(await listening(server))
  peer.socket.on('error', () => {})
  peer.socket.on('end', () => peer.socket.end())
  peer.socket.resume()
  await eventually('the channel is connected', () => subjects[0]?.chat.connected === true || calls.includes('handleConnect'))
  const subject = subjects[0] as Subject
  const { chat } = subject
  if (isOutside) {
    peer.socket.write('hello\n')
    await eventually('the hook has run', () => calls.includes('handleFrame'))
    await turns(4)
  }
  await play(peer, subject)
  if (waitsForHook && style === 'that never settles') {
    await eventually('the hook is called', () => calls.includes(hook))
    await turns(20)
    t.strictSame(closes, [], 'a hook that is pending may still answer')
    chat.close()
    await chat.whenClosed
    t.equal(closes.length, 1, 'handleClose is called once')
  } else {
    check(t, subject, await chat.whenClosed, error)
  }
  const callCount = calls.length
  peer.socket.destroy()
  await eventually('no connection is left', async () => (await openConnections(server)) === 0)
  chat.close(new Error('too late'))
  chat.closeWhenDone()
  chat.discardBuffers()
  chat.resumeReading()
  chat.setTerminator('x')
  await turns(5)
  t.equal(calls.length, callCount, 'nothing runs after the close')
  t.equal(server.channels.size, 0)
  await server.close()
}

for (const link of LINKS) {
  t.test(`AsyncChat: over ${link.name}, ends once, and says so once`, async (t) => {
    for (const path of [...outside, ...inHooks]) {
      for (const style of Object.keys(STYLES) as Style[]) {
        await t.test(`${path.name}, with a hook ${style}`, (t) => playPath(t, path, style, link))
      }
    }
  })
}

/** A server on which nobody can speak TLS, or anything. */
interface Refusal {
  readonly name: string
  readonly serve: () => Promise<{ readonly port: number; readonly server: Server | ChatServer | null }>
  readonly dial: object
  readonly error: RegExp
}

async function closedPort(): Promise<number> {
  const server = createServer()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

const served = async (server: Server | ChatServer): Promise<{ port: number; server: Server | ChatServer }> => ({ port: await listening(server), server })

const REFUSALS: readonly Refusal[] = [
  { name: 'a connection that is refused', serve: async () => ({ port: await closedPort(), server: null }), dial: {}, error: /ECONNREFUSED/ },
  { name: 'a TLS connection that is refused', serve: async () => ({ port: await closedPort(), server: null }), dial: { tls: true }, error: /ECONNREFUSED/ },
  { name: 'a certificate that nobody trusts', serve: () => served(createChatServer(AsyncChat, (LINKS[1] as Link).options)), dial: { tls: true }, error: /self-signed|SELF_SIGNED/ },
  {
    name: 'a certificate of another name',
    serve: () => served(createChatServer(AsyncChat, (LINKS[1] as Link).options)),
    dial: { tls: { ...(LINKS[1] as Link).dial.tls, servername: 'example.org' } },
    error: /ERR_TLS_CERT_ALTNAME_INVALID/,
  },
  {
    name: 'a server that speaks no TLS',
    serve: () => served(createServer((socket) => socket.on('error', nothing).end('220 hello\r\n'))),
    dial: { tls: true },
    error: /ERR_SSL|EPROTO|wrong version/i,
  },
  {
    name: 'a server that leaves in the handshake',
    serve: () => served(createServer((socket) => socket.on('error', nothing).destroy())),
    dial: { tls: true },
    error: /ECONNRESET/,
  },
  { name: 'a server that resets in the handshake', serve: () => served(createServer((socket) => void socket.on('error', nothing).resetAndDestroy())), dial: { tls: true }, error: /ECONNRESET/ },
]

t.test('AsyncChat: a connection that never comes about ends once too', async (t) => {
  for (const { name, serve, dial, error } of REFUSALS) {
    for (const style of Object.keys(STYLES) as Style[]) {
      await t.test(`${name}, with a handleError ${style}`, async (t) => {
        const { port, server } = await serve()
        if (server !== null && 'channels' in server) server.on('channelError', nothing)
        const calls: string[] = []
        const closes: CloseInfo[] = []
        const hooks = notingHooks({ handleError: STYLES[style] }, calls, closes)
        const chat = AsyncChat.connect({ port, host: '127.0.0.1', ...hooks, ...dial })
        const callbacks: unknown[] = []
        chat.push('hello\n', (problem) => callbacks.push(problem))
        const info = await chat.whenClosed
        t.equal(closes.length, 1)
        t.equal(closes[0], info)
        const failure = info.error as Error & { code?: string }
        t.match(`${failure.code} ${failure.message}`, error)
        t.strictSame(calls, ['handleError', 'handleClose'])
        await turns(3)
        t.strictSame(callbacks, [failure])
        t.equal(info.unsent, 1)
        t.equal(chat.push('late'), false)
        await server?.close()
      })
    }
  }
})

t.test('ChatServer: who cannot speak TLS leaves no channel, and no connection', async (t) => {
  const server = createChatServer(AsyncChat, (LINKS[1] as Link).options)
  const errors: [Error, AsyncChat | null][] = []
  server.on('channelError', (...args) => errors.push(args))
  const port = await listening(server)
  for (const bytes of ['hello, this is no TLS\r\n'.repeat(100), '']) {
    const socket = connect({ port, host: '127.0.0.1' }).on('error', nothing).resume()
    socket.end(bytes)
    await closed(socket)
  }
  await eventually('no connection is left', async () => (await openConnections(server)) === 0)
  t.equal(server.channels.size, 0)
  t.ok(errors.length > 0)
  t.ok(errors.every(([, channel]) => channel === null))
  await server.close()
})

t.test('AsyncChat: close() in a hook stops parsing at once', async (t) => {
  const CASES: { readonly name: string; readonly hooks: (seen: string[]) => AsyncChatOptions; readonly want: string[] }[] = [
    {
      name: 'handleFrame',
      hooks: (seen) => ({
        handleFrame(frame) {
          seen.push(String(frame))
          this.close()
        },
      }),
      want: ['one'],
    },
    {
      name: 'collectIncomingData',
      hooks: (seen) => ({
        collectIncomingData(data) {
          seen.push(String(data))
          this.close()
        },
        foundTerminator: () => void seen.push('found'),
      }),
      want: ['one'],
    },
    {
      name: 'foundTerminator',
      hooks: (seen) => ({
        collectIncomingData: (data) => void seen.push(String(data)),
        foundTerminator() {
          seen.push('found')
          this.close()
        },
      }),
      want: ['one', 'found'],
    },
    {
      name: 'handleConnect',
      hooks: (seen) => ({
        handleConnect() {
          this.close()
        },
        handleFrame: (frame) => void seen.push(String(frame)),
      }),
      want: [],
    },
    {
      name: 'closeWhenDone() in handleFrame',
      hooks: (seen) => ({
        handleFrame(frame) {
          seen.push(String(frame))
          this.closeWhenDone()
        },
      }),
      want: ['one'],
    },
  ]
  for (const link of LINKS) {
    for (const { name, hooks, want } of CASES) {
      const seen: string[] = []
      const server = createChatServer((socket) => new AsyncChat(socket, { terminator: '\n', ...hooks(seen) }), link.options)
      const { socket } = await link.connect(await listening(server))
      socket.on('error', nothing).resume()
      socket.write('one\ntwo\nthree\n')
      await Promise.race([once(socket, 'end'), once(socket, 'close')])
      socket.end('four\n')
      await server.close()
      t.strictSame(seen, want, `${link.name}, ${name}`)
    }
  }
})

t.test('AsyncChat: a hook that waits for the one that closes the channel does not run', async (t) => {
  for (const link of LINKS) {
    const calls: string[] = []
    const server = createChatServer(
      (socket) =>
        new AsyncChat(socket, {
          terminator: '\n',
          acOutBufferSize: 1,
          async handleFrame() {
            const isEnough = this.push('more than one byte', () => calls.push('written'))
            calls.push(String(isEnough))
            await eventually('it is written', () => calls.length === 2)
            // Its handleDrain is due, and so is the handleError of this.
            this.pushWithProducer(failing, () => calls.push('failed'))
            await eventually('it has failed', () => calls.length === 3)
            await turns(3)
            this.close()
          },
          handleDrain: () => void calls.push('handleDrain'),
          handleError: () => void calls.push('handleError'),
          handleClose: () => void calls.push('handleClose'),
        }),
      link.options,
    )
    const { socket } = await link.connect(await listening(server))
    socket.on('error', nothing).on('end', () => socket.end()).resume()
    socket.write('one\ntwo\n')
    await closed(socket)
    await server.close()
    t.strictSame(calls, ['false', 'written', 'failed', 'handleClose'], link.name)
  }
})

t.test('AsyncChat: QUIT and NOOP in one packet give 221 and nothing after it', async (t) => {
  for (const link of LINKS) {
    for (const style of ['synchronous', 'asynchronous'] as const) {
      const server = createChatServer(
        (socket) =>
          new AsyncChat(socket, {
            terminator: '\r\n',
            handleFrame(line) {
              if (String(line) === 'QUIT') {
                this.push('221 bye\r\n')
                this.closeWhenDone()
              } else {
                this.push('250 ok\r\n')
              }
              return STYLES[style]()
            },
          }),
        link.options,
      )
      const { socket } = await link.connect(await listening(server))
      const got = allOf(socket)
      socket.write('QUIT\r\nNOOP\r\n')
      t.equal(String(await got), '221 bye\r\n', `${link.name}, ${style}`)
      socket.end()
      await server.close()
    }
  }
})

const REFUSAL = '500 line too long\r\n'

for (const [link, count] of [[LINKS[0] as Link, 1_000], [LINKS[1] as Link, 100]] as const) {
  t.test(`AsyncChat: over ${link.name}, what is pushed in handleError reaches ${count} of ${count} clients before the close`, async (t) => {
    const server = createChatServer(
      (socket) =>
        new AsyncChat(socket, {
          terminator: '\r\n',
          maxFrameLength: 512,
          // A busy machine takes its time: no clock decides here.
          lingerTimeout: 600_000,
          handleFrame: nothing,
          handleError() {
            this.push(REFUSAL)
            this.closeWhenDone()
          },
        }),
      link.options,
    )
    const port = await listening(server)
    // More than a socket's buffers, so that most is on its way when the answer is.
    const line = Buffer.alloc(16_000_000, 'a')
    let reachedCount = 0
    await inParallel(count, 50, async (index) => {
      const { socket } = await link.connect(port)
      // Most send little; some send all of it before they read: what nobody takes off them would stop them for ever.
      const isLong = index % 100 === 0
      await new Promise((resolve) => socket.write(isLong ? line : line.subarray(0, 600), resolve))
      const got = allOf(socket)
      if (String(await got) === REFUSAL) reachedCount++
      socket.destroy()
    })
    t.equal(reachedCount, count)
    await server.close()
  })
}

t.test('AsyncChat: a client that has ended its side gets all of a 3 MB answer', async (t) => {
  const part = Buffer.alloc(3_000, 'b')
  const STORIES: { readonly name: string; readonly options: AsyncChatOptions }[] = [
    {
      name: 'pushed in handleFrame',
      options: {
        handleFrame() {
          for (let i = 0; i < 1_000; i++) this.push(part)
        },
      },
    },
    {
      name: 'from a producer',
      options: {
        handleFrame() {
          let count = 0
          this.pushWithProducer({ more: async () => (await turn(), count++ < 1_000 ? part : null) })
        },
      },
    },
    {
      name: 'pushed by a hook that was pending at the end',
      options: {
        async handleFrame() {
          for (let i = 0; i < 1_000; i++) {
            this.push(part)
            if (i % 100 === 0) await turns(3)
          }
        },
      },
    },
    {
      name: 'pushed in handleEnd',
      options: {
        handleFrame: nothing,
        handleEnd() {
          for (let i = 0; i < 1_000; i++) this.push(part)
          this.closeWhenDone()
        },
      },
    },
    {
      name: 'after a read',
      options: {
        async handleConnect() {
          await this.readFrame('\n')
          for (let i = 0; i < 1_000; i++) this.push(part)
        },
      },
    },
  ]
  for (const link of LINKS) {
    for (const { name, options } of STORIES) {
      const server = createChatServer((socket) => new AsyncChat(socket, { terminator: '\n', ...options }), link.options)
      const { socket } = await link.connect(await listening(server))
      const got = allOf(socket)
      socket.pause()
      socket.end('GET\n')
      await turns(20)
      socket.resume()
      t.equal((await got).length, 3_000_000, `${link.name}, ${name}`)
      await server.close()
    }
  }
})

async function readAll(this: AsyncChat): Promise<void> {
  let line: Buffer | null
  do line = await this.readFrame('\n').catch(() => null)
  while (line !== null)
}

t.test('ChatServer: clients that connect and end leave no connection open, with no hook written for it', async (t) => {
  const BYTES = ['', 'a line\n', 'half a line', 'a line\nhalf', 'x'.repeat(100_000)]
  const SERVERS: { readonly name: string; readonly options: AsyncChatOptions; readonly sent: readonly string[] }[] = [
    { name: 'no hook at all', options: {}, sent: BYTES },
    { name: 'only handleFrame', options: { terminator: '\n', handleFrame: nothing }, sent: BYTES },
    { name: 'only the pair', options: { terminator: '\n', collectIncomingData: nothing, foundTerminator: nothing }, sent: BYTES },
    { name: 'reads up to the end', options: { handleConnect: readAll }, sent: BYTES },
  ]
  for (const [link, count] of [[LINKS[0] as Link, 1_000], [LINKS[1] as Link, 50]] as const) {
    for (const { name, options, sent } of SERVERS) {
      const server = createChatServer((socket) => new AsyncChat(socket, options), link.options)
      server.on('channelError', nothing)
      const port = await listening(server)
      await inParallel(count, 50, async (index) => {
        const { socket } = await link.connect(port)
        socket.on('error', nothing).resume()
        socket.end(sent[index % sent.length] as string)
        await closed(socket)
      })
      await eventually('no connection is left', async () => (await openConnections(server)) === 0)
      await eventually('no channel is left', () => server.channels.size === 0)
      t.pass(`${link.name}, ${name}: ${count} clients`)
      await server.close()
    }
  }
})

t.test('AsyncChat: in all of this nothing was rejected or thrown that nobody takes', async (t) => {
  t.strictSame(strays.list, [])
})
