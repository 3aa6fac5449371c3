import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { type HttpChunk, httpChunked, type HttpChunkedOptions } from '../../src/codecs/http-chunked.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, cutsOf, decode, encode } from '../support/codecs.js'
import { inChunksOf, randomCuts } from '../support/cuts.js'

const MIB = 1024 * 1024
const MALFORMED = /^ERR_FRAME_MALFORMED /
const TOO_LONG = /^ERR_FRAME_TOO_LONG /
const INCOMPLETE = /^ERR_FRAME_INCOMPLETE /

/** What came of it: the body joined up to each end, the trailers, and the error. The pieces follow the chunks. */
function bodies(chunks: readonly Uint8Array[], options: HttpChunkedOptions = {}): { readonly read: readonly string[]; readonly error: string | null } {
  const decoded = decode(httpChunked(options), chunks)
  const { messages } = decoded
  // How many pieces came before it follows the chunks too.
  const error = decoded.error?.replace(/message \d+/, 'message') ?? null
  const read: string[] = []
  let body = ''
  for (const message of messages as HttpChunk[]) {
    if (message.type === 'data') {
      if (message.data.length === 0) read.push('an empty piece')
      body += message.data as unknown as string
      continue
    }
    read.push([body, ...(message.trailers ?? []).map((pair) => pair.join('='))].join(' '))
    body = ''
  }
  return { read: body === '' ? read : [...read, `${body}...`], error }
}

function atEveryCut(wire: string, options: HttpChunkedOptions): ReturnType<typeof bodies> | string {
  const whole = bodies([bytesOf(wire)], options)
  for (const chunks of cutsOf(bytesOf(wire))) {
    const result = bodies(chunks, options)
    if (JSON.stringify(result) !== JSON.stringify(whole)) return `whole ${JSON.stringify(whole)}, cut ${JSON.stringify([chunks, result])}`
  }
  return whole
}

interface Row {
  readonly wire: string
  readonly options?: HttpChunkedOptions
  readonly read: readonly string[]
  readonly error?: RegExp
}

const rows: Readonly<Record<string, Row>> = {
  'two chunks': { wire: '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n', read: ['hello world'] },
  'no chunk': { wire: '0\r\n\r\n', read: [''] },
  'two bodies': { wire: '1\r\na\r\n0\r\n\r\n1\r\nb\r\n0\r\n\r\n', read: ['a', 'b'] },
  'digits of either case': { wire: 'A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n', read: ['01234567890123456789'] },
  'line ends in the data': { wire: '4\r\n\r\n\r\n\r\n0\r\n\r\n', read: ['\r\n\r\n'] },
  'trailers': { wire: '0\r\nA: b\r\nA:\t c d \r\nE:\r\n\r\n', read: [' A=b A=c d E='] },
  'bytes above ASCII in a trailer': { wire: '0\r\nA: \xe9\r\n\r\n', read: [' A=\xe9'] },
  'extensions': { wire: '1;a;b=c;d="e;\\"f"\r\nx\r\n0;last\r\n\r\n', read: ['x'] },
  'extensions, refused': { wire: '1;a\r\nx\r\n', options: { extensions: 'refuse' }, read: [], error: MALFORMED },
  'a semicolon and nothing': { wire: '1;\r\nx\r\n', read: [], error: MALFORMED },
  'an extension with an open quote': { wire: '1;a="\r\nx\r\n', read: [], error: MALFORMED },
  'a control character in an extension': { wire: '1;a=\x01\r\nx\r\n', read: [], error: MALFORMED },
  'white space before an extension': { wire: '1 ;a\r\nx\r\n', read: [], error: MALFORMED },
  'white space before an extension, accepted': { wire: '1 \t; a = b\r\nx\r\n0\r\n\r\n', options: { badWhitespace: true }, read: ['x'] },
  'white space after the size, never accepted': { wire: '1 \r\nx\r\n', options: { badWhitespace: true }, read: [], error: MALFORMED },
  'white space before the size': { wire: ' 1\r\nx\r\n', options: { badWhitespace: true }, read: [], error: MALFORMED },
  'zeros in front': { wire: '01\r\nx\r\n', read: [], error: MALFORMED },
  'zeros in front, accepted': { wire: '01\r\nx\r\n000\r\n\r\n', options: { leadingZeros: true }, read: ['x'] },
  'two zeros at the end': { wire: '00\r\n\r\n', read: [], error: MALFORMED },
  'no size': { wire: '\r\nx\r\n', read: [], error: MALFORMED },
  'no digit': { wire: '1g\r\nx\r\n', read: [], error: MALFORMED },
  '0x': { wire: '0x1\r\nx\r\n', read: [], error: MALFORMED },
  'a plus': { wire: '+5\r\nhello\r\n', read: [], error: MALFORMED },
  'a minus': { wire: '-1\r\nhello\r\n', read: [], error: MALFORMED },
  'a space behind': { wire: '5 \r\nhello\r\n', read: [], error: MALFORMED },
  'zeros, eight digits': { wire: '00000005\r\nhello\r\n', read: [], error: MALFORMED },
  '2 GiB of a body of 8 MiB': { wire: '80000000\r\nhello\r\n', options: { maxLength: 8 * MIB }, read: [], error: TOO_LONG },
  '2^53': { wire: '20000000000000\r\nhello\r\n', read: [], error: TOO_LONG },
  '400 digits': { wire: `${'f'.repeat(400)}\r\nhello\r\n`, read: [], error: TOO_LONG },
  'the sum of the chunks': { wire: '2\r\nab\r\n2\r\ncd\r\n', options: { maxLength: 3 }, read: ['ab...'], error: TOO_LONG },
  'a bare LF after the size': { wire: '5\nhello\r\n0\r\n\r\n', read: [], error: MALFORMED },
  'a bare CR after the size': { wire: '5\rhello\r\n0\r\n\r\n', read: [], error: MALFORMED },
  'CR CR LF after the size': { wire: '5\r\r\nhello\r\n', read: [], error: MALFORMED },
  'LF CR after the size': { wire: '5\n\rhello\r\n', read: [], error: MALFORMED },
  'NUL after the size': { wire: '5\0\r\nhello\r\n', read: [], error: MALFORMED },
  'a bare LF in an extension': { wire: '1;a\nb\r\nx\r\n', read: [], error: MALFORMED },
  'a bare LF after the data': { wire: '1\r\nx\n0\r\n\r\n', read: ['x...'], error: MALFORMED },
  'more data than the size': { wire: '1\r\nxy\r\n', read: ['x...'], error: MALFORMED },
  'CR and no LF after the data': { wire: '1\r\nx\ry', read: ['x...'], error: MALFORMED },
  'a bare LF at the end': { wire: '0\r\n\n', read: [], error: MALFORMED },
  'a bare LF after a trailer': { wire: '0\r\nA: b\n\r\n', read: [], error: MALFORMED },
  'a bare CR in a trailer': { wire: '0\r\nA: b\rC: d\r\n\r\n', read: [], error: MALFORMED },
  'NUL in a trailer': { wire: '0\r\nA: b\0\r\n\r\n', read: [], error: MALFORMED },
  'a trailer without a colon': { wire: '0\r\nA\r\n\r\n', read: [], error: MALFORMED },
  'a trailer without a name': { wire: '0\r\n: b\r\n\r\n', read: [], error: MALFORMED },
  'a space before the colon': { wire: '0\r\nA : b\r\n\r\n', read: [], error: MALFORMED },
  'a folded trailer': { wire: '0\r\nA: b\r\n c\r\n\r\n', read: [], error: MALFORMED },
  'trailers at their limit': { wire: '0\r\nA: b\r\nC: d\r\n\r\n', options: { maxTrailerLength: 12 }, read: [' A=b C=d'] },
  'trailers above their limit': { wire: '0\r\nA: b\r\nC: d\r\n\r\n', options: { maxTrailerLength: 11 }, read: [], error: TOO_LONG },
  'a trailer above the limit': { wire: '0\r\nA: bcdefghij\r\n\r\n', options: { maxTrailerLength: 5 }, read: [], error: TOO_LONG },
  'extensions of several chunks above their limit': { wire: '1;ab\r\nx\r\n1;cd\r\ny\r\n', options: { maxExtensionLength: 5 }, read: ['x...'], error: TOO_LONG },
  'cut in a size': { wire: '5', read: [], error: INCOMPLETE },
  'cut in the data': { wire: '5\r\nhe', read: ['he...'], error: INCOMPLETE },
  'cut after the data': { wire: '5\r\nhello\r', read: ['hello...'], error: INCOMPLETE },
  'cut between two chunks': { wire: '5\r\nhello\r\n', read: ['hello...'], error: INCOMPLETE },
  'cut before the last line': { wire: '0\r\n', read: [], error: INCOMPLETE },
}

t.test('httpChunked: reads bodies alike at every cut', (t) => {
  for (const [name, { wire, options = {}, read, error }] of Object.entries(rows)) {
    t.match(atEveryCut(wire, options), { read, error: error ?? null }, name)
    t.equal(bodies([bytesOf(wire)], options).read.length, read.length, name)
  }
  t.end()
})

t.test('httpChunked: passes a body of 1 GB and keeps nothing of it', (t) => {
  const scanner = new MessageScanner(httpChunked())
  const data = Buffer.alloc(64 * 1024)
  const head = Buffer.from('40000000\r\n')
  let length = 0
  let most = 0
  const drain = (): string | undefined => {
    for (let message; (message = scanner.read()) !== null; ) {
      if (message.type === 'end') return 'end'
      length += message.data.length
    }
    most = Math.max(most, scanner.bufferedLength)
    return undefined
  }
  scanner.write(head)
  for (let sent = 0; sent < 1024 * MIB; sent += data.length) {
    scanner.write(data)
    drain()
  }
  scanner.write(Buffer.from('\r\n0\r\n\r\n'))
  t.equal(drain(), 'end')
  t.equal(length, 1024 * MIB)
  t.ok(most <= data.length, `at most ${most} bytes were held`)
  t.end()
})

t.test('httpChunked: allocates nothing by a size that was declared', (t) => {
  const before = process.memoryUsage().arrayBuffers
  const scanner = new MessageScanner(httpChunked())
  scanner.write(bytesOf('80000000\r\nx'))
  t.match(scanner.read(), { type: 'data' })
  t.equal(scanner.read(), null)
  t.ok(process.memoryUsage().arrayBuffers - before < MIB)
  t.end()
})

t.test('httpChunked: the next message is read by the codec that is set at the end', (t) => {
  const scanner = new MessageScanner<unknown>(httpChunked())
  scanner.write(bytesOf('1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n'))
  t.match(scanner.read(), { type: 'data' })
  t.match(scanner.read(), { type: 'end', trailers: [] })
  t.same(scanner.takeUnread(), bytesOf('GET / HTTP/1.1\r\n'))
  t.end()
})

t.test('httpChunked: writes chunks, the end and trailers', (t) => {
  const codec = httpChunked()
  t.same(encode(codec, { type: 'data', data: bytesOf('0123456789abcdef') }), bytesOf('10\r\n0123456789abcdef\r\n'))
  t.same(encode(codec, { type: 'end' }), bytesOf('0\r\n\r\n'))
  t.same(encode(codec, { type: 'end', trailers: [['A', 'b c'], ['E', '\xe9']] }), bytesOf('0\r\nA: b c\r\nE: \xe9\r\n\r\n'))
  t.end()
})

const endWith = (...trailers: unknown[]): unknown => ({ type: 'end', trailers })

t.test('httpChunked: refuses what cannot be said', (t) => {
  const codec = httpChunked({ maxLength: 3, maxTrailerLength: 8 })
  const refused: readonly (readonly [string, unknown])[] = [
    ['an empty chunk', { type: 'data', data: new Uint8Array(0) }],
    ['a long chunk', { type: 'data', data: bytesOf('abcd') }],
    ['a text', { type: 'data', data: 'abc' }],
    ['no type', {}],
    ['nothing', null],
    ['a line end in a value', endWith(['A', 'b\r\nC: d'])],
    ['a bare LF in a value', endWith(['A', 'b\nc'])],
    ['a NUL in a value', endWith(['A', '\0'])],
    ['a space around a value', endWith(['A', ' b'])],
    ['a character above a byte', endWith(['A', '\u0100'])],
    ['a value that is no text', endWith(['A', 1])],
    ['a name that is none', endWith(['A b', 'c'])],
    ['a name that is no text', endWith([1, 'c'])],
    ['a field of the framing', endWith(['Content-Length', '1'])],
    ['long trailers', endWith(['A', 'bcdef'])],
  ]
  for (const [name, message] of refused) t.throws(() => codec.encode(message as HttpChunk), { code: /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/ }, name)
  t.end()
})

t.test('httpChunked: reads what it wrote', (t) => {
  const name = fc.stringMatching(/^[A-Za-z!#$%&'*+.^_`|~-]{1,6}$/).filter((one) => one.length > 0)
  const value = fc.stringMatching(/^([!-~\x80-\xff]([ -~\t]*[!-~])?)?$/)
  const property = fc.property(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 4 }),
    fc.array(fc.tuple(name.filter((one) => !/^(host|trailer)$/i.test(one)), value), { maxLength: 3 }),
    fc.infiniteStream(fc.nat()),
    (chunks, trailers, numbers) => {
      const codec = httpChunked()
      const wire = Buffer.concat([...chunks.map((data) => encode(codec, { type: 'data', data })), encode(codec, { type: 'end', trailers })])
      const size = 1 + ((numbers.next().value as number) % wire.length)
      const body = Buffer.concat(chunks).toString('latin1')
      t.same(bodies(inChunksOf(wire, size)), { read: [[body, ...trailers.map((pair) => pair.join('='))].join(' ')], error: null })
    },
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test('httpChunked: reads any bytes alike, however they are cut', (t) => {
  const wire = fc.array(fc.constantFrom('0', '1', '2', ';a', 'x', '\r\n', '\r', '\n', ' ', 'A: b'), { maxLength: 12 }).map((parts) => bytesOf(parts.join('')))
  const property = fc.property(wire.chain((bytes) => fc.tuple(fc.constant(bytes), randomCuts(bytes))), ([bytes, chunks]) => JSON.stringify(bodies([bytes])) === JSON.stringify(bodies(chunks)))
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})

t.test("httpChunked: reads what Node's own http server writes, and the other way round", async (t) => {
  const parts = ['hello', 'é', '\r\n0\r\n\r\n', 'x'.repeat(70_000), 'end']
  const server = createServer((incoming, response) => {
    if (incoming.method === 'POST') {
      let body = ''
      incoming.setEncoding('utf8').on('data', (text: string) => (body += text))
      incoming.on('end', () => response.end(JSON.stringify([body, incoming.trailers])))
      return
    }
    response.writeHead(200, { 'transfer-encoding': 'chunked', trailer: 'X-Sum' })
    for (const part of parts) response.write(part)
    response.addTrailers({ 'X-Sum': '5' })
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo

  const raw = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: close\r\n\r\n'))
    socket.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks))).on('error', reject)
  })
  const wire = raw.subarray(raw.indexOf('\r\n\r\n') + 4)
  const wanted = { read: [`${Buffer.from(parts.join('')).toString('latin1')} X-Sum=5`], error: null }
  for (const size of [1, 7, 4096, wire.length]) t.same(bodies(inChunksOf(wire, size)), wanted, `chunks of ${size}`)

  const answer = await new Promise<string>((resolve, reject) => {
    let text = ''
    const codec = httpChunked()
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n')
      for (const part of parts) socket.write(encode(codec, { type: 'data', data: Buffer.from(part) }))
      socket.write(encode(codec, { type: 'end', trailers: [['X-Sum', '5']] }))
    })
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('end', () => resolve(text)).on('error', reject)
  })
  t.ok(answer.includes(JSON.stringify([parts.join(''), { 'x-sum': '5' }])), 'the server has read it all')
})

t.test('httpChunked: checks its options', (t) => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['options', 5],
    ['options.extensions', { extensions: 'deliver' }],
    ['options.badWhitespace', { badWhitespace: 1 }],
    ['options.leadingZeros', { leadingZeros: 1 }],
    ['options.maxLength', { maxLength: 0 }],
    ['options.maxExtensionLength', { maxExtensionLength: -1 }],
    ['options.maxTrailerLength', { maxTrailerLength: '1' }],
  ]
  for (const [name, options] of wrong) t.throws(() => httpChunked(options as HttpChunkedOptions), { message: new RegExp(`"${name}"`) }, name)
  t.end()
})
