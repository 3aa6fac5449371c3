import { PassThrough, Readable as NodeReadable, Writable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { runInNewContext } from 'node:vm'
import { Readable } from '../../src/streams/base.js'
import t from 'tap'
import { type SourceKind, checkSource, isChunk, isProducer, isThenable, kindOf, toBuffer } from '../../src/producers/source.js'

const nothing = (): null => null
const noBytes = { done: true, value: undefined }

/** What has the marks of several kinds is the first of them. */
const all = {
  more: nothing,
  read: nothing,
  on: nothing,
  pipe: nothing,
  getReader: nothing,
  cancel: nothing,
  stream: nothing,
  arrayBuffer: nothing,
  size: 0,
  [Symbol.asyncIterator]: () => ({ next: async () => noBytes }),
  [Symbol.iterator]: () => ({ next: () => noBytes }),
}
const without = (...names: (string | symbol)[]): object => {
  const copy: Record<string | symbol, unknown> = Object.assign({}, all)
  for (const name of names) delete copy[name]
  return copy
}

const kinds: readonly [name: string, value: unknown, kind: SourceKind | null][] = [
  ['an object with more()', { more: nothing }, 'producer'],
  ['a function with more()', Object.assign(() => 1, { more: nothing }), 'producer'],
  ['a producer that is falsy to those who ask for a length (O46)', { more: nothing, length: 0 }, 'producer'],
  ['a producer before all else', all, 'producer'],
  ["a Readable of Node's", new NodeReadable(), 'readable'],
  ['a Readable of the base class', new Readable(), 'readable'],
  ['a Duplex', new PassThrough(), 'readable'],
  ['a Readable before a web stream', without('more'), 'readable'],
  ['a web stream', new ReadableStream(), 'web'],
  ['a web stream before a Blob', without('more', 'read'), 'web'],
  ['a Blob', new Blob([]), 'blob'],
  ['a Blob before an iterable', without('more', 'on', 'getReader'), 'blob'],
  ['an async generator', (async function* () {})(), 'asyncIterable'],
  ['an async iterable before an iterable', without('more', 'pipe', 'cancel', 'size'), 'asyncIterable'],
  ['an array', [], 'iterable'],
  ['a Set', new Set(), 'iterable'],
  ['a function that is an iterable', Object.assign(() => 1, { [Symbol.iterator]: nothing }), 'iterable'],
  ['a function', nothing, 'function'],
  ['null', null, null],
  ['undefined', undefined, null],
  ['a number', 5, null],
  ['a boolean', true, null],
  ['a bigint', 5n, null],
  ['a symbol', Symbol('s'), null],
  ['a plain object', {}, null],
  ['an object without a prototype', Object.create(null), null],
  ['an object whose more is no function', { more: 'data' }, null],
  ['a Writable', new Writable(), null],
  ['a promise', Promise.resolve('a'), null],
  ['a Date', new Date(), null],
]

for (const [name, value, kind] of kinds) {
  t.test(`kindOf: takes ${name} for ${kind ?? 'nothing'}`, async (t) => {
    t.equal(kindOf(value), kind)
    if (kind !== null) {
      t.doesNotThrow(() => checkSource('source', value))
      return
    }
    t.throws(() => checkSource('source', value), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /^The "source" argument must be .* Received / })
  })
}

const otherRealm = (code: string): never => runInNewContext(code) as never
const chunks: readonly [name: string, value: unknown, want: string][] = [
  ['a string, as UTF-8', 'a€', 'a\xe2\x82\xac'],
  ['a lone surrogate as U+FFFD', '\ud800', '\xef\xbf\xbd'],
  ['an empty string', '', ''],
  ['a Buffer', Buffer.from('ab'), 'ab'],
  ['a Uint8Array', Uint8Array.of(97, 98).subarray(1), 'b'],
  ['O09 a Uint16Array by its bytes', Uint16Array.of(0x6161, 0x6262), 'aabb'],
  ['O09 a DataView by its bytes', new DataView(Uint8Array.of(97, 98, 99).buffer, 1), 'bc'],
  ['a Float64Array by its bytes', new Float64Array(1), '\0'.repeat(8)],
  ['an ArrayBuffer', Uint8Array.of(97).buffer, 'a'],
  ['a SharedArrayBuffer', new SharedArrayBuffer(2), '\0\0'],
  ['a Uint8Array of another realm', otherRealm('Uint8Array.of(97)'), 'a'],
  ['an ArrayBuffer of another realm', otherRealm('Uint8Array.of(97).buffer'), 'a'],
]

for (const [name, value, want] of chunks) {
  t.test(`toBuffer: takes ${name}`, async (t) => {
    if (!isChunk(value)) throw new Error('It is a chunk')
    const buffer = toBuffer(value)
    t.equal(Buffer.isBuffer(buffer), true)
    t.equal(buffer.toString('latin1'), want)
    if (typeof value === 'object') t.equal(buffer.buffer, ArrayBuffer.isView(value) ? value.buffer : value, 'in the same memory')
    t.doesNotThrow(() => checkSource('source', value))
  })
}

t.test('isChunk: tells chunks from all else', async (t) => {
  for (const value of [null, undefined, 5, false, [97], {}, { length: 1, 0: 97 }, new Blob([])]) t.equal(isChunk(value), false)
})

t.test('isProducer, isThenable: ask for one method each', async (t) => {
  t.same([isProducer({ more: nothing }), isProducer(nothing), isProducer(null), isProducer('more')], [true, false, false, false])
  t.same([isThenable(Promise.resolve()), isThenable({}), isThenable(undefined), isThenable('then')], [true, false, false, false])
})

t.test('checkSource: refuses a Readable that is destroyed, of any class', async (t) => {
  for (const stream of [new NodeReadable(), new Readable(), new PassThrough()]) {
    stream.on('error', nothing).destroy()
    t.throws(() => checkSource('data', stream), { code: 'ERR_INVALID_ARG_TYPE', message: /^The "data" argument must be a Readable that is not destroyed/ })
  }
})

t.test('checkSource: refuses a ReadableStream that is locked', async (t) => {
  const stream = new ReadableStream()
  stream.getReader()
  t.throws(() => checkSource('data', stream), { code: 'ERR_INVALID_ARG_TYPE', message: /^The "data" argument must be a ReadableStream that is not locked/ })
})

t.test('checkSource: does nothing but look', async (t) => {
  const stream = new NodeReadable({ read: () => t.fail('it was read') })
  checkSource('source', stream)
  t.equal(stream.listenerCount('error'), 0)
  const web = new ReadableStream()
  checkSource('source', web)
  t.equal(web.locked, false)
  checkSource('source', { more: () => t.fail('it was pulled') })
})
