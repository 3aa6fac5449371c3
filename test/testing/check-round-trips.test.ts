import t from 'tap'
import { checkRefusals, checkRoundTrips, encodedEnds } from '../../src/testing/check-round-trips.js'
import { HandWrittenLines, lines } from '../support/right-decoders.js'
import { caseOf } from '../support/samples.js'

const LINES = { bytes: 'ab\nc\n', messages: ['ab', 'c'] }

t.test('checkRoundTrips: encodes each and all, where the source encodes', async (t) => {
  for (const [outgoing, count] of [[['a', 'b'], 3], [['a'], 1], [[], 0]] as const) {
    const { subject, samples } = caseOf(lines, { ...LINES, outgoing })
    t.equal(await checkRoundTrips(subject, samples), count)
  }
  const none = caseOf<string>(() => new HandWrittenLines(), LINES)
  t.equal(await checkRoundTrips(none.subject, none.samples), 0)
})

const roundTrips = async (encode: (line: string) => string): Promise<number> => {
  const { subject, samples } = caseOf({ ...lines, encode }, LINES)
  return checkRoundTrips(subject, samples)
}

t.test('checkRoundTrips: finds what comes back as another message, or not at all', async (t) => {
  await t.rejects(roundTrips((line) => `${line}!\n`), { message: /what was encoded is decoded to something else[^]*chunks: +"ab!\\n"\n +expected: \["ab"\]\n +received: \["ab!"\]/ })
  await t.rejects(roundTrips((line) => `${line}\n\n`), { message: /received: \["ab", ""\]/ })
  await t.rejects(roundTrips((line) => line), { message: /received: FramingError ERR_FRAME_INCOMPLETE/ })
  await t.rejects(roundTrips(() => { throw new TypeError('cannot') }), { message: /does not encode "ab"[^]*received: TypeError: cannot/ })
})

t.test('checkRefusals: wants each refused at once', async (t) => {
  const good = caseOf(lines, { ...LINES, refused: ['a\nb', '\n'] })
  t.equal(checkRefusals(good.subject, good.samples), 2)
  const bad = caseOf(lines, { ...LINES, refused: ['a\nb', 'fine'] })
  t.throws(() => checkRefusals(bad.subject, bad.samples), { message: /\(round-trip\): encodes "fine", which cannot be said in this protocol[^]*received: "fine\\n"/ })
  const none = caseOf<string>(() => new HandWrittenLines(), { ...LINES, refused: ['a'] })
  t.throws(() => checkRefusals(none.subject, none.samples), { message: /encodes "a"/ }, 'who encodes nothing refuses nothing')
})

t.test('encodedEnds: knows the ends where encoding gives the sample itself', async (t) => {
  const of = async (options: object): Promise<readonly number[] | null> => {
    const { subject, samples } = caseOf(lines, { ...LINES, ...options })
    return encodedEnds(subject, samples)
  }
  t.same(await of({}), [3, 5])
  t.equal(await of({ bytes: 'ab\n\nc\n' }), null, 'other bytes')
  t.equal(await of({ outgoing: ['x'] }), null, 'other messages')
  const none = caseOf<string>(() => new HandWrittenLines(), LINES)
  t.equal(await encodedEnds(none.subject, none.samples), null)
})
