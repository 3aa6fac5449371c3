import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get as httpGet, Agent } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { runDemo } from '../../docs/examples/http-demo.js'
import { createHttpServer, type HttpRequestHandler, type HttpServerOptions } from '../../docs/examples/http-server.js'
import * as driver from '../../docs/examples/http-scenarios.js'

const { byteByByte, exchange, get, post, summary } = driver

type Frame = Parameters<NonNullable<HttpServerOptions['onFrame']>>[0]

interface Served {
  readonly port: number
  readonly frames: Frame[]
  /** The server below. */
  readonly server: Server
  readonly channels: ReadonlySet<HttpRequestHandler>
}

/** The server on a free port, gone when the test is over, and the frames that it cut. */
async function serve(t: Test, options: HttpServerOptions = {}): Promise<Served> {
  const frames: Frame[] = []
  const server = createHttpServer({ onFrame: (frame) => frames.push(frame), ...options })
  const { port, close } = await driver.listen(server)
  t.teardown(close)
  return { port, frames, server: server.server, channels: server.channels }
}

function connectionCount(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}

/** Polls, for things that happen in a kernel or in another process; a test that waits for ever is ended by tap. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(5)
}

function headOf(length: number): Buffer {
  const start = 'GET / HTTP/1.1\r\nHost: a\r\nX: '
  return Buffer.from(`${start}${'x'.repeat(length - start.length)}\r\n\r\n`)
}

/** A server that has one answer for everything. */
const saysYes = (): Server => createServer((socket) => {
  socket.on('error', () => {})
  socket.on('data', () => {})
  socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
})

const fail = (): never => {
  throw new Error('the log is full')
}

const asText = (answers: readonly driver.Answer[]): string[] =>
  answers.map(({ status, body }) => `${status} ${body.toString('latin1')}`)

const example = (name: string): string => fileURLToPath(new URL(`../../docs/examples/${name}.js`, import.meta.url))

t.test('createHttpServer: answers right, scenario by scenario', async (t) => {
  const { port } = await serve(t)
  for (const { name, run } of driver.scenarios) t.match(await run(port), /\d{3}$/, name)
})

t.test('createHttpServer: gives the same answers and the same frames at every cut of the input', async (t) => {
  const { port, frames } = await serve(t)
  const bytes = driver.PIPELINED
  const wantedAnswers = driver.PIPELINED_BODIES.map((body) => `200 ${body}`)
  t.same(asText(await exchange(port, [bytes])), wantedAnswers)
  const wantedFrames = frames.splice(0)
  t.same(wantedFrames, [
    { kind: 'head', ending: 'terminator', offset: 0, length: 24 },
    { kind: 'head', ending: 'terminator', offset: 28, length: 45 },
    { kind: 'body', ending: 'count', offset: 77, length: 24 },
    { kind: 'head', ending: 'terminator', offset: 101, length: 44 },
    { kind: 'body', ending: 'count', offset: 149, length: 0 },
    { kind: 'head', ending: 'terminator', offset: 149, length: 43 },
  ])
  const wrongCuts: number[] = []
  for (let cut = 1; cut < bytes.length; cut++) {
    const answers = asText(await exchange(port, [bytes.subarray(0, cut), bytes.subarray(cut)]))
    const isRight = String(answers) === String(wantedAnswers) && JSON.stringify(frames) === JSON.stringify(wantedFrames)
    if (!isRight) wrongCuts.push(cut)
    frames.length = 0
  }
  t.same(wrongCuts, [])
})

t.test('createHttpServer: answers 100 pipelined requests in order', async (t) => {
  const requests = Array.from({ length: 100 }, (_, index) => {
    const body = '\r\n'.repeat(index % 7)
    const path = `/${index}`
    const bytes = index % 3 === 0 ? get(path) : post(path, body)
    return { bytes, answer: `200 ${index % 3 === 0 ? summary('GET', path) : summary('POST', path, body)}` }
  })
  const bytes = Buffer.concat(requests.map((request) => request.bytes))
  const wanted = requests.map(({ answer }) => answer)
  const { port, frames } = await serve(t)
  t.same(asText(await exchange(port, [bytes], { halfClose: true })), wanted, 'in one write')
  const framesOfOneWrite = frames.splice(0)
  t.equal(framesOfOneWrite.length, 166)
  t.same(asText(await exchange(port, byteByByte(bytes), { halfClose: true })), wanted, 'byte by byte')
  t.same(frames, framesOfOneWrite)
})

t.test('createHttpServer: takes a head and a body at the limit, and refuses one byte more', async (t) => {
  const { port } = await serve(t, { maxHeadLength: 100, maxBodyLength: 10 })
  const statuses = async (bytes: Buffer): Promise<number[]> => {
    const whole = await exchange(port, [bytes], { halfClose: true })
    const cut = await exchange(port, byteByByte(bytes), { halfClose: true })
    return [...whole, ...cut].map(({ status }) => status)
  }
  t.same(await statuses(headOf(100)), [200, 200])
  t.same(await statuses(headOf(101)), [431, 431])
  t.same(await statuses(post('/', 'x'.repeat(10))), [200, 200])
  t.same(await statuses(post('/', 'x'.repeat(11))), [413, 413])
})

t.test('createHttpServer: cuts nothing while a peer does not read its answers, then answers all', async (t) => {
  const COUNT = 400
  const bodies = Array.from({ length: COUNT }, (_, index) => Buffer.alloc(65_536, `${index} `))
  const { port, frames, server, channels } = await serve(t)
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect({ port, host: '127.0.0.1' })
  client.write(Buffer.concat(bodies.map((body) => post('/echo', body))))
  const [connection] = await accepted
  let quietRounds = 0
  for (let seen = -1; quietRounds < 20; quietRounds = seen === frames.length ? quietRounds + 1 : 0) {
    seen = frames.length
    await delay(10)
  }
  t.ok(frames.length < COUNT, `${frames.length} frames cut of ${2 * COUNT}`)
  t.ok(connection.writableLength < 2 * 65_536, 'at most one answer waits')
  const queued = [...channels].map(({ queuedBytes }) => queuedBytes)
  t.ok(queued.every((length) => length < 3 * 65_536), `and one more in the queue: ${queued.join()} bytes`)
  client.end()
  const answers = driver.parseAnswers(await buffer(client))
  t.equal(answers.length, COUNT)
  t.ok(answers.every(({ status, body }, index) => status === 200 && body.equals(bodies[index] as Buffer)))
})

t.test('createHttpServer: ends after its answer when the peer has ended first, while it was written', async (t) => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'much to read ')
  const { port, server } = await serve(t)
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  client.end(post('/echo', body))
  const [connection] = await accepted
  await until(() => connection.readableEnded)
  t.ok(connection.writableLength > 0, 'the answer is not written yet')
  const [answer, ...more] = driver.parseAnswers(await buffer(client))
  t.ok(answer?.body.equals(body))
  t.same(more, [])
})

t.test('createHttpServer: outlives a peer that leaves at any moment', async (t) => {
  const { port, frames, server, channels } = await serve(t)
  const big = post('/echo', Buffer.alloc(4 * 1024 * 1024))
  const leave = async (bytes: Buffer, frameCount: number): Promise<void> => {
    const client = connect({ port, host: '127.0.0.1' })
    const [connection] = (await once(server, 'connection')) as [Socket]
    client.write(bytes)
    await until(() => frames.length >= frameCount && connection.bytesRead > 0)
    client.resetAndDestroy()
    await until(async () => (await connectionCount(server)) === 0)
    frames.length = 0
  }
  await leave(Buffer.from('GET / HT'), 0)
  await leave(big.subarray(0, 1_000_000), 1)
  await leave(Buffer.concat([big, big, big, big]), 2)
  t.equal((await exchange(port, [get('/', 'Connection: close')]))[0]?.status, 200)
  await until(() => channels.size === 0)
})

t.test('createHttpServer: answers 413 before a byte of the body was read', async (t) => {
  const { port, frames } = await serve(t)
  const over = post('/', Buffer.alloc(8 * 1024 * 1024 + 1))
  for (const length of [over.indexOf('\r\n\r\n') + 4, over.length]) {
    const answers = await exchange(port, driver.inOddChunks(over.subarray(0, length)), { halfClose: true })
    t.same(answers.map(({ status, headers }) => [status, headers.connection]), [[413, 'close']])
    t.same(frames.splice(0).map(({ kind }) => kind), ['head'], 'no body was cut')
  }
})

t.test('createHttpServer: answers 400 to a body of which the end leaves nothing', async (t) => {
  const { port } = await serve(t)
  const statuses = async (bytes: Buffer): Promise<number[]> =>
    (await exchange(port, [bytes], { halfClose: true })).map(({ status }) => status)
  t.same(await statuses(post('/', 'body').subarray(0, -4)), [400])
  t.same(await statuses(post('/', 'body').subarray(0, -1)), [400])
  t.same(await statuses(post('/', 'body')), [200])
})

t.test('createHttpServer: answers 408 to a head and to a body that do not come to an end', async (t) => {
  const { port } = await serve(t, { timeoutMs: 40 })
  for (const bytes of [Buffer.from('GET / HT'), post('/', 'body').subarray(0, -1)]) {
    t.same((await exchange(port, [bytes])).map(({ status }) => status), [408])
  }
})

t.test('createHttpServer: closes a connection that says nothing', async (t) => {
  const { port } = await serve(t, { timeoutMs: 20 })
  t.same(await exchange(port, []), [])
})

t.test('createHttpServer: answers 500 when its own side fails', async (t) => {
  const { port } = await serve(t, { onFrame: fail })
  t.same(asText(await exchange(port, [get('/')])), ['500 '])
})

t.test('check: is silent about what is right, and shows both sides of what is not', async (t) => {
  t.equal(driver.check('status', [200], [200]), undefined)
  t.throws(() => driver.check('status', [200], [400]), { message: 'status: expected [400], got [200]' })
  t.throws(() => driver.check('body', 'x'.repeat(999), undefined), {
    message: /^body: expected nothing, got "x{199}\.\.\. \(1001 characters\)$/,
  })
})

t.test('parseAnswers: refuses half an answer', async (t) => {
  t.throws(() => driver.parseAnswers(Buffer.from('HTTP/1.1 200 OK\r\n')), /Half an answer/)
  t.throws(() => driver.parseAnswers(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1')), /Half a body/)
})

t.test('runDemo: shows each frame and each verdict, and gives 0 when all was right', async (t) => {
  const lines: string[] = []
  const [scenario] = driver.scenarios
  t.equal(await runDemo({ scenarios: scenario ? [scenario] : [], print: (line) => lines.push(line) }), 0)
  t.match(lines, [
    /^HTTP\/1\.1 through an AsyncChat on http:\/\/127\.0\.0\.1:\d+\n$/,
    'ok      a GET without a body: 200',
    /^ +head {2}terminator {2}offset +0 {2}length +\d+$/,
    '\n1 scenarios, 1 frames: all answers were right',
  ])
})

t.test('runDemo: gives 1 when an answer was wrong or never came, and goes on', async (t) => {
  const lines: string[] = []
  const scenarios: driver.Scenario[] = [
    { name: 'a wrong one', run: async () => String(driver.check('status', 200, 400)) },
    { name: 'a late one', run: () => new Promise(() => {}) },
    { name: 'a good one', run: async () => '200' },
  ]
  t.equal(await runDemo({ scenarios, print: (line) => lines.push(line), limitMs: 20 }), 1)
  t.same(lines.slice(1), [
    'FAILED  a wrong one: status: expected 400, got 200',
    'FAILED  a late one: no end after 20 ms',
    'ok      a good one: 200',
    '\n3 scenarios, 0 frames: 2 FAILED',
  ])
})

t.test('runDemo: fails every scenario on a server that says yes to everything', async (t) => {
  const lines: string[] = []
  t.equal(await runDemo({ createServer: saysYes, print: (line) => lines.push(line), limitMs: 2_000 }), 1)
  t.same(lines.filter((line) => line.startsWith('ok')), [])
  t.equal(lines.at(-1), `\n${driver.scenarios.length} scenarios, 0 frames: ${driver.scenarios.length} FAILED`)
})

type Child = ChildProcessByStdio<null, Readable, Readable>

function start(name: string, env: NodeJS.ProcessEnv = {}, nodeArgs: readonly string[] = []): Child {
  const args = [...nodeArgs, example(name)]
  return spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
}

t.test('npm run demo: ends by itself with exit code 0', async (t) => {
  const child = start('http-demo')
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  t.equal(code, 0)
  t.equal(stderr, '')
  t.match(stdout, /\bbody {2}count +offset +\d+ {2}length {2}5242881\n/)
  t.match(stdout, /\n\d+ scenarios, \d+ frames: all answers were right\n$/)
  t.notMatch(stdout, /FAILED/)
})

t.test('npm run demo: ends with exit code 1 when the answers are wrong', async (t) => {
  const spoil = `
    import { Socket } from 'node:net'
    const { write } = Socket.prototype
    Socket.prototype.write = function (data, ...rest) {
      const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1')
      return write.call(this, text.replace(' 200 ', ' 201 '), 'latin1', rest.at(-1))
    }`
  const child = start('http-demo', {}, ['--import', `data:text/javascript,${encodeURIComponent(spoil)}`])
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  t.equal(code, 1)
  t.match(stdout, /\nFAILED {2}a GET without a body: status: expected 200, got 201\n/)
  t.match(stdout, /\n\d+ scenarios, \d+ frames: \d+ FAILED\n$/)
})

t.test('npm start: prints where it listens, answers, and exits cleanly with a connection kept open', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const child = start('http-server', { PORT: '' })
    const stderr = text(child.stderr)
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
    t.match(line, /^http:\/\/127\.0\.0\.1:\d+\n$/)
    const agent = new Agent({ keepAlive: true })
    t.teardown(() => agent.destroy())
    const [response] = await once(httpGet(`${line.trim()}/up`, { agent }), 'response')
    t.equal(await text(response), summary('GET', '/up'))
    const closed = once(child, 'close')
    child.kill(signal)
    const ending = await closed
    if (process.platform !== 'win32') t.same(ending, [0, null], `${signal} ends it with code 0`)
    t.equal(await stderr, '')
  }
})

t.test('npm start: listens on PORT, and says so when that is taken or no port', async (t) => {
  const { port, close } = await driver.listen(createServer())
  const refused = start('http-server', { PORT: String(port) })
  t.match(await text(refused.stderr), /EADDRINUSE/)
  t.match(await text(start('http-server', { PORT: 'eighty' }).stderr), /ERR_SOCKET_BAD_PORT/)
  await close()
  const child = start('http-server', { PORT: String(port) })
  const closed = once(child, 'close')
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  t.equal(line, `http://127.0.0.1:${port}\n`)
  child.kill()
  await closed
})

interface Ran {
  readonly code: string | number
  readonly stdout: string
  readonly stderr: string
}

function curl(...args: string[]): Promise<Ran> {
  const quiet = ['-q', '--silent', '--show-error', '--noproxy', '*', '--http1.1', '--max-time', '60']
  return new Promise((resolve) => {
    execFile('curl', [...quiet, ...args], { maxBuffer: Infinity }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr })
    })
  })
}

t.test('curl: gets right answers', async (t) => {
  const found = await curl('--version')
  if (found.code === 'ENOENT') {
    t.comment('curl is not installed here: nothing is asked with it')
    t.equal(found.code, 'ENOENT', 'curl is not installed')
    return
  }
  const body = Buffer.alloc(3_000_000, 'GET / HTTP/1.1\r\n\r\n')
  const folder = await mkdtemp(join(tmpdir(), 'asynchat-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'body.bin'), body)
  await writeFile(join(folder, 'over.bin'), Buffer.alloc(8 * 1024 * 1024 + 1))
  const { port, frames } = await serve(t)
  const url = `http://127.0.0.1:${port}`

  t.same(await curl(`${url}/get?a=b`), { code: 0, stdout: summary('GET', '/get?a=b'), stderr: '' }, 'GET')

  const posted = await curl('--data-binary', `@${join(folder, 'body.bin')}`, `${url}/post`)
  t.same(posted, { code: 0, stdout: summary('POST', '/post', body), stderr: '' }, 'POST of 3 MB')
  t.match(frames.at(-1), { kind: 'body', ending: 'count', length: body.length })

  const echoed = await curl('--data-binary', `@${join(folder, 'body.bin')}`, `${url}/echo`)
  const sha256 = createHash('sha256').update(echoed.stdout, 'latin1').digest('hex')
  t.equal(sha256, createHash('sha256').update(body).digest('hex'), '3 MB come back')

  const kept = await curl('--write-out', '%{num_connects} ', `${url}/1`, `${url}/2`)
  t.equal(kept.stdout, `${summary('GET', '/1')}1 ${summary('GET', '/2')}0 `, 'two URLs on one connection')

  const asked = await curl('--verbose', '--header', 'Expect: 100-continue', '--data', 'yes', `${url}/asked`)
  t.match(asked.stderr, /< HTTP\/1\.1 100 Continue\r?\n[^]*< HTTP\/1\.1 200 OK/, 'Expect: 100-continue')
  t.equal(asked.stdout, summary('POST', '/asked', 'yes'))

  const over = ['--data-binary', `@${join(folder, 'over.bin')}`, '--write-out', '%{http_code}']
  t.match(await curl(...over, `${url}/over`), { code: 0, stdout: '413' }, 'a body over the limit')
  t.match(await curl(...over, '--header', 'Expect:', `${url}/over`), { stdout: '413' }, 'and sent without asking')

  t.match(await curl('--head', url), { code: 0, stdout: /^HTTP\/1\.1 200 OK\r\n/ }, 'HEAD')
  t.same(await curl('--http1.0', `${url}/old`), { code: 0, stdout: summary('GET', '/old'), stderr: '' }, 'HTTP/1.0')
  const chunked = ['--header', 'Transfer-Encoding: chunked', '--data', 'x', '--write-out', '%{http_code}']
  t.match(await curl(...chunked, url), { stdout: '501' }, 'a chunked body')
})
