import fc from 'fast-check'
import t from 'tap'
import { pktLine, type PacketToSend } from '../../src/codecs/pkt-line.js'
import { MessageScanner } from '../../src/framing/message-scanner.js'
import { bytesOf, decode, decodeAtEveryCut, encode, told } from '../support/codecs.js'
import { inChunksOf, randomCuts } from '../support/cuts.js'

const NO_LENGTH = /^ERR_FRAME_MALFORMED Expected a length/
const TOO_LONG = /^ERR_FRAME_TOO_LONG Declared length is too long: the limit is 65520 bytes/
const CUT = /^ERR_FRAME_INCOMPLETE /

const data = (text: string) => ({ type: 'data', data: text })

t.test('pktLine: reads packets at every cut, or fails alike', (t) => {
  const rows: readonly (readonly [wire: string, messages: readonly unknown[], error?: RegExp])[] = [
    // The examples of gitprotocol-common.
    ['0006a\n0005a000bfoobar\n0004', [data('a\n'), data('a'), data('foobar\n'), data('')]],
    ['0000', [{ type: 'flush' }]],
    ['0001', [{ type: 'delim' }]],
    ['0002', [{ type: 'response-end' }]],
    ['0014command=ls-refs\n00010009peel\n0000', [data('command=ls-refs\n'), { type: 'delim' }, data('peel\n'), { type: 'flush' }]],
    ['0003', [], /^ERR_FRAME_MALFORMED Expected the length of a packet, received "0003"/],
    ['000Aabcdef000aabcdef', [data('abcdef'), data('abcdef')]],
    ['fff1', [], TOO_LONG],
    ['FFFF', [], TOO_LONG],
    ['+005a', [], NO_LENGTH],
    [' 005a', [], NO_LENGTH],
    ['005 a', [], NO_LENGTH],
    ['-001', [], NO_LENGTH],
    ['0x05', [], NO_LENGTH],
    ['00g5', [], NO_LENGTH],
    ['0005a00', [data('a')], CUT],
    ['0006a', [], CUT],
  ]
  for (const [wire, messages, error] of rows) {
    const name = JSON.stringify(wire)
    const seen = decodeAtEveryCut(pktLine(), wire)
    t.match(seen, { error: error ?? null }, name)
    t.same((seen as { messages: unknown }).messages, messages, name)
  }
  t.end()
})

t.test('pktLine: the longest packet passes whatever the limits of who reads', (t) => {
  const wire = Buffer.concat([bytesOf('fff0'), Buffer.alloc(65_516, 'x')])
  const { messages, error } = decode(pktLine(), inChunksOf(wire, 1000), { maxFrameLength: 5, maxMessageLength: 5 })
  t.equal(error, null)
  t.same(messages, [data('x'.repeat(65_516))])
  t.same(encode(pktLine(), { type: 'data', data: Buffer.alloc(65_516, 'x') }), wire)
  t.end()
})

t.test('pktLine: writes packets, and refuses what is none', (t) => {
  const writes: readonly (readonly [PacketToSend, string])[] = [
    [{ type: 'flush' }, '0000'],
    [{ type: 'delim' }, '0001'],
    [{ type: 'response-end' }, '0002'],
    [{ type: 'data', data: 'done\n' }, '0009done\n'],
    [{ type: 'data', data: bytesOf('0123456') }, '000b0123456'],
  ]
  for (const [packet, wire] of writes) t.same(encode(pktLine(), packet), bytesOf(wire), wire)
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [null, /"message" argument/],
    [{ type: 'end' }, /"message\.type"/],
    [{ type: 'data' }, /"message\.data"/],
    [{ type: 'data', data: '' }, /at least 1 byte/],
    [{ type: 'data', data: new Uint8Array(65_517) }, /at most 65516 bytes\. Received 65517/],
  ]
  for (const [packet, message] of refused) t.throws(() => pktLine().encode(packet as never), { message }, String(message))
  t.end()
})

t.test('pktLine: tells the offset of a wrong packet', (t) => {
  const scanner = new MessageScanner(pktLine())
  scanner.write(bytesOf('00000003'))
  scanner.read()
  t.throws(() => scanner.read(), { code: 'ERR_FRAME_MALFORMED', codec: 'pktLine', offset: 4, messagesBefore: 1 })
  t.end()
})

t.test('pktLine: reads what it wrote, however it is cut', (t) => {
  const packet: fc.Arbitrary<PacketToSend> = fc.oneof(
    fc.constantFrom<PacketToSend>({ type: 'flush' }, { type: 'delim' }, { type: 'response-end' }),
    fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => ({ type: 'data' as const, data: bytes })),
  )
  const property = fc.property(
    fc.array(packet, { maxLength: 5 }).chain((packets) => fc.tuple(fc.constant(packets), randomCuts(Buffer.concat(packets.map((each) => encode(pktLine(), each)))))),
    ([packets, chunks]) => JSON.stringify(decode(pktLine(), chunks)) === JSON.stringify({ messages: packets.map(told), error: null }),
  )
  t.doesNotThrow(() => fc.assert(property))
  t.end()
})
