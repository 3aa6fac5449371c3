import t from 'tap'
import { type Codec, NULL } from '../../src/framing/index.js'
import { type Check, VerificationError, verifyDecoder } from '../../src/testing/index.js'
import { HandWrittenLines, jsonLines, lines, linesWith, netstring, textLines } from '../support/right-decoders.js'
import { wrongDecoders } from '../support/wrong-decoders.js'

for (const { fault, origin, check, says, source, options } of wrongDecoders) {
  t.test(`verifyDecoder: finds a decoder that ${fault} (${origin})`, async (t) => {
    const error: unknown = await verifyDecoder(source, options).then(
      () => 'it finds nothing',
      (reason: unknown) => reason,
    )
    if (!(error instanceof VerificationError)) throw error
    t.match(error, { check, code: 'ERR_ASSERTION' })
    t.match(error.message, says)
  })
}

const wrong = (check: Check): { message: RegExp } => ({ message: new RegExp(`^Decoder is wrong \\(${check}\\)`) })

const NETSTRINGS = {
  bytes: Buffer.from('2:hi,0:,1:,,'),
  messages: [Buffer.from('hi'), Buffer.from(''), Buffer.from(',')],
  malformed: ['02:hi,', '+2:hi,', '2 :hi,', '2:hi;', ':,', { bytes: '99999999', code: 'ERR_FRAME_TOO_LONG' }],
  declared: ['8388608:', '5:'],
}

t.test('verifyDecoder: passes a netstring codec, and says what it tried', async (t) => {
  const { costPerByte, ...tried } = await verifyDecoder(netstring, NETSTRINGS)
  // Of n bytes 2^(n-1) cuts, and one with empty chunks.
  t.same(tried, {
    cuts: 2049,
    malformed: 3 * 33 + 17 + 3 + 129,
    truncations: 12,
    silentTruncations: 0,
    declared: 2,
    roundTrips: 4,
    refusals: 0,
  })
  t.ok(costPerByte !== null && costPerByte > 0 && costPerByte < 8, `${costPerByte} a byte`)
})

t.test('verifyDecoder: passes a codec of one terminator, and tries what it must refuse to encode', async (t) => {
  const tried = await verifyDecoder(lines, { bytes: 'on\ntwø\n\n', messages: ['on', 'twø', ''], refused: ['a\nb', '\n'] })
  t.match(tried, { cuts: 257, truncations: 9, silentTruncations: 0, roundTrips: 4, refusals: 2 })
})

t.test('verifyDecoder: passes a decoder that is no codec, over Buffers', async (t) => {
  const tried = await verifyDecoder(() => new HandWrittenLines(), {
    bytes: Buffer.from('on\ntwø\n\n'),
    messages: ['on', 'twø', ''],
    malformed: [{ bytes: 'a'.repeat(65), code: 'ERR_FRAME_TOO_LONG' }, { bytes: `ok\n${'a'.repeat(70)}\nb\n`, messages: ['ok'] }],
  })
  t.match(tried, { cuts: 257, roundTrips: 0 })
  t.ok(tried.costPerByte !== null)
})

const cutMessage = (rest: Uint8Array): string => new TextDecoder().decode(rest)

t.test('verifyDecoder: passes messages that the end of input ends', async (t) => {
  const options = { bytes: 'on\ntwø', messages: ['on', 'twø'], ends: [3, Infinity] }
  await t.resolves(verifyDecoder(textLines, { bytes: 'twø', messages: ['twø'], ends: [Infinity] }), 'without knowing what an earlier end makes of it')
  await t.rejects(verifyDecoder(textLines, options), wrong('truncation'), 'of what has an end of its own')
  t.match(await verifyDecoder(textLines, { ...options, cutMessage }), { truncations: 7 })
  await t.rejects(verifyDecoder(textLines, { ...options, cutMessage: (rest) => `${rest.length} bytes` }), wrong('truncation'), 'it is compared')
  await t.rejects(verifyDecoder(textLines, { ...options, cutMessage: () => undefined }), wrong('truncation'), 'none, it says')
})

t.test('verifyDecoder: passes values, null among them, and what only the end shows to be malformed', async (t) => {
  const tried = await verifyDecoder(jsonLines, {
    bytes: '{"a":[1,{}]}\nnull\n"x"\n-0\n',
    messages: [{ a: [1, {}] }, NULL, 'x', -0],
    outgoing: [{ a: [1, {}] }, NULL],
    malformed: ['{\n', { bytes: 'null', atEnd: true, code: 'ERR_FRAME_INCOMPLETE' }, { bytes: '1\n2\n]\n', messages: [1, 2] }],
    long: (length) => ({ bytes: `"${'a'.repeat(Math.min(60, length))}"\n`, messages: ['a'.repeat(Math.min(60, length))] }),
  })
  t.match(tried, { roundTrips: 3 })
})

const universal = (): Codec<string> => {
  let isAfterCr = false
  return {
    *decode(ctx) {
      const frame = yield ['\r', '\n']
      const isRest = isAfterCr && ctx.matched === 1 && frame.length === 0
      isAfterCr = ctx.matched === 0
      return isRest ? undefined : new TextDecoder().decode(frame)
    },
    encode: (line) => `${line}\r\n`,
  }
}

t.test('verifyDecoder: passes a decoder that looks at a byte after a message, where it is told the ends', async (t) => {
  const options = { bytes: 'on\r\nto\r\n', messages: ['on', 'to'] }
  await t.resolves(verifyDecoder(universal, { ...options, ends: [3, 7] }))
  await t.rejects(verifyDecoder(universal, options), wrong('early'), 'else the ends are where encoding has them')
})

t.test('verifyDecoder: passes messages in pieces, joined', async (t) => {
  type Piece = { readonly piece: string; readonly isLast: boolean }
  const pieces: Codec<Piece> = {
    *decode(ctx) {
      for (;;) {
        const piece = new TextDecoder().decode(yield { until: '\n', pieces: true })
        if (ctx.ending !== null) return { piece, isLast: true }
        ctx.emit({ piece, isLast: false })
      }
    },
    encode: ({ piece, isLast }) => `${piece}${isLast ? '\n' : ''}`,
  }
  const options = { bytes: 'one\ntwo\n', messages: [{ piece: 'one', isLast: true }, { piece: 'two', isLast: true }] }
  const merge = (previous: Piece, next: Piece): Piece | undefined => (previous.isLast ? undefined : { piece: previous.piece + next.piece, isLast: next.isLast })
  await t.resolves(verifyDecoder(pieces, { ...options, merge }))
  await t.rejects(verifyDecoder(pieces, options), wrong('messages'))
})

t.test('verifyDecoder: cuts a long input at random, the same way each time', async (t) => {
  const messages = Array.from({ length: 300 }, (_, index) => `line ${index}`)
  const bytes = messages.map((line) => `${line}\n`).join('')
  const seen = async (seed: number): Promise<string> => {
    const cuts: number[] = []
    const source = linesWith((inner) => ({
      write(chunk) {
        cuts.push(chunk.length)
        inner.write(chunk)
      },
    }))
    const { cuts: count, truncations } = await verifyDecoder(source, { bytes, messages, randomCuts: 4, seed })
    t.same([count, truncations], [6, 1024])
    return cuts.join()
  }
  const [first, again, other] = [await seen(1), await seen(1), await seen(2)]
  t.equal(first, again)
  t.not(first, other)
})

t.test('verifyDecoder: passes no input at all', async (t) => {
  t.match(await verifyDecoder(lines, { bytes: '', messages: [] }), { cuts: 1, truncations: 0, costPerByte: null })
  t.match(await verifyDecoder(() => new HandWrittenLines(), { bytes: '', messages: [] }), { cuts: 1, costPerByte: null })
})

const METHODS: readonly (readonly [holder: object, name: PropertyKey])[] = [
  [Buffer, 'concat'], [Buffer.prototype, 'indexOf'], [String.prototype, 'split'], [RegExp.prototype, 'exec'], [JSON, 'parse'], [Array.prototype, 'slice'], [Object.getPrototypeOf(Uint8Array.prototype), Symbol.iterator],
]
const platform = (): unknown[] => [Uint8Array, ArrayBuffer, Array, Uint8Array.prototype.constructor, ...METHODS.map(([holder, name]) => Reflect.get(holder, name))]

t.test('verifyDecoder: leaves the platform as it was', async (t) => {
  const before = platform()
  await verifyDecoder(lines, { bytes: 'a\n', messages: ['a'] })
  await t.rejects(verifyDecoder(wrongDecoders.find(({ check }) => check === 'cost')?.source as never, { bytes: 'a', messages: [] }))
  t.ok(platform().every((part, index) => part === before[index]))
})
