import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { Automaton, ROOT } from '../../src/framing/automaton.js'

/** By definition: the longest run of bytes just seen that a delimiter begins with, and the longest delimiter that ends here. */
function naive(delimiters: readonly string[], seen: string): { depth: number; match: number } {
  let depth = 0
  let match = -1
  for (const [index, delimiter] of delimiters.entries()) {
    for (let length = depth + 1; length <= delimiter.length; length++) {
      if (seen.endsWith(delimiter.slice(0, length))) depth = length
    }
    const isLongest = match === -1 || delimiter.length > (delimiters[match] as string).length
    if (seen.endsWith(delimiter) && isLongest) match = index
  }
  return { depth, match }
}

function walk(delimiters: readonly string[], input: string): { depth: number; match: number }[] {
  const automaton = new Automaton(delimiters.map((delimiter) => Buffer.from(delimiter, 'latin1')))
  let node = ROOT
  return Array.from(Buffer.from(input, 'latin1'), (byte) => {
    node = automaton.step(node, byte)
    return { depth: automaton.depth[node] as number, match: automaton.match[node] as number }
  })
}

const rows: readonly [name: string, delimiters: string[], input: string, depths: number[], matches: number[]][] = [
  ['counts what is seen of one delimiter', ['abc'], 'xabcab', [0, 1, 2, 3, 1, 2], [-1, -1, -1, 0, -1, -1]],
  ['falls back to what may still become it', ['abab'], 'abaabab', [1, 2, 3, 1, 2, 3, 4], [-1, -1, -1, -1, -1, -1, 0]],
  ['keeps the end of a match that may begin another', ['aa'], 'aaa', [1, 2, 2], [-1, 0, 0]],
  ['finds the longest of those that end together', ['\n', '\r\n'], 'a\r\n', [0, 1, 2], [-1, -1, 1]],
  ['finds a short one inside a longer one', ['abcd', 'bc'], 'abcd', [1, 2, 3, 4], [-1, -1, 1, 0]],
  ['takes the first of equal ones', ['x', 'x'], 'x', [1], [0]],
  ['has bytes 0 and 255', ['\0\xff'], '\0\0\xff', [1, 1, 2], [-1, -1, 0]],
]

for (const [name, delimiters, input, depths, matches] of rows) {
  t.test(`Automaton: ${name}`, async (t) => {
    const steps = walk(delimiters, input)
    t.same(steps.map(({ depth }) => depth), depths)
    t.same(steps.map(({ match }) => match), matches)
  })
}

const letters = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('a', 'b', '\xfe'), minLength, maxLength })

t.test('Automaton: is at every byte where the definition says', async (t) => {
  const delimiters = fc.array(letters(1, 6), { minLength: 1, maxLength: 5 })
  t.doesNotThrow(() => fc.assert(fc.property(delimiters, letters(0, 40), (delimiters, input) => {
    for (const [index, step] of walk(delimiters, input).entries()) {
      deepEqual(step, naive(delimiters, input.slice(0, index + 1)))
    }
  }), { numRuns: 500 }))
})

const sizeOf = (...delimiters: string[]): number => new Automaton(delimiters.map((one) => Buffer.from(one))).depth.length

t.test('Automaton: has one node for each distinct beginning of a delimiter, however long', async (t) => {
  t.equal(sizeOf('a'.repeat(16_384)), 16_385)
  t.equal(sizeOf('abcX', 'abcY', 'ab'), 6)
})
