import t from 'tap'
import { Meter, metered } from '../../src/testing/meter.js'

const workOf = (call: () => unknown): number => {
  const meter = new Meter()
  meter.measure(() => meter.count(call))
  return meter.work
}

t.test('Meter: counts only inside count(), inside measure()', async (t) => {
  const bytes = new Uint8Array(100)
  const meter = new Meter()
  meter.count(() => bytes.slice())
  t.equal(meter.work, 0, 'nothing is replaced')
  meter.measure(() => bytes.slice())
  t.equal(meter.work, 0, 'nothing is counted')
  meter.measure(() => meter.count(() => bytes.slice()))
  t.ok(meter.work >= 100)
})

t.test('Meter: counts what a call did that threw', async (t) => {
  t.throws(() => workOf(() => JSON.parse('["half')))
  const meter = new Meter()
  t.throws(() => meter.measure(() => meter.count(() => JSON.parse('["half'))))
  t.equal(meter.work, 6)
})

const ALLOCATIONS: readonly (readonly [name: string, call: (length: number) => unknown])[] = [
  ['Uint8Array', (length) => new Uint8Array(length)],
  ['Float64Array', (length) => new Float64Array(length / 8)],
  ['ArrayBuffer that may grow', (length) => new (ArrayBuffer as any)(length, { maxByteLength: length })],
  ['the class of a chunk', (length) => new (new Uint8Array(0).constructor as Uint8ArrayConstructor)(length)],
  ['ArrayBuffer', (length) => new ArrayBuffer(length)],
  // oxlint-disable-next-line unicorn/no-new-array -- it is what is tested
  ['an array', (length) => new Array(length)],
  ['an array, called', (length) => Array(length)],
  ['Buffer.alloc', (length) => Buffer.alloc(length)],
  ['Buffer.allocUnsafe', (length) => Buffer.allocUnsafe(length)],
  ['Buffer.concat', (length) => Buffer.concat([Buffer.of(1)], length)],
  ['repeat', (length) => ' '.repeat(length)],
  ['padStart', (length) => ''.padStart(length)],
]

t.test('Meter: refuses an allocation before it is made, and notes it', async (t) => {
  for (const [name, call] of ALLOCATIONS) {
    const meter = new Meter()
    t.throws(() => meter.measure(() => meter.count(() => call(2_000_000_000), 1000)), { name: 'RangeError', message: /^Allocation of \d+ bytes is refused/ }, name)
    t.ok(meter.refused >= 2_000_000_000, name)
    t.doesNotThrow(() => meter.measure(() => meter.count(() => call(100), 1000)), name)
  }
})

t.test('Meter: does not hinder what allocates nothing by a length', async (t) => {
  const meter = new Meter()
  const made = meter.measure(() => meter.count(() => [new Uint8Array(new ArrayBuffer(8), 4), new Uint8Array([1, 2]), Buffer.from('ab'), Array.of(1), new Uint8Array(0) instanceof Uint8Array, Array.isArray([]), new Array(1, 2)], 100))
  t.same(made, [new Uint8Array(4), Uint8Array.of(1, 2), Buffer.from('ab'), [1], true, true, [1, 2]])
  t.equal(meter.refused, 0)
})

const METHODS: readonly (readonly [holder: object, name: string])[] = [[Buffer, 'concat'], [Buffer, 'alloc'], [Buffer.prototype, 'toString'], [Object.getPrototypeOf(Buffer), 'from'], [JSON, 'parse']]
const parts = (): unknown[] => [globalThis.Uint8Array, Uint8Array.prototype.constructor, ...METHODS.map(([holder, name]) => Object.getOwnPropertyDescriptor(holder, name))]

t.test('Meter: puts everything back, when the code throws too', async (t) => {
  const before = parts()
  t.throws(() => new Meter().measure(() => { throw new Error('no') }), { message: 'no' })
  t.same(parts(), before)
})

t.test('Meter: takes away what it has put where a function was inherited', async (t) => {
  const own = Object.getOwnPropertyDescriptor(Buffer.prototype, 'lastIndexOf') as PropertyDescriptor
  t.teardown(() => Object.defineProperty(Buffer.prototype, 'lastIndexOf', own))
  Reflect.deleteProperty(Buffer.prototype, 'lastIndexOf')
  t.ok(workOf(() => Buffer.alloc(5).lastIndexOf(1)) >= 5)
  t.notOk(Object.hasOwn(Buffer.prototype, 'lastIndexOf'))
})

t.test('Meter: leaves what is frozen, and works without Buffer', async (t) => {
  const { parse } = JSON
  const { Buffer } = globalThis
  Object.defineProperty(JSON, 'parse', { value: parse, configurable: false, writable: false })
  t.equal(workOf(() => JSON.parse('[1]')), 0)
  Reflect.deleteProperty(globalThis, 'Buffer')
  const work = workOf(() => new Uint8Array(5).slice())
  globalThis.Buffer = Buffer
  t.ok(work >= 10)
})

t.test('metered: bounds what a decoder allocates by what it has received', async (t) => {
  const meter = new Meter()
  const decoder = metered({ write: (chunk) => void new Uint8Array(chunk.length * 20), read: () => null, end() {} }, meter, 100)
  meter.measure(() => {
    decoder.write(new Uint8Array(10))
    t.equal(decoder.read(), null)
    decoder.end()
    t.equal(meter.refused, 0)
    t.throws(() => decoder.write(new Uint8Array(1000)))
  })
  t.same([meter.refused, decoder.received], [20_000, 1010])
})
