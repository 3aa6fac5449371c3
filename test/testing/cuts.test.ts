import t from 'tap'
import { everyCut, manyCuts, randomFrom, singleBytes } from '../../src/testing/cuts.js'

const textsOf = (chunks: readonly Uint8Array[]): string[] => chunks.map((chunk) => Buffer.from(chunk).toString('latin1'))

t.test('everyCut: gives all cuts, each once, from whole to single bytes', async (t) => {
  t.same(Array.from(everyCut(Buffer.from('abc')), textsOf), [['abc'], ['a', 'bc'], ['ab', 'c'], ['a', 'b', 'c']])
  t.same(Array.from(everyCut(Buffer.from('a')), textsOf), [['a']])
  t.same(Array.from(everyCut(Buffer.from('')), textsOf), [[]])
  const cuts = Array.from(everyCut(Buffer.from('0123456789')), textsOf)
  t.equal(new Set(cuts.map((cut) => cut.join('|'))).size, 512)
  t.ok(cuts.every((cut) => cut.join('') === '0123456789' && !cut.includes('')))
})

t.test('everyCut: gives chunks of the class that it was given, with other bytes around them', async (t) => {
  for (const chunk of [...everyCut(Buffer.from('ab\n'))].flat()) {
    t.ok(Buffer.isBuffer(chunk))
    const around = new Uint8Array(chunk.buffer)
    t.not(around[chunk.byteOffset - 1], undefined)
    t.equal(around[chunk.byteOffset + chunk.length], 10, 'what ends a frame')
  }
  t.equal([...everyCut(Uint8Array.of(1))][0]?.[0]?.constructor, Uint8Array)
})

t.test('everyCut: refuses what is too long at once, and not later', async (t) => {
  t.equal(everyCut(new Uint8Array(20)).next().value?.length, 1)
  t.throws(() => everyCut(new Uint8Array(21)), { code: 'ERR_OUT_OF_RANGE', message: /bytes\.length.*at most 20.*Received 21/ })
})

t.test('everyCut: refuses what is no bytes', async (t) => {
  for (const given of ['abc', [1, 2], new ArrayBuffer(3), null]) t.throws(() => everyCut(given as never), { code: 'ERR_INVALID_ARG_TYPE', message: /bytes/ })
})

t.test('manyCuts: gives every cut of what is short, and those with empty chunks', async (t) => {
  t.same([...manyCuts(0, 9, Math.random)], [[]])
  t.same([...manyCuts(1, 9, Math.random)], [[], [0, 1]])
  t.same([...manyCuts(3, 9, Math.random)], [[], [1, 2], [1], [2], [0, 1, 1, 2, 2, 3]])
  t.equal([...manyCuts(12, 9, Math.random)].length, 2049)
})

t.test('manyCuts: cuts what is long in two and at random, what is very long at random', async (t) => {
  const long = [...manyCuts(100, 9, randomFrom(1))]
  t.equal(long.length, 1 + 1 + 99 + 1 + 9)
  t.ok(long.every((cut) => cut.every((position, index) => position >= (cut[index - 1] ?? 0) && position <= 100)), 'in order and inside')
  t.same(long.flat().filter((position) => position === 0 || position === 100), [0, 100], 'one begins and ends with an empty chunk')
  t.equal([...manyCuts(1025, 9, randomFrom(1))].length, 1 + 1 + 9)
  t.equal([...manyCuts(4 * 1024 * 1024, 99, randomFrom(1))].length, 1 + 1 + 8, 'at least 8')
})

const take = (seed: number): number[] => Array.from({ length: 1000 }, randomFrom(seed))

t.test('randomFrom: gives the same numbers for the same seed', async (t) => {
  t.same(take(7), take(7))
  t.strictNotSame(take(7), take(8))
  t.ok(take(7).every((number) => number >= 0 && number < 1))
  const mean = take(7).reduce((sum, number) => sum + number) / 1000
  t.ok(mean > 0.45 && mean < 0.55, `${mean}`)
})

t.test('singleBytes: has no position for no byte, or one', async (t) => {
  t.same([singleBytes(0), singleBytes(1), singleBytes(3)], [[], [], [1, 2]])
})
