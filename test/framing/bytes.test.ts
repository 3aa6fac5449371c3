import { runInNewContext } from 'node:vm'
import t from 'tap'
import { classOf, copyOf, inClass, isBytes, sameBytes } from '../../src/framing/bytes.js'

class OwnBytes extends Uint8Array {}

/** Its views are of the base class. */
class Detached extends Uint8Array {
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array
  }
}

/** Says nothing of its views. */
class Unspecified extends Uint8Array {
  static get [Symbol.species](): undefined {
    return undefined
  }
}

const foreign: Uint8Array = runInNewContext('Uint8Array.of(1, 2, 3)')

const kinds: readonly [name: string, bytes: Uint8Array][] = [
  ['a Uint8Array', Uint8Array.of(1, 2, 3)],
  ['a Buffer', Buffer.of(1, 2, 3)],
  ['an empty one', new Uint8Array(0)],
  ['one of another realm', foreign],
  ['one of an own class', OwnBytes.of(1, 2, 3)],
  ['one whose views are of another class', Detached.of(1, 2, 3)],
  ['one whose class does not say', Unspecified.of(1, 2, 3)],
]

const others: readonly [name: string, value: unknown][] = [
  ['an ArrayBuffer', new ArrayBuffer(3)],
  ['a DataView', new DataView(new ArrayBuffer(3))],
  ['a Uint16Array', Uint16Array.of(1)],
  ['a Uint8ClampedArray, whose views clamp', Uint8ClampedArray.of(1)],
  ['an array of numbers', [1, 2, 3]],
  ['an object that looks alike', { length: 1, 0: 1, [Symbol.toStringTag]: 'Uint8Array' }],
  ['a string', 'abc'],
  ['null', null],
  ['undefined', undefined],
]

t.test('isBytes: takes Uint8Arrays of any class and realm', async (t) => {
  t.notOk(foreign instanceof Uint8Array, 'instanceof alone would not do')
  for (const [name, bytes] of kinds) t.equal(isBytes(bytes), true, name)
})

t.test('isBytes: refuses all else', async (t) => {
  for (const [name, value] of others) t.equal(isBytes(value), false, name)
})

t.test('classOf: gives the class that subarray() gives', async (t) => {
  for (const [name, bytes] of kinds) {
    const view = new (classOf(bytes))(bytes.buffer, bytes.byteOffset, bytes.length)
    t.equal(Object.getPrototypeOf(view), Object.getPrototypeOf(bytes.subarray()), name)
    t.equal(view.buffer, bytes.buffer, `${name}: a view, no copy`)
  }
})

t.test('inClass: gives the same memory in the class that is asked for, itself where it has it', async (t) => {
  const plain = Uint8Array.of(1, 2, 3)
  t.equal(inClass(plain, Uint8Array), plain)
  const buffer = inClass(plain.subarray(1), Buffer)
  t.ok(Buffer.isBuffer(buffer) && buffer.buffer === plain.buffer)
  t.same([...buffer], [2, 3])
})

t.test('copyOf: owns exactly its memory, whatever it was a part of', async (t) => {
  for (const [name, bytes] of kinds) {
    const copy = copyOf(bytes)
    t.same(Array.from(copy), Array.from(bytes), name)
    t.notOk(copy.length > 0 && copy.buffer === bytes.buffer, `${name}: not the same memory`)
    t.equal(Object.getPrototypeOf(copy), Object.getPrototypeOf(bytes.subarray()), `${name}: of the same class`)
  }
  // Buffer's own slice() is a view.
  t.equal(copyOf(Buffer.from('pooled').subarray(1, 3)).buffer.byteLength, 2)
})

const pairs: readonly [name: string, left: number[], right: number[], same: boolean][] = [
  ['equal bytes', [1, 2], [1, 2], true],
  ['no bytes', [], [], true],
  ['another byte', [1, 2], [1, 3], false],
  ['a prefix', [1], [1, 2], false],
  ['a longer one', [1, 2], [1], false],
]

t.test('sameBytes: compares lengths and bytes, not classes', async (t) => {
  for (const [name, left, right, same] of pairs) t.equal(sameBytes(Uint8Array.from(left), Buffer.from(right)), same, name)
})
