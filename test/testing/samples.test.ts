import t from 'tap'
import { checkSamples } from '../../src/testing/samples.js'

const GOOD = { bytes: 'a\n', messages: ['a'] }

t.test('checkSamples: fills in the defaults', async (t) => {
  t.same(checkSamples(GOOD), {
    bytes: Uint8Array.of(97, 10), messages: ['a'], malformed: [], declared: [], ends: undefined, cutMessage: undefined, merge: undefined,
    outgoing: ['a'], refused: [], long: undefined, repeats: true, randomCuts: 256, seed: 1, maxAllocation: 65_536,
  })
})

t.test('checkSamples: gives all inputs the class of the sample', async (t) => {
  const { bytes, malformed, declared } = checkSamples({ ...GOOD, bytes: Buffer.from('a\n'), malformed: ['x', Uint8Array.of(1), { bytes: 'y', code: 'E', messages: ['m'] }], declared: ['z'] })
  t.ok([bytes, ...malformed.map((wrong) => wrong.bytes), ...declared].every((one) => Buffer.isBuffer(one)))
  t.match(malformed, [{ messages: [] }, { messages: [] }, { code: 'E', messages: ['m'] }])
})

t.test('checkSamples: repeats no sample that the end of input ends', async (t) => {
  t.equal(checkSamples({ ...GOOD, ends: [Infinity] }).repeats, false)
  t.equal(checkSamples({ ...GOOD, ends: [2] }).repeats, true)
  t.equal(checkSamples({ ...GOOD, repeats: false }).repeats, false)
})

const BAD: readonly (readonly [code: string, names: RegExp, change: object])[] = [
  ['ERR_INVALID_ARG_TYPE', /"options\.bytes"/, { bytes: 5 }],
  ['ERR_INVALID_ARG_TYPE', /"options\.messages"/, { messages: 'a' }],
  ['ERR_INVALID_ARG_TYPE', /"options\.malformed"/, { malformed: 'a' }],
  ['ERR_INVALID_ARG_TYPE', /"options\.malformed"/, { malformed: [5] }],
  ['ERR_INVALID_ARG_TYPE', /"options\.malformed"/, { malformed: [{ bytes: 5 }] }],
  ['ERR_INVALID_ARG_TYPE', /"options\.declared"/, { declared: [{}] }],
  ['ERR_INVALID_ARG_TYPE', /"options\.outgoing"/, { outgoing: {} }],
  ['ERR_INVALID_ARG_TYPE', /"options\.refused"/, { refused: 'a' }],
  ['ERR_INVALID_ARG_TYPE', /"options\.repeats"/, { repeats: 1 }],
  ['ERR_OUT_OF_RANGE', /"options\.randomCuts"/, { randomCuts: 0 }],
  ['ERR_OUT_OF_RANGE', /"options\.seed"/, { seed: 1.5 }],
  ['ERR_OUT_OF_RANGE', /"options\.maxAllocation"/, { maxAllocation: -1 }],
  ['ERR_OUT_OF_RANGE', /"options\.ends"/, { ends: [] }],
  ['ERR_OUT_OF_RANGE', /"options\.ends"/, { messages: ['a', 'b'], ends: [2, 1] }],
  ['ERR_OUT_OF_RANGE', /"options\.ends"/, { ends: ['2'] }],
]

t.test('checkSamples: names the option that is wrong', async (t) => {
  for (const [code, message, change] of BAD) {
    t.throws(() => checkSamples(Object.assign({ ...GOOD }, change)), { code, message }, JSON.stringify(change))
  }
  t.throws(() => checkSamples(undefined as never), { code: 'ERR_INVALID_ARG_TYPE' })
})
