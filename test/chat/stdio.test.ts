import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { type StdioOptions, stdio } from '../../src/index.js'
import type { Duplex } from '../../src/streams/base.js'
import { outcomeOf, startInShell, startModule } from '../support/run-node.js'

const EVENTS = ['end', 'finish', 'error', 'close'] as const

/** The events of a stream, in order; an error with its code. */
function eventsOf(io: Duplex): string[] {
  const events: string[] = []
  for (const event of EVENTS) {
    io.on(event, (error?: NodeJS.ErrnoException) => events.push(error === undefined ? event : `${event} ${error.code}`))
  }
  return events
}

/** Enough for everything that is under way in memory. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await turn()
}

function setUp(more: StdioOptions = {}) {
  const stdin = new PassThrough()
  const stdout = new PassThrough()
  const io = stdio({ stdin, stdout, ...more })
  return { stdin, stdout, io, events: eventsOf(io) }
}

/** A stdout that keeps each write until it is answered. */
class HeldOutput extends Writable {
  readonly written: string[] = []
  readonly answers: ((error?: Error | null) => void)[] = []

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.written.push(String(chunk))
    this.answers.push(done)
  }
}

/** A stdout of a process: it is not destroyed by its errors, and says each one again. */
class ProcessOutput extends Writable {
  readonly #code: string

  constructor(code: string) {
    super({ autoDestroy: false })
    this.#code = code
  }

  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    process.nextTick(done, withCode(this.#code))
  }
}

const withCode = (code: string): Error => Object.assign(new Error(`write ${code}`), { code })
const codesInto = (codes: unknown[]) => (error?: Error | null) => codes.push((error as NodeJS.ErrnoException | null)?.code)
const listenersOf = (stream: Readable | Writable): number =>
  ['data', 'end', 'close', 'error'].reduce((sum, event) => sum + stream.listenerCount(event), 0)

// In this process

t.test('stdio: refuses what is no stream, or a closed one, and names it', async (t) => {
  const open = new PassThrough()
  const destroyed = new PassThrough().destroy()
  const ended = new PassThrough().end()
  const rows: readonly [name: string, options: unknown, message: RegExp][] = [
    ['options', null, /"options" argument must be an object\. Received null/],
    ['stdin: null', { stdin: null, stdout: open }, /"options.stdin" property must be a Readable .*Received null/],
    ['stdin: text', { stdin: 'x', stdout: open }, /"options.stdin" .*Received "x"/],
    ['stdin: an object', { stdin: {}, stdout: open }, /"options.stdin" /],
    ['stdin: a Writable', { stdin: new Writable(), stdout: open }, /"options.stdin" /],
    ['stdin: destroyed', { stdin: destroyed, stdout: open }, /"options.stdin" .*not destroyed/],
    ['stdout: null', { stdin: open, stdout: null }, /"options.stdout" property must be a Writable .*Received null/],
    ['stdout: a Readable', { stdin: open, stdout: new Readable() }, /"options.stdout" /],
    ['stdout: destroyed', { stdin: open, stdout: destroyed }, /"options.stdout" .*not ended or destroyed/],
    ['stdout: ended', { stdin: open, stdout: ended }, /"options.stdout" /],
  ]
  for (const [name, options, message] of rows) {
    t.throws(() => stdio(options as StdioOptions), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message }, name)
  }
  t.equal(listenersOf(open), listenersOf(new PassThrough()), 'nothing was touched')
})

t.test('stdio: is a Duplex with high-water marks of 65,536, whatever the platform has', async (t) => {
  const { io } = setUp()
  t.same([io.readableHighWaterMark, io.writableHighWaterMark, io.allowHalfOpen], [65_536, 65_536, true])
})

t.test('stdio: belongs to process.stdin and process.stdout unless told otherwise', async (t) => {
  const before = listenersOf(process.stdin)
  const io = stdio()
  t.equal(listenersOf(process.stdin), before + 3)
  t.throws(() => stdio(), { code: 'ERR_INVALID_STATE' })
  io.destroy()
  t.equal(listenersOf(process.stdin), before)
})

t.test('stdio: has its stdin for itself, until it is closed', async (t) => {
  const { io, stdin, stdout } = setUp()
  t.throws(() => stdio({ stdin, stdout }), { code: 'ERR_INVALID_STATE', message: 'Invalid state: another stdio() has this stdin' })
  io.destroy()
  const next = stdio({ stdin, stdout })
  stdin.end('for the next')
  t.equal(await text(next), 'for the next')
})

t.test('stdio: reads nothing before it is asked for, and not more than it holds', async (t) => {
  let count = 0
  const stdin = new Readable({ highWaterMark: 0, read() { count++; this.push(Buffer.alloc(1024)) } })
  const { io } = setUp({ stdin })
  await settled()
  t.equal(count, 0, 'nobody has asked')
  io.read()
  await settled()
  t.ok(count >= 64 && count <= 66, `it holds 65,536 bytes and one chunk at most: ${count} of 1024`)
  t.equal(stdin.readableFlowing, false, 'stdin stands still')
  for (let taken = 0; taken < 1_000_000;) taken += ((io.read() ?? (await once(io, 'readable'), '')) as Buffer).length
  t.ok(count >= 976, 'and goes on when there is room')
  io.destroy()
})

t.test('stdio: reads nothing while it is paused', async (t) => {
  const { io, stdin } = setUp()
  const chunks: string[] = []
  io.on('data', (chunk) => {
    chunks.push(String(chunk))
    io.pause()
  })
  stdin.write('one')
  await settled()
  t.equal(stdin.readableFlowing, false, 'paused in a handler')
  stdin.write('two')
  await settled()
  t.same([chunks, io.readableLength], [['one'], 0])
  io.resume()
  await settled()
  t.same([chunks, io.readableLength], [['one', 'two'], 0], 'resumed')
  io.resume()
  await settled()
  t.equal(stdin.readableFlowing, true)
  io.pause()
  t.equal(stdin.readableFlowing, false, 'paused while it waits for input')
  await settled()
  t.equal(stdin.readableFlowing, false, 'and stays so')
  io.resume()
  stdin.end('three')
  await settled()
  t.same(chunks, ['one', 'two', 'three'])
})

t.test('stdio: gives input to one who reads a paused stream', async (t) => {
  const { io, stdin } = setUp()
  io.pause()
  stdin.write('one')
  await settled()
  t.equal(io.read(0), null)
  await settled()
  t.equal(io.readableLength, 0, 'a size of 0 asks for nothing')
  t.equal(io.read(), null)
  await settled()
  t.equal(stdin.readableFlowing, false, 'what was asked for is there')
  t.equal(String(io.read()), 'one')
  io.on('readable', () => {})
  stdin.write('two')
  await settled()
  io.pause()
  t.equal(String(io.read()), 'two', 'a listener of readable asks, paused or not')
  stdin.write('three')
  await settled()
  t.equal(String(io.read()), 'three')
})

t.test('stdio: gives input to a listener of readable that comes after a pause', async (t) => {
  const { io, stdin } = setUp()
  io.resume()
  await settled()
  io.pause()
  const readable = once(io, 'readable')
  stdin.write('one')
  await readable
  t.equal(String(io.read()), 'one')
})

t.test('stdio: ends its readable side alone when stdin ends', async (t) => {
  const { io, stdin, stdout, events } = setUp()
  stdin.end('question')
  t.equal(await text(io), 'question')
  t.same(events, ['end'], 'reading it to the end does not destroy it')
  io.end('answer')
  await once(io, 'close')
  t.same(events, ['end', 'finish', 'close'])
  t.same([String(stdout.read()), stdout.writableEnded, stdout.destroyed], ['answer', false, false])
  t.same([listenersOf(stdin), listenersOf(stdout)], [listenersOf(new PassThrough()), listenersOf(new PassThrough())])
})

t.test('stdio: ends when stdin is over without an end, or was before it', async (t) => {
  const { io, stdin, events } = setUp()
  io.resume()
  stdin.destroy()
  await settled()
  t.same(events, ['end'], 'destroyed by somebody')
  const over = new PassThrough({ autoDestroy: false, emitClose: false }).end()
  over.resume()
  await once(over, 'end')
  t.equal(await text(setUp({ stdin: over }).io), '', 'ended before')
})

t.test('stdio: keeps the bytes of a stdin that has an encoding', async (t) => {
  const { io, stdin } = setUp()
  stdin.setEncoding('hex')
  stdin.end(Buffer.of(0xff, 0x00, 0x80))
  const chunks = await io.toArray()
  t.same(Buffer.concat(chunks), Buffer.of(0xff, 0x00, 0x80))
})

t.test('stdio: leaves stdin in peace when it is left', async (t) => {
  const { io, stdin, events } = setUp()
  stdin.write('one')
  for await (const chunk of io) {
    t.equal(String(chunk), 'one')
    break
  }
  await settled()
  t.same(events, ['close'], 'a loop that is left destroys it')
  t.same([stdin.readableFlowing, stdin.destroyed, listenersOf(stdin)], [false, false, listenersOf(new PassThrough())])
})

t.test('stdio: makes stdin keep the process alive only while it is read', async (t) => {
  const calls: string[] = []
  const stdin = Object.assign(new PassThrough(), { ref: () => calls.push('ref'), unref: () => calls.push('unref') })
  const { io } = setUp({ stdin })
  t.same(calls, [], 'not asked')
  io.resume()
  await settled()
  t.equal(calls.at(-1), 'ref')
  io.pause()
  t.equal(calls.at(-1), 'unref')
  io.resume()
  await settled()
  t.equal(calls.at(-1), 'ref')
  io.destroy()
  t.equal(calls.at(-1), 'unref')
  const { length } = calls
  const other = setUp({ stdin: Object.assign(new PassThrough(), { ref: () => calls.push('ref'), unref: () => calls.push('unref') }) })
  other.io.pause()
  other.stdin.destroy()
  other.io.destroy()
  await settled()
  t.equal(calls.length, length, 'what was never read is left as it was')
  const closed = Object.assign(new PassThrough(), { ref: () => {}, unref: () => calls.push('unref of a closed one') })
  setUp({ stdin: closed }).io.resume()
  await settled()
  closed.destroy()
  await settled()
  t.notOk(calls.includes('unref of a closed one'))
})

t.test('stdio: calls a write back when stdout has, and puts together what waits', async (t) => {
  const stdout = new HeldOutput()
  const { io, events } = setUp({ stdout })
  const done: string[] = []
  io.write('a', () => done.push('a'))
  io.write('62', 'hex', () => done.push('b'))
  io.write('c')
  io.end('d', () => done.push('end'))
  await settled()
  t.same([stdout.written, done], [['a'], []])
  stdout.answers[0]?.()
  await settled()
  t.same([stdout.written, done, events], [['a', 'bcd'], ['a'], []])
  stdout.answers[1]?.()
  await settled()
  t.same([done, events], [['a', 'b', 'end'], ['finish']])
})

t.test('stdio: takes end() in all its forms', async (t) => {
  for (const [name, end] of Object.entries<(io: Duplex, done: () => void) => void>({
    'end(callback)': (io, done) => io.write('ab') && io.end(done),
    'end(chunk, callback)': (io, done) => io.end('ab', done),
    'end(chunk, encoding, callback)': (io, done) => io.end('6162', 'hex', done),
    'end(chunk)': (io, done) => io.end('ab') && io.on('finish', done),
    'end()': (io, done) => io.write('ab') && io.end() && io.on('finish', done),
  })) {
    const { io, stdout } = setUp()
    await new Promise<void>((resolve) => end(io, resolve))
    t.equal(String(stdout.read()), 'ab', name)
  }
})

t.test('stdio: takes a reader that goes away for the peer\'s close', async (t) => {
  for (const code of ['EPIPE', 'EOF', 'ERR_STREAM_DESTROYED']) {
    const stdout = new ProcessOutput(code)
    const { io, stdin, events } = setUp({ stdout })
    const codes: unknown[] = []
    io.write('a', codesInto(codes))
    io.write('b', codesInto(codes))
    io.write('unheard')
    await once(io, 'close')
    t.equal(io.write('c', codesInto(codes)), false)
    t.equal(io.write('63', 'hex', codesInto(codes)), false)
    io.write('unheard')
    io.end(codesInto(codes))
    await settled()
    t.same(codes, Array.from({ length: 5 }, () => 'ERR_CHANNEL_CLOSED'), code)
    t.same(events, ['end', 'close'])
    t.same([listenersOf(stdin), listenersOf(stdout)], [listenersOf(new PassThrough()), 0])
  }
})

t.test('stdio: ends its readable side, after what it holds, when the peer goes away', async (t) => {
  const stdout = new ProcessOutput('EPIPE')
  const { io, stdin, events } = setUp({ stdout })
  stdin.write('held')
  io.read()
  await settled()
  const codes: unknown[] = []
  io.write('x', codesInto(codes))
  await settled()
  stdin.write('too late')
  await settled()
  t.same([codes, events, stdin.readableFlowing], [['ERR_CHANNEL_CLOSED'], [], false])
  t.equal(await text(io), 'held')
  await settled()
  t.same(events, ['end', 'close'])
})

t.test('stdio: lets those who read finish quietly when the peer goes away', async (t) => {
  const waiting = setUp({ stdout: new ProcessOutput('EPIPE') })
  const read = text(waiting.io)
  waiting.io.write('x')
  t.equal(await read, '', 'a loop that waits')
  const piped = setUp({ stdout: new ProcessOutput('EPIPE') })
  const target = piped.io.pipe(new PassThrough())
  piped.stdin.write('in')
  await settled()
  piped.io.write('x')
  t.equal(await text(target), 'in', 'a pipe')
})

t.test('stdio: does not finish when the peer goes away before the end is written', async (t) => {
  const { io, stdin, events } = setUp({ stdout: new ProcessOutput('EPIPE') })
  const codes: unknown[] = []
  io.write('a')
  io.end('b', codesInto(codes))
  await once(io, 'close')
  t.same([codes, events], [['ERR_CHANNEL_CLOSED'], ['end', 'close']])
  t.equal(stdin.destroyed, false)
  const stopped = setUp({ stdout: new ProcessOutput('EPIPE') })
  await t.rejects(pipeline(Readable.from(['a', 'b', 'c']), stopped.io), { code: 'ERR_STREAM_PREMATURE_CLOSE' }, 'pipeline() says so')
})

t.test('stdio: closes at once when the peer goes away after the end of input', async (t) => {
  const stdout = new HeldOutput()
  const { io, stdin, events } = setUp({ stdout })
  stdin.end()
  await text(io)
  io.write('x')
  t.same(events, ['end'])
  stdout.answers[0]?.(withCode('EPIPE'))
  await settled()
  t.same(events, ['end', 'close'])
})

t.test('stdio: calls back what waits when it is destroyed in the middle of a write', async (t) => {
  const stdout = new HeldOutput()
  const { io } = setUp({ stdout })
  const codes: unknown[] = []
  io.write('a', codesInto(codes))
  io.write('b', codesInto(codes))
  io.destroy()
  stdout.answers[0]?.()
  await settled()
  t.same(codes.map((code) => code ?? 'written'), ['written', 'ERR_STREAM_DESTROYED'])
  t.same(stdout.written, ['a'])
  io.write('c', codesInto(codes))
  await settled()
  t.equal(codes.at(-1), 'ERR_STREAM_DESTROYED')
})

t.test('stdio: takes a stdout that is closed by another for the peer\'s close', async (t) => {
  const stdout = new HeldOutput()
  const { io, stdin, events } = setUp({ stdout })
  stdin.end()
  await text(io)
  const codes: unknown[] = []
  io.write('never answered', codesInto(codes))
  io.write('waits', codesInto(codes))
  stdout.destroy()
  await settled()
  t.same([codes, events], [['ERR_CHANNEL_CLOSED', 'ERR_CHANNEL_CLOSED'], ['end', 'close']])
  stdout.answers[0]?.()
  await settled()
  t.same(codes.length, 2, 'once')
})

t.test('stdio: takes the EPIPE of another\'s write for the peer\'s close, once', async (t) => {
  const { io, stdout, events } = setUp()
  stdout.emit('error', withCode('EPIPE'))
  stdout.emit('error', withCode('EPIPE'))
  stdout.emit('close')
  await settled()
  t.same(events, ['end', 'close'])
  io.destroy()
})

t.test('stdio: is destroyed by any other error of stdout', async (t) => {
  const stdout = new ProcessOutput('ENOSPC')
  const { io, stdin, events } = setUp({ stdout })
  const codes: unknown[] = []
  io.write('x', codesInto(codes))
  await settled()
  t.same([codes, events], [['ENOSPC'], ['error ENOSPC', 'close']])
  t.same([listenersOf(stdin), listenersOf(stdout)], [listenersOf(new PassThrough()), 0])
  const other = setUp()
  other.stdout.destroy(withCode('EIO'))
  await settled()
  t.same(other.events, ['error EIO', 'close'], 'an error of its own')
})

t.test('stdio: is destroyed by an error of stdin', async (t) => {
  const { stdin, stdout, events } = setUp()
  stdin.destroy(withCode('EIO'))
  await settled()
  t.same(events, ['error EIO', 'close'])
  t.equal(listenersOf(stdout), listenersOf(new PassThrough()))
})

t.test('stdio: hears the failure of a write that it was destroyed during', async (t) => {
  for (const code of ['EPIPE', 'ENOSPC']) {
    const stdout = new HeldOutput({ autoDestroy: false })
    const { io, events } = setUp({ stdout })
    io.write('x')
    io.destroy()
    await settled()
    t.equal(stdout.listenerCount('error'), 1)
    stdout.emit('error', withCode('EPIPE'))
    t.equal(stdout.listenerCount('error'), 1, 'the error of another is not the one')
    stdout.answers[0]?.(withCode(code))
    await settled()
    t.same([events, stdout.listenerCount('error')], [['close'], 0], code)
  }
  const stdout = new HeldOutput()
  const { io } = setUp({ stdout })
  io.write('x')
  io.destroy()
  stdout.answers[0]?.()
  await settled()
  t.equal(listenersOf(stdout), listenersOf(new HeldOutput()), 'nothing is left of one that went well')
})

// In processes of their own

const IMPORT = `import { stdio } from 'asynchat'\n`
const ECHO = `${IMPORT}const io = stdio()\nfor await (const chunk of io) io.write(chunk)\nio.end('bye\\n')`
/** Writes until it is told to stop, and reads. */
const ENDLESS = `${IMPORT}
const io = stdio()
const next = (error) => { if (!error) io.write('line\\n'.repeat(1000), next) }
next()
for await (const chunk of io);
`
const TEN_MB = 10_000_000
const TEN_MB_OUT = `${IMPORT}
const io = stdio()
for (let sent = 0; sent < ${TEN_MB}; sent += 10_000) io.write('0123456789'.repeat(1000))
io.end(() => process.exit())
`

t.test('stdio: talks in a pipe, and the process ends', async (t) => {
  const child = startModule(ECHO)
  child.stdin.end('one\ntwo\n')
  t.same(await outcomeOf(child), { code: 0, stdout: 'one\ntwo\nbye\n', stderr: '' })
})

t.test('stdio: answers while stdin is open', async (t) => {
  const child = startModule(ECHO)
  child.stdin.write('question')
  const [answer] = await once(child.stdout, 'data')
  t.equal(String(answer), 'question')
  child.stdin.end()
  t.match(await outcomeOf(child), { code: 0, stdout: 'bye\n', stderr: '' })
})

t.test('stdio: works with files', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stdio-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const input = '0123456789'.repeat(TEN_MB / 10)
  writeFileSync(join(folder, 'in'), input)
  const run = await outcomeOf(startInShell(`run < '${folder}/in' > '${folder}/out'`, ECHO))
  t.same(run, { code: 0, stdout: '', stderr: '' })
  t.ok(readFileSync(join(folder, 'out'), 'latin1') === `${input}bye\n`, 'all of 10 MB')
})

t.test('stdio: works with /dev/null on both sides', async (t) => {
  t.same(await outcomeOf(startInShell('run < /dev/null > /dev/null', ECHO)), { code: 0, stdout: '', stderr: '' })
})

t.test('stdio: fails with a full disk', { skip: !existsSync('/dev/full') && 'there is no /dev/full' }, async (t) => {
  const source = `${IMPORT}stdio().on('error', ({ code }) => console.error(code)).on('close', () => console.error('close')).write('x')`
  t.same(await outcomeOf(startInShell('run > /dev/full', source)), { code: 0, stdout: '', stderr: 'ENOSPC\nclose\n' })
})

t.test('stdio: ends quietly when its reader goes away', async (t) => {
  const child = startModule(ENDLESS)
  // stdin stays open: it must not keep the process.
  child.stdout.once('data', () => child.stdout.destroy())
  const closed = once(child, 'close')
  t.equal(await text(child.stderr), '')
  t.same(await closed, [0, null])
  const run = await outcomeOf(startInShell('{ run; echo "code $?" >&2; } | head -1', ENDLESS))
  t.same(run, { code: 0, stdout: 'line\n', stderr: 'code 0\n' })
})

t.test('stdio: is closed once, without an error, when its reader goes away', async (t) => {
  const source = `${IMPORT}
    const io = stdio()
    for (const event of ['end', 'finish', 'error', 'close']) io.on(event, () => console.error(event))
    const next = (error) => error ? console.error(error.code) : io.write('line\\n', next)
    next()
    io.on('close', () => io.write('late', (error) => console.error('late', error.code)))
  `
  const { stdout, stderr } = await outcomeOf(startInShell('{ run; echo "code $?" >&2; } | head -1', source))
  t.equal(stdout, 'line\n')
  t.equal(stderr, 'ERR_CHANNEL_CLOSED\nend\nclose\nlate ERR_CHANNEL_CLOSED\ncode 0\n')
})

const hasScript = String(spawnSync('script', ['--version']).stdout).includes('util-linux')

t.test('stdio: works at a terminal', { skip: !hasScript && 'there is no script (util-linux)' }, async (t) => {
  const source = `${IMPORT}
    const io = stdio()
    io.write(process.stdin.isTTY && process.stdout.isTTY ? 'tty\\n' : 'no tty\\n')
    for await (const chunk of io) io.write('got ' + chunk)
    io.end('x'.repeat(100_000) + '\\nbye\\n')
  `
  const child = startInShell(`script -qec '"$EXEC" --input-type=module -e "$SOURCE"' /dev/null`, source)
  const whole = outcomeOf(child)
  // Typed only when the program reads, as somebody would.
  child.stdout.once('data', () => child.stdin.write('hello\n\u0004'))
  const { code, stdout, stderr } = await whole
  t.same([code, stderr], [0, ''])
  t.match(stdout, 'tty\r\n')
  t.notMatch(stdout, 'no tty')
  t.match(stdout, 'got hello\r\n')
  t.ok(stdout.endsWith(`${'x'.repeat(100_000)}\r\nbye\r\n`), 'all of it, to the end')
})

t.test('stdio: writes all of 10 MB to a slow reader', async (t) => {
  const child = startModule(TEN_MB_OUT)
  const closed = once(child, 'close')
  let length = 0
  for await (const chunk of child.stdout) {
    t.equal(typeof chunk, 'object')
    length += (chunk as Buffer).length
    await settled()
  }
  t.equal(length, TEN_MB)
  t.same(await closed, [0, null])
})

t.test('stdio: stops the writer of stdin when nobody reads', async (t) => {
  const source = `${IMPORT}
    const io = stdio()
    const report = async () => {
      for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve))
      process.send({ read: process.stdin.bytesRead })
    }
    process.on('message', async (message) => {
      if (message === 'take one') io.once('data', () => { io.pause(); report() })
      else if (message === 'report') report()
      else {
        let length = 0
        for await (const chunk of io) length += chunk.length
        process.send({ rest: length })
        process.disconnect()
      }
    })
    process.send('ready')
  `
  const child = startModule(source, { ipc: true })
  const ask = async (message?: string): Promise<unknown> => {
    const answer = once(child, 'message')
    if (message !== undefined) child.send(message)
    return (await answer)[0]
  }
  t.equal(await ask(), 'ready')
  const written = once(child.stdin, 'finish')
  child.stdin.end(Buffer.alloc(TEN_MB))
  t.same(await ask('report'), { read: 0 }, 'not asked')
  const { read } = (await ask('take one')) as { read: number }
  t.ok(read > 0 && read <= 1_000_000, `paused: ${read} bytes were read`)
  t.ok(child.stdin.writableLength > 0, 'the writer waits')
  const { rest } = (await ask('take all')) as { rest: number }
  t.ok(rest < TEN_MB && rest >= TEN_MB - read, 'the rest comes when it is asked for')
  await written
  t.match(await outcomeOf(child), { code: 0, stderr: '' })
})

t.test('stdio: leaves the process able to end while stdin is open', async (t) => {
  const rows: Readonly<Record<string, string>> = {
    'nobody reads': `io.write('end\\n')`,
    'everything is written': `io.end('end\\n')`,
    'destroyed': `io.write('end\\n', () => io.destroy())`,
    'destroyed by a handler of input': `io.on('data', () => io.write('end\\n', () => io.destroy()))`,
    'destroyed inside a handler of input': `io.on('data', () => { io.destroy(); process.stdout.write('end\\n') })`,
    'paused inside a handler of input': `io.on('data', () => { io.pause(); io.write('end\\n') })`,
    'a loop that is left': `for await (const chunk of io) break; process.stdout.write('end\\n')`,
    'more than it holds, and nobody takes it': `io.on('readable', () => {}); io.once('readable', () => io.write('end\\n'))`,
  }
  for (const [name, source] of Object.entries(rows)) {
    const child = startModule(`${IMPORT}const io = stdio()\n${source}`)
    child.stdin.on('error', () => {})
    child.stdin.write('x'.repeat(1_000_000))
    t.same(await outcomeOf(child), { code: 0, stdout: 'end\n', stderr: '' }, name)
  }
})

t.test('stdio: hands stdin on to the next', async (t) => {
  const source = `${IMPORT}
    const io = stdio()
    for await (const chunk of io) { process.stdout.write('first ' + chunk); break }
    const next = stdio()
    for await (const chunk of next) next.write('second ' + chunk)
  `
  const child = startModule(source)
  child.stdin.write('one\n')
  const [answer] = await once(child.stdout, 'data')
  t.equal(String(answer), 'first one\n')
  child.stdin.end('two\n')
  t.same(await outcomeOf(child), { code: 0, stdout: 'second two\n', stderr: '' })
})
