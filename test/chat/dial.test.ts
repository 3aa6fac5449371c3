import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net, { type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import tls from 'node:tls'
import t, { type Test } from 'tap'
import { AsyncChat } from '../../src/chat/async-chat.js'
import type { ConnectOptions, SpawnOptions } from '../../src/chat/async-chat.js'
import { dial, start, stop } from '../../src/chat/dial.js'
import { turns } from '../support/consumers.js'
import { cert, key } from '../support/tls.js'
import { until } from '../support/until.js'

/** Where an echo listens: it answers with what it gets, and ends when its peer does. */
async function listen(t: Test, server: Server, path?: string): Promise<{ port: number; host: string } | { path: string }> {
  server.on('error', () => {})
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return path === undefined ? { port: (server.address() as AddressInfo).port, host: '127.0.0.1' } : { path }
}

const echo = (socket: net.Socket): void => void socket.on('error', () => {}).pipe(socket)
const echoServer = (): Server => net.createServer({ allowHalfOpen: true }, echo)
const secureEcho = (): Server => tls.createServer({ key, cert, allowHalfOpen: true }, echo).on('tlsClientError', () => {})

function socketPath(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'chat-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 's')
}

t.test('AsyncChat.connect: gives a channel at once, over TCP, Unix sockets and TLS', async (t) => {
  const isUnixless = process.platform === 'win32'
  const rows: [name: string, server: Server, path: string | undefined, tls: ConnectOptions['tls']][] = [
    ['TCP', echoServer(), undefined, undefined],
    ['TCP, said so', echoServer(), undefined, false],
    ['TLS', secureEcho(), undefined, { ca: cert }],
    ...(isUnixless ? [] : ([
      ['a Unix socket', echoServer(), socketPath(t), undefined],
      ['TLS over a Unix socket', secureEcho(), socketPath(t), { ca: cert, servername: 'localhost' }],
    ] as [string, Server, string, ConnectOptions['tls']][])),
  ]
  for (const [name, server, path, tlsOptions] of rows) {
    const where = await listen(t, server, path)
    let isConnected = false
    class Mine extends AsyncChat {
      override handleConnect(): void {
        isConnected = true
      }
    }
    const chat: Mine = Mine.connect({ ...where, tls: tlsOptions })
    t.ok(chat instanceof Mine, name)
    t.equal(chat.connected, false, name)
    t.equal(chat.child, null, name)
    chat.push('before the connection\n')
    chat.end()
    t.equal(String(await chat.readFrame('\n')), 'before the connection', name)
    t.ok(isConnected, name)
    t.equal(await chat.readFrame('\n'), null, `${name}: it is half open`)
    t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 }, name)
    t.equal((chat.transport as { authorized?: boolean }).authorized ?? false, name.startsWith('TLS'), name)
  }
})

t.test('AsyncChat.connect: a certificate that is not trusted is an error, and no connection', async (t) => {
  const where = await listen(t, secureEcho())
  for (const [options, isTrusted] of [[true, false], [{}, false], [{ rejectUnauthorized: false }, true]] as const) {
    const errors: unknown[] = []
    let connects = 0
    const callbacks: unknown[] = []
    const chat = AsyncChat.connect({
      ...where,
      tls: options,
      handleConnect() {
        connects++
        this.closeWhenDone()
      },
      handleError(error) {
        errors.push((error as NodeJS.ErrnoException).code)
      },
    })
    chat.push('secret', (error) => callbacks.push((error as NodeJS.ErrnoException | null)?.code ?? null))
    const { error, unsent } = await chat.whenClosed
    await turns(1)
    const code = isTrusted ? undefined : 'DEPTH_ZERO_SELF_SIGNED_CERT'
    t.equal(connects, isTrusted ? 1 : 0)
    t.same(errors, isTrusted ? [] : [code])
    t.equal((error as { code?: string } | undefined)?.code, code)
    t.same(callbacks, [code ?? null])
    t.equal(unsent, isTrusted ? 0 : 1)
  }
})

t.test('AsyncChat.connect: a connection that is refused goes to handleError, once', async (t) => {
  const server = echoServer()
  const where = await listen(t, server)
  server.close()
  await once(server, 'close')
  for (const target of [where, { ...where, tls: true }, { path: join(tmpdir(), 'nobody-listens-here') }]) {
    const codes: (string | undefined)[] = []
    const chat = AsyncChat.connect({
      ...target,
      handleConnect: () => void codes.push('connected'),
      handleError: (error) => void codes.push((error as NodeJS.ErrnoException).code),
      handleClose: ({ error }) => void codes.push(`closed ${(error as NodeJS.ErrnoException).code}`),
    })
    await chat.whenClosed
    await turns(1)
    const code = 'port' in target ? 'ECONNREFUSED' : 'ENOENT'
    t.same(codes, [code, `closed ${code}`])
  }
})

t.test('AsyncChat.connect: the signal closes the channel, before and after it is connected', async (t) => {
  const where = await listen(t, echoServer())
  const early = AsyncChat.connect({ ...where, signal: AbortSignal.abort('too early') })
  t.match(await early.whenClosed, { error: { name: 'AbortError', cause: 'too early' } })
  const aborter = new AbortController()
  const chat = AsyncChat.connect({ ...where, signal: aborter.signal })
  chat.push('x\n')
  await chat.readFrame('\n')
  aborter.abort('enough')
  t.match(await chat.whenClosed, { error: { name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' } })
})

t.test('AsyncChat.connect: refuses wrong options at the call, and leaves nothing behind', async (t) => {
  const server = echoServer()
  const where = await listen(t, server)
  let arrivals = 0
  server.on('connection', () => arrivals++)
  const rows: [options: unknown, name: string, message: RegExp][] = [
    [undefined, 'TypeError', /"options" argument must be an object. Received undefined/],
    [null, 'TypeError', /"options" argument .* null/],
    ['localhost:25', 'TypeError', /"options" argument .* "localhost:25"/],
    [{}, 'TypeError', /"options.port" property must be given, or options.path. Received undefined/],
    [{ host: '127.0.0.1' }, 'TypeError', /"options.port" property/],
    [{ port: 65_536 }, 'RangeError', /65536/],
    [{ port: 'smtp' }, 'RangeError', /smtp/],
    [{ path: 7 }, 'TypeError', /path.*7/],
    [{ ...where, tls: 1 }, 'TypeError', /"options.tls" property must be an object. Received 1/],
    [{ ...where, tls: null }, 'TypeError', /"options.tls" property .* null/],
    [{ ...where, terminator: -1 }, 'RangeError', /-1/],
    [{ ...where, handleFrame: 'no' }, 'TypeError', /"options.handleFrame" property/],
    [{ ...where, signal: {} }, 'TypeError', /"options.signal" property/],
    [{ ...where, handleFrame() {}, foundTerminator() {} }, 'TypeError', /not both/],
  ]
  for (const [options, name, message] of rows) t.throws(() => AsyncChat.connect(options as ConnectOptions), { name, message })
  // What had dialled before this one would have arrived.
  const good = AsyncChat.connect(where)
  good.push('x\n')
  await good.readFrame('\n')
  good.close()
  t.equal(arrivals, 1)
})

t.test('dial: gives the options of net.connect on, but the signal is the channel\'s', async (t) => {
  const where = await listen(t, echoServer())
  const aborted = AbortSignal.abort()
  const socket = dial({ ...where, signal: aborted, localAddress: '127.0.0.1' } as ConnectOptions)
  await once(socket, 'connect')
  t.equal(socket.localAddress, '127.0.0.1')
  t.equal(socket.allowHalfOpen, true)
  socket.destroy()
})

const children = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length

const NODE = process.execPath
const script = (body: string): string[] => ['-e', body]

t.test('AsyncChat.spawn: talks to a process: its stdout is the input, its stdin the output', async (t) => {
  class Mine extends AsyncChat {}
  const chat: Mine = Mine.spawn(NODE, script('process.stdin.pipe(process.stdout)'))
  t.ok(chat instanceof Mine)
  t.type(chat.child?.pid, 'number')
  t.same(chat.transport, { readable: chat.child?.stdout, writable: chat.child?.stdin })
  t.equal(chat.child?.stderr, null, 'its stderr is ours')
  chat.push('hello\n')
  t.equal(String(await chat.readFrame('\n')), 'hello')
  chat.end()
  t.equal(await chat.readFrame('\n'), null)
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 })
  if (chat.child?.exitCode === null) await once(chat.child, 'exit')
  t.equal(chat.child?.exitCode, 0)
})

t.test('AsyncChat.spawn: gives the arguments and the options of child_process.spawn on', async (t) => {
  const chat = AsyncChat.spawn(NODE, script('console.log(process.argv[1], process.env.WORD, process.cwd() === require("fs").realpathSync(process.argv[2]))').concat('an argument', tmpdir()), {
    env: { WORD: 'of ours' },
    cwd: tmpdir(),
  })
  t.equal(String(await chat.readFrame(/* all of it */ null)), 'an argument of ours true\n')
  await chat.whenClosed
})

t.test('AsyncChat.spawn: stderr is ours, or nobody\'s, or to be read from the child', async (t) => {
  const shout = script('console.error("oh")')
  const piped = AsyncChat.spawn(NODE, shout, { stderr: 'pipe' })
  t.equal(await text(piped.child?.stderr as NodeJS.ReadableStream), 'oh\n')
  await piped.whenClosed
  const ignored = AsyncChat.spawn(NODE, shout, { stderr: 'ignore' })
  t.equal(ignored.child?.stderr, null)
  await ignored.whenClosed
  const build = new URL('../../src/chat/async-chat.js', import.meta.url).href
  const spawner = `import { AsyncChat } from ${JSON.stringify(build)}
    const chat = AsyncChat.spawn(process.execPath, ['-e', 'console.error("oh")'])
    await chat.whenClosed`
  t.equal(execFileSync(NODE, ['--input-type=module', '-e', spawner], { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' }), '', 'not its stdout')
})

t.test('AsyncChat.spawn: a command that is not there goes to handleError, once', async (t) => {
  const codes: (string | undefined)[] = []
  const callbacks: unknown[] = []
  const chat = AsyncChat.spawn('there-is-no-such-command', ['x'], {
    handleError(error) {
      codes.push((error as NodeJS.ErrnoException).code)
      this.close(error)
    },
    handleClose: ({ error }) => void codes.push(`closed ${(error as NodeJS.ErrnoException).code}`),
  })
  chat.push('x', (error) => callbacks.push((error as NodeJS.ErrnoException).code))
  t.equal(chat.child?.pid, undefined)
  const read = chat.readFrame('\n')
  await t.rejects(read, { code: 'ENOENT' })
  t.match(await chat.whenClosed, { error: { code: 'ENOENT' }, unsent: 1 })
  await turns(3)
  t.same(codes, ['ENOENT', 'closed ENOENT'])
  t.same(callbacks, ['ENOENT'])
})

t.test('AsyncChat.spawn: a process that exits before anybody reads leaves all that it wrote', async (t) => {
  const chat = AsyncChat.spawn(NODE, script('process.stdout.write("x".repeat(200000) + "\\nend")'))
  await once(chat.child as NodeJS.EventEmitter, 'exit')
  await turns(5)
  t.equal((await chat.readFrame('\n'))?.length, 200_000)
  await t.rejects(chat.readFrame('\n'), { code: 'ERR_FRAME_INCOMPLETE' })
  t.match(await chat.whenClosed, { unsent: 0 })
})

t.test('AsyncChat.spawn: a process that goes while we still write takes no more; what it said is read', async (t) => {
  const frames: string[] = []
  const errors: string[] = []
  const chat = AsyncChat.spawn(NODE, script('process.stdin.once("data", () => { process.stdout.write("enough\\n", () => process.exit(3)) })'), {
    terminator: '\n',
    handleFrame: (frame) => void frames.push(String(frame)),
    handleError: (error) => void errors.push(String((error as NodeJS.ErrnoException).code)),
  })
  let called = 0
  for (let count = 0; count < 64; count++) chat.push(Buffer.alloc(65_536), () => called++)
  const { unsent } = await chat.whenClosed
  await turns(2)
  t.ok(unsent > 0)
  t.equal(called, 64)
  t.ok(errors.length <= 1, errors.join())
  t.ok(errors.every((code) => code === 'EPIPE' || code === 'ECONNRESET'), errors.join())
  if (errors.length === 0) t.same(frames, ['enough'], 'though more waited for it than is read beside')
  t.equal(chat.push('more'), false, 'it is not a mistake to push to who is gone')
})

t.test('AsyncChat.spawn: the signal closes the channel, and the process sees the end of its input', async (t) => {
  const aborter = new AbortController()
  const chat = AsyncChat.spawn(NODE, script('process.stdin.resume().on("end", () => process.exit(7)); console.log("up")'), { signal: aborter.signal })
  await chat.readFrame('\n')
  aborter.abort()
  t.match(await chat.whenClosed, { error: { name: 'AbortError' } })
  const { child } = chat
  if (child?.exitCode === null) await once(child, 'exit')
  t.equal(child?.exitCode, 7)
})

t.test('AsyncChat.spawn: a program that is not ours, git', async (t) => {
  const { stdout: version, error } = spawnSync('git', ['--version'], { encoding: 'utf8' })
  if (error !== undefined) {
    t.pass('git is missing', { skip: 'git is missing' })
    return
  }
  const chat = AsyncChat.spawn('git', ['--version'])
  t.equal(`${String(await chat.readFrame('\n'))}\n`, version)
  chat.closeWhenDone()
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 0 })
})

t.test('AsyncChat.spawn: refuses wrong options at the call, and leaves no process behind', async (t) => {
  const wait = script('process.stdin.resume()')
  const rows: [args: unknown[], name: string, message: RegExp][] = [
    [[], 'TypeError', /file|command/],
    [[7], 'TypeError', /7/],
    [[NODE, 'args'], 'TypeError', /args/],
    [[NODE, wait, null], 'TypeError', /"options" argument must be an object. Received null/],
    [[NODE, wait, { stderr: 'pip' }], 'TypeError', /"options.stderr" property must be one of 'inherit', 'ignore', 'pipe'. Received "pip"/],
    [[NODE, wait, { cwd: 7 }], 'TypeError', /cwd/],
    [[NODE, wait, { terminator: -1 }], 'RangeError', /-1/],
    [[NODE, wait, { maxFrameLength: 0 }], 'RangeError', /"options.maxFrameLength" property .* 0/],
    [['there-is-no-such-command', [], { terminator: -1 }], 'RangeError', /-1/],
  ]
  const before = children()
  for (const [args, name, message] of rows) {
    t.throws(() => (AsyncChat.spawn as (...args: unknown[]) => AsyncChat)(...args), { name, message })
  }
  await t.resolves(until('no process is left', () => children() <= before))
})

t.test('stop: a process that could not be started is left alone, and so is our own group', async (t) => {
  const { child } = start('there-is-no-such-command', [], {})
  let kills = 0
  child.kill = () => ++kills > 0
  stop(child)
  t.same([child.pid, kills], [undefined, 0])
  await new Promise((resolve) => child.once('close', resolve))
})

t.test('start: the signal is the channel\'s, it does not kill the process', async (t) => {
  const { child, transport } = start(NODE, script('console.log("alive")'), { signal: AbortSignal.abort() } as SpawnOptions)
  const { readable } = transport as { readable: NodeJS.ReadableStream }
  t.equal(await text(readable), 'alive\n')
  if (child.exitCode === null) await once(child, 'exit')
  t.equal(child.exitCode, 0)
})
