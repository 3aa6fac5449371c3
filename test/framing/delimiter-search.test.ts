import { deepEqual, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { DelimiterSearch } from '../../src/framing/delimiter-search.js'
import { type DelimiterSet, delimiterSet } from '../../src/framing/delimiter-set.js'
import { FrameInput } from '../../src/framing/frame-input.js'
import { cutAt } from '../support/cuts.js'

/** Where a delimiter ended, in the whole input, and which. */
type Find = readonly [end: number, matched: number]

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

/** Searches for the sets in turn, another one after each find. */
function search(sets: readonly (readonly string[])[], chunks: readonly Uint8Array[]): { finds: Find[]; looks: number; partial: number } {
  const made = sets.map((delimiters) => delimiterSet('terminator', delimiters.map(latin1)))
  const search = new DelimiterSearch(made[0] as DelimiterSet)
  const input = new FrameInput()
  for (const chunk of chunks) input.write(chunk)
  const finds: Find[] = []
  while (input.next()) {
    const end = search.find(input)
    if (end === -1) {
      input.hold()
      continue
    }
    ok(search.partialLength === 0, 'a found delimiter is no part of another')
    input.drop(input.heldLength + end - input.at)
    finds.push([input.offset, search.matched])
    if (made.length > 1) search.use(made[finds.length % made.length] as DelimiterSet)
  }
  return { finds, looks: search.bytesLookedAt, partial: search.partialLength }
}

/** The first to end, of those the longest, none reaching back into the one before it. */
function naive(sets: readonly (readonly string[])[], text: string): Find[] {
  const finds: Find[] = []
  let floor = 0
  for (let end = 1; end <= text.length; end++) {
    const seen = text.slice(floor, end)
    const delimiters = sets[finds.length % sets.length] as readonly string[]
    const length = Math.max(0, ...delimiters.filter((one) => seen.endsWith(one)).map((one) => one.length))
    if (length === 0) continue
    floor = end
    finds.push([end, delimiters.findIndex((one) => one.length === length && seen.endsWith(one))])
  }
  return finds
}

const rows: readonly [name: string, delimiters: string[], chunks: string[], finds: Find[], partial: number][] = [
  ['finds a single byte', ['\n'], ['a\n\nb'], [[2, 0], [3, 0]], 0],
  ['finds a delimiter that a chunk border cuts', ['\r\n'], ['a\r', '\nb\r'], [[3, 0]], 1],
  ['finds one that several borders cut', ['abcd'], ['xa', 'b', 'c', 'd'], [[5, 0]], 0],
  ['falls back over a border to what may still become one', ['aab'], ['aa', 'aab'], [[5, 0]], 0],
  ['says which of a set ended, the longest of those that end together', ['\n', '\r\n', ';'], ['a\r', '\n;\n'], [[3, 1], [4, 2], [5, 0]], 0],
  ['does not look behind the last match', ['aa'], ['aaa', 'a'], [[2, 0], [4, 0]], 0],
  ['finds any of more than sixteen last bytes', Array.from('ABCDEFGHIJKLMNOPQ'), ['aQb', 'A'], [[2, 16], [4, 0]], 0],
]

for (const [name, delimiters, chunks, finds, partial] of rows) {
  t.test(`DelimiterSearch: ${name}`, async (t) => {
    const found = search([delimiters], chunks.map(latin1))
    t.same(found.finds, finds)
    t.equal(found.partial, partial)
    t.same(naive([delimiters], chunks.join('')), finds, 'by definition')
  })
}

const letters = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('a', 'a', 'b', 'c'), minLength, maxLength })

const canAllMatch = (delimiters: string[]): boolean =>
  delimiters.every((one) => delimiters.every((other) => !one.slice(0, -1).includes(other)))

const sets = fc.array(letters(1, 7), { minLength: 1, maxLength: 4 }).filter(canAllMatch)
const cuts = fc.array(fc.nat(200), { maxLength: 8 })

function chunksOf(text: string, cuts: readonly number[]): Uint8Array[] {
  return cutAt(latin1(text), cuts.filter((at) => at <= text.length).toSorted((a, b) => a - b))
}

t.test('DelimiterSearch: finds what the definition says at every cut, within 2 looks a byte and the delimiter a chunk', async (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(sets, letters(0, 200), cuts, (delimiters, text, cuts) => {
    const chunks = chunksOf(text, cuts)
    const { finds, looks } = search([delimiters], chunks)
    deepEqual(finds, naive([delimiters], text))
    const anchors = new Set(delimiters.map((one) => one.at(-1))).size
    const longest = Math.max(...delimiters.map((one) => one.length))
    ok(looks <= text.length * (1 + anchors) + longest * chunks.length, `${looks} looks`)
  }), { numRuns: 2000 }))
})

t.test('DelimiterSearch: finds what the definition says when it looks for another set after each find', async (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.array(sets, { minLength: 2, maxLength: 3 }), letters(0, 200), cuts, (sets, text, cuts) => {
    deepEqual(search(sets, chunksOf(text, cuts)).finds, naive(sets, text))
  }), { numRuns: 1000 }))
})

t.test('DelimiterSearch: reads on with the automaton where comparing would cost more than it earned', async (t) => {
  const delimiter = `b${'a'.repeat(63)}`
  // Every byte is an anchor, and 63 bytes before it are as the delimiter has them.
  const text = `${'a'.repeat(20_000)}${delimiter}`
  const { finds, looks } = search([[delimiter]], [latin1(text)])
  t.same(finds, [[text.length, 0]])
  t.ok(looks >= text.length && looks <= 2 * text.length + delimiter.length, `${looks} looks at ${text.length} bytes`)
})

t.test('DelimiterSearch: looks once at a byte that is no anchor', async (t) => {
  const { looks } = search([['\r\n']], [latin1('x'.repeat(1000)), latin1('y'.repeat(1000))])
  t.ok(looks >= 2000 && looks <= 2004, `${looks} looks at 2000 bytes`)
})

t.test('DelimiterSearch: forgets a half-seen delimiter when told to restart, or to look for another', async (t) => {
  for (const forget of ['restart', 'use'] as const) {
    const set = delimiterSet('terminator', '\r\n')
    const search = new DelimiterSearch(set)
    const input = new FrameInput()
    input.write(latin1('a\r'))
    input.write(latin1('\nb\r\n'))
    t.equal(input.next() && search.find(input), -1)
    t.equal(search.partialLength, 1)
    input.hold()
    if (forget === 'use') search.use(set)
    else search.restart()
    t.equal(search.partialLength, 0, forget)
    t.equal(input.next() && search.find(input), 4, `${forget}: the first LF ends nothing`)
  }
})
