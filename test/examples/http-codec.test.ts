import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, type RequestOptions, type ServerResponse, createServer as createNodeServer, request as nodeRequest } from 'node:http'
import { type AddressInfo, type Server, type Socket, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Duplex, Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { MessageScanner } from 'asynchat'
import { verifyDecoder } from 'asynchat/testing'
import t, { type Test } from 'tap'
import { type HttpMessage, type RequestHead, httpCodec, valuesOf } from '../../docs/examples/http-codec.js'
import { HttpCodecClient, type Response } from '../../docs/examples/http-codec-client.js'
import { createHttpCodecServer } from '../../docs/examples/http-codec-server.js'
import { byteByByte } from '../support/cuts.js'
import { runNode } from '../support/run-node.js'
import { until } from '../support/until.js'

const MIB = 1024 * 1024
const large = Buffer.alloc(5 * MIB, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n0\r\n\r\n')

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const summary = (method: string, target: string, body: string | Uint8Array = ''): string =>
  `${JSON.stringify({ method, target, length: body.length, sha256: sha256(body) })}\n`

/** Listens on a free port; gone when the test is over. */
async function listen(t: Test, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await until('every connection is gone', () => sockets.size === 0)
  })
  return (server.address() as AddressInfo).port
}

const serve = (t: Test): Promise<number> => listen(t, createHttpCodecServer())

/** All that comes back for these chunks, until the server ends. */
async function exchange(port: number, chunks: readonly Uint8Array[], { halfClose = true } = {}): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const answer = buffer(socket)
  for (const chunk of chunks) await new Promise((resolve) => void socket.write(chunk, resolve))
  if (halfClose) socket.end()
  const bytes = await answer
  socket.destroy()
  return bytes.toString('latin1').replaceAll(/Date: .*\r\n/g, '')
}

const ok = (body: string, more = 'Connection: keep-alive\r\n'): string => `HTTP/1.1 200 OK\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`
const BAD = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
const TOO_LARGE = BAD.replace('400 Bad Request', '413 Payload Too Large')

const POST = 'POST /echo HTTP/1.1\r\nHost: a\r\n'
const SESSION = [
  'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n',
  `${POST}Content-Length: 5\r\n\r\nhello`,
  `\r\n${POST}Transfer-Encoding: chunked\r\n\r\n3\r\nyou\r\n9\r\n\r\n0\r\n\r\n\r\n\r\n0\r\nX: y\r\n\r\n`,
  `${POST}content-length:0 \r\n\r\n`,
  'HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
].join('')
const ANSWERS = [
  ok(summary('GET', '/1')),
  ok('hello'),
  'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyou\r\n9\r\n\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\ncontent-length: 0\r\n\r\n',
  ok(summary('HEAD', '/2')).replace(/\r\n\r\n[^]*/, '\r\n\r\n'),
  ok(summary('GET', '/3'), 'Connection: close\r\n'),
].join('')

function merge(one: HttpMessage, two: HttpMessage): HttpMessage | undefined {
  if (one.type !== 'data' || two.type !== 'data') return undefined
  return { type: 'data', data: Buffer.concat([one.data, two.data]) }
}

const data = (text: string): HttpMessage => ({ type: 'data', data: Buffer.from(text) })
const request = (fields: RequestHead['fields']): HttpMessage => ({ type: 'request', method: 'POST', target: '/', minor: 1, fields: [['Host', 'a'], ...fields] })
const response = (status: number, fields: RequestHead['fields']): HttpMessage => ({ type: 'response', status, reason: 'x', minor: 1, fields })

t.test('httpCodec: reads requests and responses right at every cut, and malformed ones never', async (t) => {
  const requests = await verifyDecoder(() => httpCodec('server'), {
    bytes: Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n\r\n\r\nabcPOST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n'),
    messages: [
      request([['Content-Length', '7']]), data('\r\n\r\nabc'), { type: 'end' },
      request([['Transfer-Encoding', 'chunked']]), data('\r\n'), { type: 'end', trailers: [] },
    ],
    merge,
    outgoing: [],
    malformed: ['GET / HTTP/1.1\n', 'GET  / HTTP/1.1\r\n\r\n'].map((bytes) => ({ bytes: `${bytes}\n`, code: 'ERR_FRAME_MALFORMED' })),
  })
  const responses = await verifyDecoder(() => httpCodec('client'), {
    bytes: Buffer.from('HTTP/1.1 100 x\r\n\r\nHTTP/1.1 204 x\r\n\r\nHTTP/1.1 200 x\r\nContent-Length: 3\r\n\r\nabc'),
    messages: [
      response(100, []), response(204, []), { type: 'end' }, response(200, [['Content-Length', '3']]), data('abc'), { type: 'end' },
    ],
    merge,
    outgoing: [],
    malformed: ['HTTP/1.1 099 x', 'HTTP/1.1 2000 x', 'HTTP/1.1  200 x', 'HTTP/1.1 200 x\r\nX : y', 'GET / HTTP/1.1'].map((head) => `${head}\r\n\r\n`),
  })
  t.ok(requests.cuts > 200 && responses.cuts > 100, `${requests.cuts} and ${responses.cuts} cuts`)
})

/** What two servers in a row could read differently, and what never was HTTP. */
const SMUGGLED: readonly [why: string, head: string, body?: string][] = [
  ['two lengths', `${POST}Content-Length: 5\r\nContent-Length: 5\r\n`],
  ['two lengths in one', `${POST}Content-Length: 5, 5\r\n`],
  ['a length and a coding', `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`, '0\r\n\r\n'],
  ['a coding and a length', `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n`, '0\r\n\r\n'],
  ['two codings', `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n`, '0\r\n\r\n'],
  ['a coding that is not known', `${POST}Transfer-Encoding: xchunked\r\n`, '0\r\n\r\n'],
  ['two codings in one', `${POST}Transfer-Encoding: gzip, chunked\r\n`, '0\r\n\r\n'],
  ['a coding in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'],
  ...['0x5', '+5', '-5', '05', '5 5', '', '5,', '1e1', '5.0', '٥', '9'.repeat(400)].map((length): [string, string] => [`Content-Length: ${length}`, `${POST}Content-Length: ${length}\r\n`]),
  ['a coding and a space that is none', `${POST}Transfer-Encoding: chunked\xa0\r\n`, '5\r\nhello\r\n0\r\n\r\n'],
  ['a length and a space that is none', `${POST}Content-Length: 5\xa0\r\n`],
  ['a line with LF alone', `${POST}X: y\nContent-Length: 5\r\n`],
  ['a head with LF alone', POST.replaceAll('\r', ''), '\n'],
  ['an empty line with LF alone', POST.slice(0, -2), '\n\r\n'],
  ['a CR alone', `${POST}X: y\rContent-Length: 5\r\n`],
  ['CR CR LF', `${POST}X: y\r\r\n`],
  ['a NUL', `${POST}X: \0\r\n`],
  ['a space before the colon', `${POST}Content-Length : 5\r\n`],
  ['a tab before the colon', `${POST}Transfer-Encoding\t: chunked\r\n`],
  ['a folded line', `${POST}X: y\r\n Content-Length: 5\r\n`],
  ['a space before a name', 'GET / HTTP/1.1\r\n Host: a\r\n'],
  ['no name', `${POST}: 5\r\n`],
  ['no colon', `${POST}Content-Length\r\n`],
  ['no host', 'GET / HTTP/1.1\r\n'],
  ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n'],
  ['two spaces', 'GET  / HTTP/1.1\r\nHost: a\r\n'],
  ['another version', 'GET / HTTP/2.0\r\nHost: a\r\n'],
  ['a response', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n'],
]
const SMUGGLED_CHUNKS: readonly [why: string, body: string][] = [
  ...['0x5', '+5', '-5', ' 5', '5 ', '05', '', 'g', '5;x=y', '5;', '5 ;x', '5\0', '1'.repeat(20)].map((size): [string, string] => [`a size of ${JSON.stringify(size)}`, `${size}\r\nhello\r\n0\r\n\r\n`]),
  ['a size with LF alone', '5\nhello\r\n0\r\n\r\n'],
  ['a chunk that is longer', '5\r\nhello!\r\n0\r\n\r\n'],
  ['a chunk with LF alone', '5\r\nhello\n0\r\n\r\n'],
  ['a last chunk with zeros', '5\r\nhello\r\n00\r\n\r\n'],
  ['a trailer with LF alone', '5\r\nhello\r\n0\r\nX: y\n\r\n'],
  ['a trailer with a space before the colon', '5\r\nhello\r\n0\r\nX : y\r\n\r\n'],
]
const NEXT = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

t.test('createHttpCodecServer: refuses what could be read in two ways, and answers nothing behind it', async (t) => {
  const port = await serve(t)
  for (const [why, head, body = 'hello'] of SMUGGLED) {
    const bytes = Buffer.from(`${head}\r\n${body}${NEXT}`, head.includes('٥') ? 'utf8' : 'latin1')
    const refusal = /9{20}/.test(head) ? TOO_LARGE : BAD
    t.equal(await exchange(port, [bytes]), refusal, why)
    t.equal(await exchange(port, [Buffer.from('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n'), bytes]), ok(summary('GET', '/1')) + refusal, `${why}, behind a request`)
  }
  for (const [why, body] of SMUGGLED_CHUNKS) {
    const bytes = (target: string): Buffer => Buffer.from(`POST ${target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}${NEXT}`, 'latin1')
    t.equal(await exchange(port, [bytes('/')]), /^1{20}/.test(body) ? TOO_LARGE : BAD, why)
    const echoed = await exchange(port, [bytes('/echo')])
    t.notOk(/400|smuggled|0\r\n\r\n$/.test(echoed), `${why}, where the answer had begun: it has no end`)
  }
})

t.test('createHttpCodecServer: opens no tunnel, and gives HTTP/1.0 nothing that it does not have', async (t) => {
  const port = await serve(t)
  t.match(await exchange(port, [Buffer.from('CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n')]), /^HTTP\/1\.1 501 /)
  const old = await exchange(port, [Buffer.from('POST / HTTP/1.0\r\nExpect: 100-continue\r\nConnection: upgrade\r\nUpgrade: echo\r\nContent-Length: 2\r\n\r\nab')])
  t.match(old, /^HTTP\/1\.1 200 /)
})

t.test('createHttpCodecServer: refuses a head with LF alone without waiting for more', async (t) => {
  const port = await serve(t)
  for (const head of ['GET / HTTP/1.1\nHost: a\n\n', 'GET / HTTP/1.1\r\nHost: a\n\n', 'GET / HTTP/1.1\r\nHost: a\n\r\n']) {
    t.equal(await exchange(port, [Buffer.from(head)], { halfClose: false }), BAD, JSON.stringify(head))
  }
  const long = `GET / HTTP/1.1\r\nX: ${'x'.repeat(16 * 1024)}`
  t.match(await exchange(port, [Buffer.from(long)], { halfClose: false }), /^HTTP\/1\.1 431 /, 'a head that is too long')
})

/** Without the echoed chunks: they are as its bytes arrived. */
const joined = (answer: string): string => answer.replace(/(chunked\r\n\r\n)[^]*?(HTTP)/, (_all, head: string, next: string) => `${head}${next}`)

t.test('createHttpCodecServer: gives pipelined requests their answers in order, in whatever chunks they come', async (t) => {
  const port = await serve(t)
  const bytes = Buffer.from(SESSION)
  t.equal(await exchange(port, [bytes], { halfClose: false }), ANSWERS)
  t.equal(joined(await exchange(port, byteByByte(bytes))), joined(ANSWERS), 'byte by byte')
  const answers = await exchange(port, Array.from({ length: 100 }, (_, index) => Buffer.from(`GET /${index} HTTP/1.1\r\nHost: a\r\n\r\n`)))
  t.equal(answers, Array.from({ length: 100 }, (_, index) => ok(summary('GET', `/${index}`))).join(''), 'a hundred')
  const old = await exchange(port, [Buffer.from('GET /old HTTP/1.0\r\n\r\nGET /none HTTP/1.0\r\n\r\n')])
  t.equal(old, ok(summary('GET', '/old'), 'Connection: close\r\n'), 'one is the last in HTTP/1.0')
})

t.test('createHttpCodecServer: lets go of a client that leaves in the middle of an echo', async (t) => {
  const server = createHttpCodecServer()
  const port = await listen(t, server)
  const closed: Promise<unknown>[] = []
  server.on('connection', (socket: Socket) => closed.push(new Promise((resolve) => void socket.once('close', resolve))))
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`)
  // It reads no answer: one fills up behind the other.
  let taken = 0
  const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
  while (socket.writableLength < 4 * MIB) socket.write(chunk, () => taken++)
  await until('some of it is taken', () => taken > 0)
  socket.destroy()
  await Promise.all(closed)
  t.equal(closed.length, 1)
})

interface Answer {
  readonly status: number | undefined
  readonly body: Buffer
  readonly fields: IncomingMessage['headers']
}

async function ask(options: RequestOptions, body: Buffer | Readable = Buffer.alloc(0)): Promise<Answer> {
  const asked = nodeRequest({ host: '127.0.0.1', ...options })
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>
  if (body instanceof Readable) pipeline(body, asked).catch(() => {})
  else asked.end(body)
  const [answer] = await answered
  return { status: answer.statusCode, body: await buffer(answer), fields: answer.headers }
}

t.test('node:http: as a client gets right answers', async (t) => {
  const port = await serve(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const all = { port, agent }
  t.equal(String((await ask({ ...all, path: '/get' })).body), summary('GET', '/get'))
  const lengthy = await ask({ ...all, method: 'POST', path: '/echo', headers: { 'Content-Length': large.length } }, large)
  t.ok(lengthy.body.equals(large), 'a body with its length')
  t.equal(lengthy.fields['content-length'], String(large.length))
  const chunked = await ask({ ...all, method: 'POST', path: '/echo' }, Readable.from([large.subarray(0, 100), large.subarray(100)]))
  t.ok(chunked.body.equals(large), 'a body in chunks')
  t.equal(chunked.fields['transfer-encoding'], 'chunked')
  t.equal(String((await ask({ ...all, method: 'PUT', path: '/put' }, large)).body), summary('PUT', '/put', large))
  t.same((await ask({ ...all, method: 'HEAD', path: '/head' })).fields['content-length'], String(summary('HEAD', '/head').length))
  t.match(await ask({ ...all, path: '/close', headers: { Connection: 'close' } }), { status: 200, fields: { connection: 'close' } })
  const asked = nodeRequest({ ...all, host: '127.0.0.1', method: 'POST', path: '/asked', headers: { Expect: '100-continue', 'Content-Length': 3 } })
  asked.flushHeaders()
  await once(asked, 'continue')
  asked.end('yes')
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  t.equal(await text(answer), summary('POST', '/asked', 'yes'), 'with 100 Continue')
})

t.test('node:http: as a client upgrades, and every byte behind the request comes back', async (t) => {
  const port = await serve(t)
  const asked = nodeRequest({ host: '127.0.0.1', port, headers: { Connection: 'Upgrade', Upgrade: 'echo' } })
  asked.end()
  const [answer, socket, head] = (await once(asked, 'upgrade')) as [IncomingMessage, Duplex, Buffer]
  t.equal(answer.statusCode, 101)
  socket.unshift(head)
  socket.end(large)
  t.ok((await buffer(socket)).equals(large))
  const early = await exchange(port, [Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nGET /no HTTP/1.1\r\n'), Buffer.from('more')])
  t.match(early, /^HTTP\/1\.1 101 .*\r\n(?:.+\r\n)+\r\nGET \/no HTTP\/1\.1\r\nmore$/, 'what was sent with it too')
})

/** `/echo` gives the body back with its length; any other path says what came, in the way that its name says. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request)
  const told = `${request.method} ${sha256(body)}`
  if (request.url === '/echo') {
    response.setHeader('Content-Length', body.length).end(body)
  } else if (request.url === '/204') {
    response.writeHead(204).end()
  } else if (request.url === '/chunked') {
    response.addTrailers({ 'X-Trailer': 'yes' })
    response.write(told.slice(0, 1))
    response.end(told.slice(1))
  } else if (request.url === '/until-close') {
    response.useChunkedEncodingByDefault = false
    response.write(large)
    response.end()
  } else {
    response.end(told)
  }
}

/** Our client, connected to a server of node:http. */
async function client(t: Test): Promise<HttpCodecClient> {
  const server = createNodeServer((request, response) => void answer(request, response))
  server.on('upgrade', (_request, socket: Duplex) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst')
    socket.pipe(socket)
  })
  const port = await listen(t, server)
  const client = new HttpCodecClient(connect(port, '127.0.0.1'))
  t.teardown(() => client.close())
  return client
}

async function received(client: HttpCodecClient): Promise<[status: number, body: Buffer] | null> {
  const response: Response | null = await client.receive()
  return response && [response.head.status, await buffer(response.body)]
}

const HOST: readonly [string, string] = ['Host', 'a']
const told = (answer: [number, Buffer] | null): unknown => answer && [answer[0], String(answer[1])]

t.test('HttpCodecClient: gets right answers from a server of node:http', async (t) => {
  const http = await client(t)
  await http.send({ method: 'GET', target: '/chunked', fields: [HOST] })
  t.same(told(await received(http)), [200, `GET ${sha256('')}`], 'a chunked answer')
  await http.send({ method: 'POST', target: '/echo', fields: [HOST, ['Content-Length', String(large.length)]] }, [large])
  t.ok((await received(http))?.[1].equals(large), 'a body with its length, both ways')
  await http.send({ method: 'POST', target: '/', fields: [HOST, ['Transfer-Encoding', 'chunked']] }, Readable.from([large, Buffer.from('x'), large]))
  t.same(told(await received(http)), [200, `POST ${sha256(Buffer.concat([large, Buffer.from('x'), large]))}`], 'a body in chunks')
  await http.sendHead({ method: 'PUT', target: '/', fields: [HOST, ['Expect', '100-continue'], ['Content-Length', '3']] })
  t.same(told(await received(http)), [100, ''])
  await http.sendBody([Buffer.from('yes')])
  t.same(told(await received(http)), [200, `PUT ${sha256('yes')}`], 'with 100 Continue')
})

t.test('HttpCodecClient: pipelines, and knows which answers have no body', async (t) => {
  const http = await client(t)
  const methods = ['HEAD', 'GET', 'HEAD', 'POST', 'GET']
  const targets = ['/chunked', '/204', '/echo', '/', '/chunked']
  for (const [index, method] of methods.entries()) await http.send({ method, target: targets[index] as string, fields: [HOST, ['Content-Length', '0']] })
  await http.send({ method: 'GET', target: '/until-close', fields: [HOST, ['Connection', 'close']] })
  const got: unknown[] = []
  for (let index = 0; index < methods.length; index++) {
    // The body of every second answer is left unread.
    const answer = await http.receive()
    got.push(index % 2 === 0 ? answer?.head.status : [answer?.head.status, answer && String(await buffer(answer.body))])
  }
  t.same(got, [200, [204, ''], 200, [200, `POST ${sha256('')}`], 200])
  const last = await http.receive()
  t.same(last && [...valuesOf(last.head, 'content-length'), ...valuesOf(last.head, 'transfer-encoding')], [])
  t.ok(last && (await buffer(last.body)).equals(large), 'a body that ends with the connection')
  t.equal(await http.receive(), null)
})

t.test('HttpCodecClient: has the connection after an upgrade, from the first byte behind the answer', async (t) => {
  const http = await client(t)
  await http.send({ method: 'GET', target: '/', fields: [HOST, ['Connection', 'upgrade'], ['Upgrade', 'echo']] })
  const answer = await http.receive()
  t.same(answer && [answer.head.status, ...valuesOf(answer.head, 'upgrade')], [101, 'echo'])
  const { transport, unread } = await http.detach()
  const socket = transport as Socket
  socket.unshift(unread)
  socket.end('second')
  t.equal(await text(socket), 'firstsecond')
})

t.test('HttpCodecClient: talks to createHttpCodecServer', async (t) => {
  const http = new HttpCodecClient(connect(await serve(t), '127.0.0.1'))
  t.teardown(() => http.close())
  for (const fields of [[['Content-Length', String(large.length)]], [['Transfer-Encoding', 'chunked']]] as const) {
    const sent = http.send({ method: 'POST', target: '/echo', fields: [HOST, ...fields] }, [large.subarray(0, 1000), large.subarray(1000)])
    const answer = await received(http)
    await sent
    t.ok(answer?.[1].equals(large), String(fields))
  }
})

const end: HttpMessage = { type: 'end' }
const head = (fields: RequestHead['fields'], more: Partial<RequestHead> = {}): HttpMessage => ({ type: 'request', method: 'GET', target: '/', fields: [HOST, ...fields], ...more })

t.test('httpCodec: refuses to write what would be read as something else', async (t) => {
  const rows: readonly [why: string, messages: readonly HttpMessage[]][] = [
    ['a line end in a value', [head([['X', 'y\r\nZ: z']])]],
    ['an empty line in a value', [head([['X', 'y\r\n\r\n']])]],
    ['a name that is none', [head([['X Y', 'z']])]],
    ['a method that is none', [head([], { method: 'GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET' })]],
    ['a target with a space', [head([], { target: '/a b' })]],
    ['a target with a line end', [head([], { target: '/\r\nX: y' })]],
    ['a line end before it', [head([], { method: '\r\nGET' })]],
    ['a character that latin1 has not', [head([['X', '€']])]],
    ['two lengths', [head([['Content-Length', '1'], ['Content-Length', '1']])]],
    ['a length and a coding', [head([['Content-Length', '1'], ['Transfer-Encoding', 'chunked']])]],
    ['a response of a client', [{ type: 'response', status: 200, fields: [] }]],
    ['a head in a body', [head([]), head([])]],
    ['a body without a head', [data('x')]],
    ['an end without a head', [head([]), end, end]],
    ['data where none is declared', [head([]), data('x')]],
    ['more than is declared', [head([['Content-Length', '3']]), data('12'), data('34')]],
    ['less than is declared', [head([['Content-Length', '3']]), data('12'), end]],
    ['an empty chunk', [head([['Transfer-Encoding', 'chunked']]), data('')]],
  ]
  for (const [why, messages] of rows) {
    const codec = httpCodec('client')
    const last = messages.at(-1) as HttpMessage
    for (const message of messages.slice(0, -1)) codec.encode(message)
    t.throws(() => codec.encode(last), why)
  }
  const codec = httpCodec('server')
  const scanner = new MessageScanner(codec)
  scanner.write(Buffer.from('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'))
  scanner.read()
  codec.encode({ type: 'response', status: 200, fields: [['Content-Length', '5']] })
  t.throws(() => codec.encode(data('hello')), 'a body for HEAD')
  t.same(codec.encode(end), new Uint8Array(0))
})

function curl(...args: string[]): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const quiet = ['-q', '--silent', '--show-error', '--noproxy', '*', '--http1.1', '--max-time', '60']
  return new Promise((resolve) => {
    execFile('curl', [...quiet, ...args], { maxBuffer: Infinity, encoding: 'latin1' }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }))
  })
}

const found = await curl('--version')

t.test('curl: gets right answers', { skip: found.code === 'ENOENT' && 'curl is not installed' }, async (t) => {
  const port = await serve(t)
  const url = `http://127.0.0.1:${port}`
  const folder = await mkdtemp(join(tmpdir(), 'asynchat-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'body.bin')
  await writeFile(file, large)
  t.same(await curl(`${url}/get?a=b`), { code: 0, stdout: summary('GET', '/get?a=b'), stderr: '' })
  t.equal((await curl('--data-binary', `@${file}`, `${url}/post`)).stdout, summary('POST', '/post', large))
  const long = await curl('--verbose', '--upload-file', file, `${url}/echo`)
  t.match(long.stderr, /< HTTP\/1\.1 100 Continue\r?\n[^]*< HTTP\/1\.1 200 OK/, 'with Expect: 100-continue')
  t.equal(sha256(Buffer.from(long.stdout, 'latin1')), sha256(large), 'it comes back')
  const chunked = await curl('--verbose', '--header', 'Transfer-Encoding: chunked', '--upload-file', file, `${url}/echo`)
  t.match(chunked.stderr, /< Transfer-Encoding: chunked/)
  t.equal(sha256(Buffer.from(chunked.stdout, 'latin1')), sha256(large), 'in chunks too')
  const kept = await curl('--write-out', '%{num_connects} ', `${url}/1`, `${url}/2`)
  t.equal(kept.stdout, `${summary('GET', '/1')}1 ${summary('GET', '/2')}0 `, 'two URLs on one connection')
  t.match(await curl('--head', url), { code: 0, stdout: /^HTTP\/1\.1 200 OK\r\n/ })
  t.same(await curl('--http1.0', `${url}/old`), { code: 0, stdout: summary('GET', '/old'), stderr: '' })
})

t.test('http-codec-client: runs as a program', async (t) => {
  const port = await serve(t)
  const { code, stdout, stderr } = await runNode('build/docs/examples/http-codec-client.js', `http://127.0.0.1:${port}/x?y`)
  t.match({ code, stdout, stderr }, { code: 0, stdout: summary('GET', '/x?y'), stderr: /^200 OK/ })
})
