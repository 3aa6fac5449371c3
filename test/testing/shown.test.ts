import t from 'tap'
import { NULL } from '../../src/framing/index.js'
import { shown, shownBytes, shownChunks } from '../../src/testing/shown.js'

const VALUES: readonly (readonly [value: unknown, text: string])[] = [
  ['a"b\n', String.raw`"a\"b\n"`],
  [1n, '1n'],
  [-0, '-0'],
  [null, 'null'],
  [undefined, 'undefined'],
  [NULL, 'Symbol(asynchat.NULL)'],
  [shownBytes, 'function shownBytes'],
  [Buffer.from('hi'), 'bytes "hi"'],
  [new RangeError('too much'), 'RangeError: too much'],
  [Object.assign(new Error('gone'), { code: 'ENOENT' }), 'Error ENOENT: gone'],
  [new Map([['a', [1, 'b']]]), 'Map {"a" => [1, "b"]}'],
  [new Set([1]), 'Set {1}'],
  [new Date(5), 'Date 5'],
  [new Float64Array(2), 'Float64Array of 16 bytes'],
  [{ a: 1, b: { c: [] } }, '{a: 1, b: {c: []}}'],
  [[[[[[1]]]]], '[[[[...]]]]'],
]

t.test('shown: makes a line of any message', async (t) => {
  for (const [value, text] of VALUES) t.equal(shown(value), text)
  t.equal(shown('x'.repeat(1000)).length, 4 * 72 + 3)
})

t.test('shownBytes: escapes what is not printable, and leaves out the middle', async (t) => {
  t.equal(shownBytes(Buffer.from('a\t\r\n"\\\0\x7fé')), String.raw`"a\t\r\n\"\\\x00\x7f\xc3\xa9"`)
  t.equal(shownBytes(Buffer.from('x'.repeat(72))), `"${'x'.repeat(72)}"`)
  t.equal(shownBytes(Buffer.from(`${'x'.repeat(36)}-${'y'.repeat(36)}`)), `"${'x'.repeat(36)}" ... "${'y'.repeat(36)}" (73 bytes)`)
})

t.test('shownChunks: shows the cuts', async (t) => {
  t.equal(shownChunks([]), 'none')
  t.equal(shownChunks([Buffer.from('a'), Buffer.from('')]), '"a" + ""')
  t.equal(shownChunks(Array.from('abcdefghijklmnopqrstuvwxyz', (letter) => Buffer.from(letter))).replaceAll(/"| \+ /g, ''), 'abcdefghijkl(2 more)opqrstuvwxyz')
})
