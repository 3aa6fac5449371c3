// npm run demo   (this file: what is asked of the server, and which answers are right; the tests ask the same)
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { ChatServer } from 'asynchat'

export interface Scenario {
  readonly name: string
  /** Resolves with what was answered, in a few words; rejects when an answer was not right. */
  readonly run: (port: number) => Promise<string>
}
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}
type Bytes = string | Uint8Array

/** Throws, showing both, when what came is not what was right. */
export function check(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return
  throw new Error(`${what}: expected ${shown(expected)}, got ${shown(actual)}`)
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}... (${text.length} characters)` : text
}

/** The server on a free port of 127.0.0.1, and a way to be rid of it with all its connections. */
export async function listen(server: Server | ChatServer): Promise<{ port: number; close: () => Promise<void> }> {
  const below = 'server' in server ? server.server : server
  const sockets = new Set<Socket>()
  below.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(below, 'listening')
  const close = async (): Promise<void> => {
    const closed = once(below, 'close')
    below.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { port: (below.address() as AddressInfo).port, close }
}

/** Sends the pieces, each as a packet of its own, and reads until the server ends the connection. */
export async function exchange(port: number, pieces: Iterable<Bytes>, { halfClose = false } = {}): Promise<Answer[]> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  const ended = once(socket, 'end')
  ended.catch(() => {}) // A reset while we still send is reported below, when it is awaited.
  for (const piece of pieces) {
    if (!socket.readable) break
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), ended])
    await turn()
  }
  if (halfClose) socket.end()
  await ended
  socket.destroy()
  return parseAnswers(Buffer.concat(received))
}

/** Cuts the bytes of a whole connection into answers: by hand, so that the package is not its own judge. */
export function parseAnswers(bytes: Buffer): Answer[] {
  const answers: Answer[] = []
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf('\r\n\r\n', at)
    if (end === -1) throw new Error(`Half an answer: ${bytes.toString('latin1', at)}`)
    const [statusLine = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n')
    const fields = lines.map((line) => /^(.*?): (.*)$/.exec(line)?.slice(1) ?? [line, ''])
    const headers: IncomingHttpHeaders = {}
    for (const [name = '', value] of fields) headers[name.toLowerCase()] = value
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
    const bodyLength = Number(headers['content-length'] ?? 0)
    at = end + 4 + bodyLength
    if (at > bytes.length) throw new Error(`Half a body: ${bodyLength} bytes announced, ${bytes.length - end - 4} came`)
    answers.push({ status, headers, body: bytes.subarray(end + 4, at) })
  }
  return answers
}

/** What the server must say of a request, as an `Answer`'s body. */
export function summary(method: string, path: string, body: Bytes = ''): string {
  const sha256 = createHash('sha256').update(body).digest('hex')
  return `${JSON.stringify({ method, path, length: body.length, sha256 })}\n`
}

export function post(path: string, body: Bytes, ...fields: readonly string[]): Buffer {
  const head = [`POST ${path} HTTP/1.1`, 'Host: a', `Content-Length: ${body.length}`, ...fields, '', ''].join('\r\n')
  return Buffer.concat([Buffer.from(head), Buffer.from(body)])
}

export function get(path: string, ...fields: readonly string[]): Buffer {
  return Buffer.from([`GET ${path} HTTP/1.1`, 'Host: a', ...fields, '', ''].join('\r\n'))
}

export function* byteByByte(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1)
}

/** Chunks of sizes that fit nothing. */
export function* inOddChunks(bytes: Uint8Array, sizes = [1, 7, 1_021, 65_537, 3, 131_071]): Generator<Uint8Array> {
  for (let at = 0, count = 0; at < bytes.length; count++) {
    const end = at + (sizes[count % sizes.length] as number)
    yield bytes.subarray(at, end)
    at = end
  }
}

/** A body that looks like requests from its first byte to its last. */
export function trickyBody(length: number): Buffer {
  return Buffer.alloc(length, 'POST /in-the-body HTTP/1.1\r\nContent-Length: 3\r\n\r\n')
}

interface Question {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string | number>
  readonly pieces?: Iterable<Uint8Array>
  readonly agent?: Agent
}

/** Asks with Node's own HTTP client, on a connection of its own unless an agent keeps one. */
async function ask(port: number, question: Question): Promise<Answer & { readonly isReused: boolean }> {
  const { method = 'GET', path = '/', headers = {}, pieces = [], agent = false } = question
  const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent })
  const answered = once(request, 'response')
  if (headers['Expect'] !== undefined) {
    request.flushHeaders()
    await Promise.race([once(request, 'continue'), answered.then(() => check('interim answer', 'none', '100'))])
  }
  for (const piece of pieces) if (!request.write(piece)) await Promise.race([once(request, 'drain'), answered])
  request.end()
  const [response] = await answered
  const body = await buffer(response)
  return { status: response.statusCode, headers: response.headers, body, isReused: request.reusedSocket }
}

function checkAnswer(answer: Answer | undefined, body: Bytes, status = 200): string {
  check('status', answer?.status, status)
  check('body', answer?.body.toString('latin1'), Buffer.from(body).toString('latin1'))
  return `${status}`
}

/** All of them, in order, and not one more. */
function checkAnswers(answers: readonly Answer[], bodies: readonly string[]): string {
  check('statuses', answers.map(({ status }) => status), bodies.map(() => 200))
  for (const [index, body] of bodies.entries()) checkAnswer(answers[index], body)
  return bodies.length > 4 ? `${bodies.length} x 200` : bodies.map(() => 200).join(' ')
}

async function asksOneThing(port: number): Promise<string> {
  return checkAnswer(await ask(port, { path: '/hello?to=you' }), summary('GET', '/hello?to=you'))
}

async function keepsTheConnection(port: number): Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    const first = await ask(port, { path: '/1', agent })
    const empty = await ask(port, { method: 'POST', path: '/2', headers: { 'Content-Length': 0 }, agent })
    const last = await ask(port, { path: '/3', agent })
    check('reused', [first, empty, last].map(({ isReused }) => isReused), [false, true, true])
    return checkAnswers([first, empty, last], [summary('GET', '/1'), summary('POST', '/2'), summary('GET', '/3')])
  } finally {
    agent.destroy()
  }
}

async function sendsFiveMegabytes(port: number): Promise<string> {
  const body = trickyBody(5 * 1024 * 1024 + 1)
  const headers = { 'Content-Length': body.length }
  const answer = await ask(port, { method: 'PUT', path: '/big', headers, pieces: inOddChunks(body) })
  return checkAnswer(answer, summary('PUT', '/big', body))
}

async function waitsForContinue(port: number): Promise<string> {
  const headers = { 'Content-Length': 3, Expect: '100-continue' }
  const answer = await ask(port, { method: 'POST', path: '/asked', headers, pieces: [Buffer.from('yes')] })
  return `100 ${checkAnswer(answer, summary('POST', '/asked', 'yes'))}`
}

/** Four requests on one connection, and the bodies of their answers. */
export const PIPELINED: Buffer = Buffer.concat([
  get('/1'),
  post('/2', 'a blank line\r\n\r\nand more'),
  post('/3', ''),
  get('/4', 'Connection: close'),
])
export const PIPELINED_BODIES: readonly string[] = [
  summary('GET', '/1'),
  summary('POST', '/2', 'a blank line\r\n\r\nand more'),
  summary('POST', '/3'),
  summary('GET', '/4'),
]

async function pipelines(port: number): Promise<string> {
  return checkAnswers(await exchange(port, [PIPELINED]), PIPELINED_BODIES)
}

async function sendsByteByByte(port: number): Promise<string> {
  return checkAnswers(await exchange(port, byteByByte(PIPELINED)), PIPELINED_BODIES)
}

async function echoesBinary(port: number): Promise<string> {
  const body = Uint8Array.from({ length: 70_000 }, (_, index) => index * 31)
  const answers = await exchange(port, inOddChunks(post('/echo', body, 'connection: Keep-Alive, Close')))
  check('answers', answers.length, 1)
  return checkAnswer(answers[0], body)
}

async function asksForAHead(port: number): Promise<string> {
  const answer = await ask(port, { method: 'HEAD' })
  check('length of the body not sent', answer.headers['content-length'], `${summary('HEAD', '/').length}`)
  return checkAnswer(answer, '')
}

async function endsItsSideFirst(port: number): Promise<string> {
  const answers = await exchange(port, [get('/last'), post('/empty', '')], { halfClose: true })
  return checkAnswers(answers, [summary('GET', '/last'), summary('POST', '/empty')])
}

async function stopsAfterClose(port: number): Promise<string> {
  const answers = await exchange(port, [Buffer.concat([get('/1', 'Connection: close'), get('/not-answered')])])
  check('connection', answers[0]?.headers.connection, 'close')
  return checkAnswers(answers, [summary('GET', '/1')])
}

async function speaksHttp10(port: number): Promise<string> {
  const kept = 'GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
  const answers = await exchange(port, [`${kept}GET /2 HTTP/1.0\r\n\r\n${kept}`])
  check('connection', answers.map(({ headers }) => headers.connection), ['keep-alive', 'close'])
  return checkAnswers(answers, [summary('GET', '/1'), summary('GET', '/2')])
}

async function leavesInTheMiddle(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(post('/never', 'x'.repeat(10)).subarray(0, -3))
  await once(socket, 'connect')
  await turn() // The server has its turn, too.
  socket.resetAndDestroy()
  await once(socket, 'close')
  return `gone; then ${await asksOneThing(port)}`
}

/** Each request gets exactly this answer, then the end: what follows a request that is broken is not answered. */
function isRefused(status: number, requests: readonly Bytes[], cut = (bytes: Buffer): Iterable<Bytes> => [bytes]) {
  return async (port: number): Promise<string> => {
    for (const request of requests) {
      const bytes = Buffer.concat([Buffer.from(request), get('/not-answered')])
      const answers = await exchange(port, cut(bytes), { halfClose: true })
      check(`statuses for ${String(request)}`, answers.map((answer) => answer.status), [status])
      check('connection', answers[0]?.headers.connection, 'close')
    }
    return requests.length === 1 ? `${status}` : `${requests.length} x ${status}`
  }
}

async function breaksAfterAGoodOne(port: number): Promise<string> {
  const bytes = Buffer.concat([post('/1', 'good'), Buffer.from('nonsense\r\n\r\n'), get('/not-answered')])
  const answers = await exchange(port, [bytes])
  check('statuses', answers.map(({ status }) => status), [200, 400])
  return '200 400'
}

async function cutsAHead(port: number): Promise<string> {
  const answers = await exchange(port, ['GET / HTTP/1.1\r\nHost: a\r\n'], { halfClose: true })
  check('answers', answers.length, 1)
  return checkAnswer(answers[0], '', 400)
}

function withLengths(...values: readonly string[]): string {
  const fields = values.map((value) => `Content-Length: ${value}\r\n`)
  return `POST / HTTP/1.1\r\nHost: a\r\n${fields.join('')}\r\n12345`
}

const OVER_LONG = get('/', `X: ${'x'.repeat(20_000)}`)
const TLS_HELLO = '\x16\x03\x01\x02\0\x01\0 hello?\r\n\r\n'
const GARBAGE = [TLS_HELLO, '\r\n\r\n', 'GET /\r\n\r\n', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n']
const BARE_LF = ['GET / HTTP/1.1\nHost: a\n\n', 'GET / HTTP/1.1\r\nHost: a\n\r\n\r\n']
const BAD_FIELDS = [['no colon'], ['A: b', ' folded'], ['Content-Length : 5'], ['A: \0'], ['A: b\rc'], [': no name']]
const BAD_LENGTHS = [['+5'], ['-1'], ['5 '], ['5,5'], ['0x5'], ['5.0'], [''], ['5', '6'], ['5', '5']]
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'

export const scenarios: readonly Scenario[] = [
  { name: 'a GET without a body', run: asksOneThing },
  { name: 'three requests on one connection, one an empty POST', run: keepsTheConnection },
  { name: 'a 5 MB body in odd chunks', run: sendsFiveMegabytes },
  { name: 'four pipelined requests in one write', run: pipelines },
  { name: 'the same four, byte by byte', run: sendsByteByByte },
  { name: 'a binary body, echoed', run: echoesBinary },
  { name: 'Expect: 100-continue', run: waitsForContinue },
  { name: 'HEAD', run: asksForAHead },
  { name: 'HTTP/1.0, kept alive and not', run: speaksHttp10 },
  { name: 'a client that ends its side first', run: endsItsSideFirst },
  { name: 'Connection: close, and a request too many', run: stopsAfterClose },
  { name: 'a peer that leaves in the middle of a body', run: leavesInTheMiddle },
  { name: 'an over-long head', run: isRefused(431, [OVER_LONG]) },
  { name: 'an over-long head in small chunks', run: isRefused(431, [OVER_LONG], (bytes) => inOddChunks(bytes, [997])) },
  { name: 'garbage', run: isRefused(400, GARBAGE) },
  { name: 'garbage after a good request', run: breaksAfterAGoodOne },
  { name: 'a head that the end of input cuts', run: cutsAHead },
  { name: 'bare line feeds', run: isRefused(400, BARE_LF) },
  { name: 'malformed fields', run: isRefused(400, BAD_FIELDS.map((fields) => get('/', ...fields))) },
  { name: 'no Host, and two', run: isRefused(400, ['GET / HTTP/1.1\r\n\r\n', get('/', 'Host: b')]) },
  { name: 'malformed lengths', run: isRefused(400, BAD_LENGTHS.map((values) => withLengths(...values))) },
  { name: 'a body over the limit', run: isRefused(413, [withLengths('8388609'), withLengths('9'.repeat(400))]) },
  { name: 'a chunked body', run: isRefused(501, [CHUNKED]) },
]
