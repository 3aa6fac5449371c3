/** What a peer declares is checked before anything is done with it: one table of lengths, every codec that reads lengths. */
import t from 'tap'
import { headers, httpChunked, lengthField, netstring, pktLine, resp, stomp, syslog, varintLength } from '../../src/codecs/index.js'
import { type Codec, type FramingErrorCode, MessageScanner } from '../../src/framing/index.js'
import { bytesOf, cutsOf, decode } from '../support/codecs.js'

const MAX = 1024 * 1024
const TOO_LONG = 'ERR_FRAME_TOO_LONG'
const MALFORMED = 'ERR_FRAME_MALFORMED'

const LENGTHS: readonly (readonly [name: string, decimal: string, hex: string, code: FramingErrorCode])[] = [
  ['2 GiB', '2147483648', '80000000', TOO_LONG],
  ['2^53', '9007199254740992', '20000000000000', TOO_LONG],
  ['400 digits', '9'.repeat(400), 'f'.repeat(400), TOO_LONG],
  ['-1', '-1', '-1', MALFORMED],
  ['zeros in front', '00000005', '00000005', MALFORMED],
  ['a plus', '+5', '+5', MALFORMED],
  ['a space behind', '5 ', '5 ', MALFORMED],
]

interface Row {
  readonly name: string
  readonly make: () => Codec<any>
  readonly wire: (length: string) => string
  readonly isHex?: boolean
  /** What comes of a length in place of the error that all others give. */
  readonly otherwise?: Readonly<Record<string, string>>
}

const rows: readonly Row[] = [
  { name: 'netstring', make: () => netstring({ maxLength: MAX }), wire: (length) => `${length}:hello,`, otherwise: { 'zeros in front': TOO_LONG } },
  { name: 'headers', make: () => headers({ maxLength: MAX }), wire: (length) => `Content-Length: ${length}\r\n\r\nhello` },
  { name: 'httpChunked', make: () => httpChunked({ maxLength: MAX }), wire: (length) => `${length}\r\nhello\r\n`, isHex: true },
  // A length of -1 is how RESP2 says null.
  { name: 'resp, a bulk string', make: () => resp({ maxLength: MAX }), wire: (length) => `$${length}\r\n`, otherwise: { '-1': 'a message' } },
  { name: 'resp, an array', make: () => resp({ maxLength: MAX }), wire: (length) => `*${length}\r\n`, otherwise: { '-1': 'a message' } },
  { name: 'resp, a map', make: () => resp({ maxLength: MAX }), wire: (length) => `%${length}\r\n` },
  { name: 'stomp', make: () => stomp({ maxLength: MAX }), wire: (length) => `SEND\ndestination:/q\ncontent-length:${length}\n\nhello\0` },
  // Eight digits are more than its limit has.
  { name: 'syslog', make: () => syslog({ framing: 'octet-counting' }), wire: (length) => `${length} <1>ab`, otherwise: { 'zeros in front': TOO_LONG, 'a space behind': 'what else' } },
]

function outcome(codec: Codec<any>, chunks: readonly Uint8Array[]): string {
  const { messages, error } = decode(codec, chunks, { isEnded: false })
  return error === null ? (messages.length > 0 ? 'a message' : 'waits') : (error.split(' ')[0] as string)
}

for (const { name, make, wire, isHex = false, otherwise = {} } of rows) {
  t.test(`${name}: refuses a length that none is, at every cut`, async (t) => {
    for (const [what, decimal, hex, code] of LENGTHS) {
      const wanted = otherwise[what] ?? code
      // A space that a message may begin with.
      if (wanted === 'what else') continue
      const seen = new Set(Array.from(cutsOf(bytesOf(wire(isHex ? hex : decimal))), (chunks) => outcome(make(), chunks)))
      t.same(Array.from(seen), [wanted], what)
    }
  })
}

const binary: readonly (readonly [name: string, make: () => Codec<any>, wire: string])[] = [
  ['lengthField, 2 GiB', () => lengthField(), '\x80\0\0\0hello'],
  ['lengthField, 2^32 - 1', () => lengthField(), '\xff\xff\xff\xffhello'],
  ['lengthField, 2^53', () => lengthField({ width: 8, maxLength: Infinity }), '\0\x20\0\0\0\0\0\0hello'],
  ['lengthField, 2^64 - 1', () => lengthField({ width: 8, maxLength: Infinity }), '\xff'.repeat(8)],
  ['pktLine, the first above what it can carry', () => pktLine() as Codec<any>, 'fff1hello'],
  ['varintLength, 2 GiB', () => varintLength(), '\x80\x80\x80\x80\x08hello'],
]

t.test('lengths that are not text: are refused as soon as they are there', async (t) => {
  for (const [name, make, wire] of binary) {
    const seen = new Set(Array.from(cutsOf(bytesOf(wire)), (chunks) => outcome(make(), chunks)))
    t.same(Array.from(seen), [TOO_LONG], name)
  }
})

t.test('lengths within the limit: cost nothing before their bytes come', async (t) => {
  const declared = 1024 * 1024 * 1024
  const makers: readonly (readonly [make: () => Codec<any>, wire: string])[] = [
    [() => netstring({ maxLength: declared }), `${declared}:`],
    [() => headers({ maxLength: declared }), `Content-Length: ${declared}\r\n\r\n`],
    [() => httpChunked(), '40000000\r\n'],
    [() => resp({ maxLength: 2 * declared }), `$${declared}\r\n`],
    [() => resp({ maxLength: 2 * declared, maxItems: declared }), `*${declared}\r\n`],
    [() => stomp({ maxLength: declared }), `SEND\ndestination:/q\ncontent-length:${declared}\n\n`],
    [() => syslog({ maxLength: declared }), `${declared} `],
    [() => lengthField({ maxLength: declared }), '\x40\0\0\0'],
    [() => varintLength({ maxLength: declared }), '\x80\x80\x80\x80\x04'],
  ]
  const scanners = makers.map(([make]) => new MessageScanner(make(), { maxMessageLength: 2 * declared }))
  const before = process.memoryUsage()
  for (const [index, [, wire]] of makers.entries()) {
    const scanner = scanners[index] as MessageScanner<unknown>
    scanner.write(bytesOf(`${wire}x`))
    t.equal(scanner.read() === null || wire.startsWith('4000'), true, JSON.stringify(wire.slice(0, 20)))
  }
  const after = process.memoryUsage()
  t.ok(after.arrayBuffers - before.arrayBuffers < MAX, 'of array buffers')
  t.ok(after.heapUsed - before.heapUsed < 16 * MAX, 'of the heap')
})
