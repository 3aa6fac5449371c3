import t from 'tap'
import { delimiterSet } from '../../src/framing/delimiter-set.js'
import type { Delimiter } from '../../src/framing/delimiter-set.js'

const texts = (list: readonly Uint8Array[]): string[] => list.map((bytes) => Buffer.from(bytes).toString('latin1'))

const rows: readonly [name: string, given: Delimiter | Delimiter[], delimiters: string[], anchors: string, maxLength: number][] = [
  ['a string', '\r\n', ['\r\n'], '\n', 2],
  ['a string beyond ASCII, as UTF-8', 'é', ['\xc3\xa9'], '\xa9', 2],
  ['bytes', Uint8Array.of(0, 255), ['\0\xff'], '\xff', 2],
  ['an array of one', ['ab'], ['ab'], 'b', 2],
  ['several, with the last bytes they have, each once', ['ab', 'c', 'xyb'], ['ab', 'c', 'xyb'], 'bc', 3],
  ['equal ones', ['ab', 'ab'], ['ab', 'ab'], 'b', 2],
  ['one that begins with another that ends with it', ['\n', '\r\n'], ['\n', '\r\n'], '\n', 2],
]

for (const [name, given, delimiters, anchors, maxLength] of rows) {
  t.test(`delimiterSet: takes ${name}`, async (t) => {
    const set = delimiterSet('terminator', given)
    t.same(texts(set.delimiters), delimiters)
    t.equal(Buffer.from(set.anchors).toString('latin1'), anchors)
    t.equal(set.maxLength, maxLength)
    t.same(set.lengths, delimiters.map(({ length }) => length))
  })
}

t.test('DelimiterSet: lists those that end in a byte, the longest first, of equal ones the first', async (t) => {
  const { endingIn } = delimiterSet('terminator', ['\n', '\0\r\n', ';', '\r\n', ';'])
  t.same([endingIn[10], endingIn[59], endingIn[13]], [[1, 3, 0], [2, 4], []])
})

t.test('DelimiterSet: has no anchors where there are more than 16, for the automaton is cheaper then', async (t) => {
  const letters = Array.from('ABCDEFGHIJKLMNOPQ')
  t.equal(delimiterSet('terminator', letters.slice(0, 16)).anchors.length, 16)
  t.same(delimiterSet('terminator', letters).anchors, [])
  t.equal(delimiterSet('terminator', letters.map((letter) => `${letter}\n`)).anchors.length, 1, 'it is last bytes that count')
})

t.test('DelimiterSet: makes its automaton once', async (t) => {
  const set = delimiterSet('terminator', 'ab')
  t.equal(set.automaton, set.automaton)
  t.equal(set.automaton.depth.length, 3)
})

t.test('delimiterSet: copies bytes, which their owner may change', async (t) => {
  const bytes = Buffer.from('ab')
  const set = delimiterSet('terminator', [bytes])
  bytes.fill(0)
  t.same(texts(set.delimiters), ['ab'])
})

const refused: readonly [name: string, given: unknown, message: string][] = [
  ['an empty string', '', 'The "terminator" argument must be a delimiter of at least one byte. Received ""'],
  ['empty bytes', new Uint8Array(0), 'The "terminator" argument must be a delimiter of at least one byte. Received an instance of Uint8Array'],
  ['an empty array', [], 'The "terminator" argument must be an array of at least one delimiter. Received []'],
  ['an empty one among others', ['a', ''], 'The "terminator[1]" argument must be a delimiter of at least one byte. Received ""'],
  ['a number among others', ['a', 10], 'The "terminator[1]" argument must be a string or Uint8Array. Received 10'],
  ['an array in an array', [['a']], 'The "terminator[0]" argument must be a string or Uint8Array. Received an array of 1'],
  ['a string that hides another', ['BC', 'ABCD'], 'The "terminator[1]" argument must be a delimiter that can match: BC ends inside it. Received "ABCD"'],
  ['one that hides another from its first byte on', ['ab', 'a'], 'The "terminator[0]" argument must be a delimiter that can match: a ends inside it. Received "ab"'],
  ['bytes that hide others', [Uint8Array.of(1, 2, 3), Uint8Array.of(2)], 'The "terminator[0]" argument must be a delimiter that can match: bytes 2 ends inside it. Received "bytes 1 2 3"'],
]

t.test('delimiterSet: refuses what can never end a frame, naming it', async (t) => {
  for (const [name, given, message] of refused) {
    t.throws(() => delimiterSet('terminator', given as Delimiter), { constructor: TypeError, code: 'ERR_INVALID_ARG_TYPE', message }, name)
  }
})
