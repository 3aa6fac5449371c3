import { runInNewContext } from 'node:vm'
import t from 'tap'
import { NULL } from '../../src/framing/index.js'
import { sameValue } from '../../src/testing/same-value.js'

const loop = (name: string): object => {
  const made: Record<string, unknown> = { name }
  made['self'] = [made]
  return made
}
const failure = (message: string, code: string): Error => Object.assign(new RangeError(message), { code })

const SAME: readonly (readonly [name: string, left: unknown, right: unknown])[] = [
  ['NaN', Number.NaN, Number.NaN],
  ['NULL', NULL, NULL],
  ['bytes of two classes', Buffer.from('ab'), Uint8Array.of(97, 98)],
  ['bytes of two realms', runInNewContext('Uint8Array.of(1)'), Buffer.of(1)],
  ['views of memory', new DataView(Uint8Array.of(9, 1, 2).buffer, 1), new DataView(Uint8Array.of(1, 2).buffer)],
  ['memory', Uint8Array.of(1).buffer, Uint8Array.of(1).buffer],
  ['maps', new Map([['a', [1]]]), new Map([['a', [1]]])],
  ['sets', new Set([1, 'a']), new Set([1, 'a'])],
  ['dates', new Date(1), new Date(1)],
  ['objects, whatever their class', { a: 1, b: { c: Buffer.of(1) } }, Object.assign(Object.create(null), { b: { c: Uint8Array.of(1) }, a: 1 })],
  ['symbols as keys', { [NULL]: 1 }, { [NULL]: 1 }],
  ['errors', failure('a', 'E'), failure('a', 'E')],
  ['cycles', loop('a'), loop('a')],
]

const DIFFERENT: readonly (readonly [name: string, left: unknown, right: unknown])[] = [
  ['zeros', 0, -0],
  ['types', '1', 1],
  ['null', null, {}],
  ['undefined', undefined, {}],
  ['bytes and a list', Uint8Array.of(1), [1]],
  ['bytes', Uint8Array.of(1), Uint8Array.of(2)],
  ['lengths', Uint8Array.of(1), Uint8Array.of(1, 2)],
  ['memory of two kinds', new Uint16Array(1), new DataView(new ArrayBuffer(2))],
  ['memory', new Uint16Array(1), new Uint16Array([1])],
  ['maps', new Map([['a', 1]]), new Map([['a', 2]])],
  ['maps in another order', new Map([['a', 1], ['b', 2]]), new Map([['b', 2], ['a', 1]])],
  ['a map and a set', new Map(), new Set()],
  ['dates', new Date(1), new Date(2)],
  ['messages of errors', failure('a', 'E'), failure('b', 'E')],
  ['classes of errors', new TypeError('a'), new RangeError('a')],
  ['codes of errors', failure('a', 'E'), failure('a', 'F')],
  ['a field more', { a: 1 }, { a: 1, b: undefined }],
  ['another field', { a: undefined }, { b: undefined }],
  ['a list and an object', [], {}],
  ['holes', Array.from({ length: 1 }), Object.assign([], { length: 1 })],
  ['cycles', loop('a'), loop('b')],
]

t.test('sameValue: compares by what values hold', async (t) => {
  for (const [name, left, right] of SAME) t.ok(sameValue(left, right) && sameValue(right, left), name)
  for (const [name, left, right] of DIFFERENT) t.notOk(sameValue(left, right) || sameValue(right, left), name)
})
