import t from 'tap'
import { Meter } from '../../src/testing/meter.js'
import { lengthOf } from '../../src/testing/platform-probes.js'

const bytes = Uint8Array.from({ length: 100 }, (_, index) => index)
const buffer = Buffer.from(bytes)
const text = 'a'.repeat(99) + 'b'
const list = [...bytes]

function walk(): number {
  let sum = 0
  for (const byte of bytes) sum += byte
  return sum
}

/** What a call must count, at least and at most; two ways of counting may meet. */
const ROWS: readonly (readonly [name: string, work: readonly [least: number, most: number], call: () => unknown])[] = [
  ['indexOf that finds', [10, 11], () => bytes.indexOf(9)],
  ['indexOf from a position', [40, 41], () => bytes.indexOf(49, 10)],
  ['indexOf from the end', [10, 10], () => bytes.indexOf(200, -10)],
  ['indexOf that finds nothing', [100, 100], () => bytes.indexOf(200)],
  ['includes that finds', [1, 1], () => bytes.includes(99)],
  ['includes that finds nothing', [100, 100], () => bytes.includes(200)],
  ['for of', [100, 100], () => walk()],
  ['every', [100, 100], () => bytes.every(() => true)],
  ['set', [50, 50], () => new Uint8Array(bytes.buffer).set(bytes.subarray(50))],
  ['slice', [50, 150], () => bytes.slice(50)],
  ['copyWithin', [20, 20], () => bytes.copyWithin(0, 80)],
  ['fill', [10, 10], () => new Uint8Array(bytes.buffer).fill(0, 0, 10)],
  ['fill up to a position from the end', [90, 90], () => Uint8Array.prototype.fill.call(bytes, 0, 0, -10)],
  ['from', [3, 10], () => Uint8Array.from([1, 2, 3])],
  ['a copy', [100, 201], () => new Uint8Array(bytes)],
  ['slice of memory', [100, 200], () => bytes.buffer.slice(0)],
  ['Buffer.concat', [200, 500], () => Buffer.concat([buffer, buffer])],
  ['Buffer.from bytes', [100, 300], () => Buffer.from(bytes)],
  ['Buffer.from memory', [0, 0], () => Buffer.from(bytes.buffer)],
  ['Buffer.compare', [100, 100], () => Buffer.compare(buffer, buffer)],
  ['Buffer indexOf a string', [100, 100], () => buffer.indexOf('no such')],
  ['Buffer includes', [1, 7], () => buffer.includes(5)],
  ['toString', [10, 20], () => buffer.toString('latin1', 10, 20)],
  ['latin1Slice', [10, 10], () => (buffer as unknown as { latin1Slice(start: number, end: number): string }).latin1Slice(10, 20)],
  ['copy', [5, 10], () => buffer.copy(Buffer.alloc(5))],
  ['equals', [100, 100], () => buffer.equals(bytes)],
  ['decode', [100, 100], () => new TextDecoder().decode(bytes)],
  ['decode nothing', [0, 0], () => new TextDecoder().decode()],
  ['string indexOf', [100, 101], () => text.indexOf('b')],
  ['split', [100, 400], () => text.split('a')],
  ['split by an expression', [100, 600], () => text.split(/a/)],
  ['search that finds', [100, 301], () => text.search('b')],
  ['search that finds nothing', [100, 200], () => text.search('c')],
  ['match at the start', [2, 10], () => text.match(/^a/)],
  ['match of nothing', [100, 200], () => text.match(/c/)],
  ['match of all', [100, 400], () => text.match(/a/g)],
  ['trim', [4, 6], () => `  ${text}  `.trim()],
  ['trim of nothing', [1, 1], () => text.trim()],
  ['charCodeAt', [1, 1], () => text.charCodeAt(0)],
  ['repeat', [200, 200], () => text.repeat(2)],
  ['test that finds', [1, 110], () => /b/.test(text)],
  ['exec that finds nothing', [100, 100], () => /c/.exec(text)],
  ['sticky exec', [1, 1], () => /c/y.exec(text)],
  ['global exec', [2, 2], () => /b/g.exec(text)],
  ['JSON.parse', [7, 7], () => JSON.parse('[1,2,3]')],
  ['array indexOf', [100, 100], () => list.indexOf(200)],
  ['array slice', [100, 100], () => list.slice()],
  ['array concat', [200, 200], () => list.concat(list)],
  ['array join', [100, 100], () => list.join('')],
  ['a view', [0, 0], () => bytes.subarray(10)],
]

t.test('platformProbes: counts what a call works on, as far as it came', async (t) => {
  for (const [name, [least, most], call] of ROWS) {
    const meter = new Meter()
    meter.measure(() => meter.count(call))
    t.ok(meter.work >= least && meter.work <= most, `${name}: ${meter.work}, ${least} to ${most}`)
  }
})

t.test('lengthOf: is that of strings, bytes, memory, lists, and 0', async (t) => {
  t.same(['abc', bytes, bytes.buffer, [1], 5, null, undefined, {}].map(lengthOf), [3, 100, 100, 1, 0, 0, 0, 0])
})
